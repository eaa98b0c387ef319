/** Listeners of the configuration: short forms become long ones, names are made of places. */
import { type GivenConfig, type GivenListener, LISTENER_DEFAULTS } from "./config-shape.ts";
import { type Place, placeText } from "./config-units.ts";
import type { ConfigUpstreams } from "./config-upstreams.ts";
import type { ListenerSettings, ListenerTls, TcpSettings } from "./settings.ts";

export function listenersOf(given: readonly (Place | GivenListener)[]): readonly ListenerSettings[] {
	return given.map((each) => {
		const listener = "at" in each ? each : { ...LISTENER_DEFAULTS, at: each };
		return {
			name: listener.name ?? placeText(listener.at),
			...listener.at,
			tls: tlsOf(listener.tls),
			protocols: listener.protocols,
			connectionsMax: listener.connections,
			connectionsMaxPerClient: listener.connectionsPerClient,
		};
	});
}

function tlsOf(given: GivenListener["tls"]): ListenerTls | undefined {
	if (given === undefined) return undefined;
	const { certificate, key, pairs, clientAuthority } = given;
	const one = certificate === undefined || key === undefined ? [] : [{ certificate, key }];
	return { pairs: [...one, ...pairs], clientAuthority };
}

export function tcpOf(given: GivenConfig["tcp"], upstreams: ConfigUpstreams): readonly TcpSettings[] {
	return given.map((each, index) => ({
		name: each.name ?? `tcp ${placeText(each.at)}`.replace(" ", ":"),
		...each.at,
		upstream: upstreams.target(each.to, ["tcp", index, "to"]),
		connectionsMax: each.connections,
		idleMs: each.idle,
	}));
}
