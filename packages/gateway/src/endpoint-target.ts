/** Where and how connections to an endpoint are opened, and what makes two of them the same to a pool. */
import { readFileSync } from "node:fs";
import type { ServerSettings, UpstreamSettings, UpstreamTls } from "./settings.ts";
import type { DialTarget, DialTls } from "./upstream-connection.ts";

/** What the files of an upstream's TLS settings hold; undefined: it does not speak TLS. */
export type TlsTexts = Omit<DialTls, "serverName">;

/** Throws what reading a file throws. */
export function readTlsTexts({ protocol, tls }: UpstreamSettings): TlsTexts | undefined {
	if (protocol !== "https" && protocol !== "h2") return undefined;
	const text = (name: keyof Pick<UpstreamTls, "authority" | "certificate" | "key">) => {
		const path = tls[name];
		return path === undefined ? undefined : readFileSync(path, "utf8");
	};
	const { verify } = tls;
	return { verify, authority: text("authority"), certificate: text("certificate"), key: text("key") };
}

/** `host`: as the configuration names the server; whom its certificate must name unless the settings say otherwise. */
export function dialTarget(
	settings: UpstreamSettings,
	texts: TlsTexts | undefined,
	responses: { readonly headBytesMax: number; readonly fieldsMax: number },
	place: { readonly host: string; readonly address: string; readonly port: number },
): DialTarget {
	const { protocol, pool, tls } = settings;
	return {
		...{ address: place.address, port: place.port, protocol, connectMs: pool.connectMs },
		tls: texts && { ...texts, serverName: tls.serverName ?? place.host },
		...{ headBytesMax: responses.headBytesMax, fieldsMax: responses.fieldsMax },
	};
}

/** Connections of equal keys are as good as each other. */
export function poolKey({ address, port, protocol, tls }: DialTarget): string {
	const { serverName, verify, authority, certificate, key } = tls ?? {};
	return JSON.stringify([address, port, protocol, serverName, verify, authority, certificate, key]);
}

/** An address with a port, as rings, logs and metrics know it. */
export function endpointId(address: string, port: number): string {
	return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

const USUAL_PORTS: Readonly<Record<UpstreamSettings["protocol"], number>> = {
	...{ http: 80, h2c: 80, https: 443, h2: 443 },
};

/** What a client that asked it directly would put into Host. */
export function authorityOf({ host, port }: ServerSettings, protocol: UpstreamSettings["protocol"]): string {
	if (port !== USUAL_PORTS[protocol]) return endpointId(host, port);
	return host.includes(":") ? `[${host}]` : host;
}
