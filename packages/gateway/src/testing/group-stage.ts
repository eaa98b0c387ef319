/** A group over fake dials, a resolver whose answers a test writes down, and a clock that it turns. */
import { type FakeTime, fakeTime } from "@plumbline/resolver/testing/fake-time";
import { type TableResolver, tableResolver } from "@plumbline/resolver/testing/table-resolver";
import type { Endpoint } from "../endpoint.ts";
import type { GatewayEvent } from "../observer.ts";
import { PoolPorts } from "../pool-ports.ts";
import type { ServerSettings, UpstreamSettings } from "../settings.ts";
import { TimerWheel } from "../timer-wheel.ts";
import { UpstreamGroup } from "../upstream-group.ts";
import { FakeDials } from "./fake-dials.ts";
import { PLAIN_POOL } from "./pool-stage.ts";

export function server(host: string, more: Partial<ServerSettings> = {}): ServerSettings {
	return { host, port: 80, weight: 1, zone: undefined, ...more };
}

const PLAIN_UPSTREAM: UpstreamSettings = {
	name: "orders",
	servers: [],
	protocol: "http",
	tls: {
		...{ serverName: undefined, verify: true, authority: undefined },
		...{ certificate: undefined, key: undefined },
	},
	pool: PLAIN_POOL,
	balance: { kind: "round-robin" },
	health: undefined,
	outliers: undefined,
	breaker: undefined,
	retryBudget: { share: 0.2, least: 1 },
	slowStartMs: 0,
	dns: { everyMsMin: 5_000, everyMsMax: 60_000, drainMs: 10_000, addressesMax: 8 },
	zone: undefined,
};

export function upstream(servers: readonly ServerSettings[], more: Partial<UpstreamSettings> = {}) {
	return { ...PLAIN_UPSTREAM, servers, ...more };
}

export interface GroupStage {
	readonly time: FakeTime;
	readonly dials: FakeDials;
	readonly table: TableResolver;
	readonly group: UpstreamGroup;
	/** `added 192.0.2.1:80: configured`, `circuit …`, `resolved …`; since the last look. */
	told(): readonly string[];
	ids(): readonly string[];
	endpoint(id: string): Endpoint;
}

/** `prepare` writes down answers before the group asks. */
export function groupStage(
	settings: UpstreamSettings,
	prepare: (table: TableResolver) => void = () => undefined,
): GroupStage {
	const time = fakeTime();
	const dials = new FakeDials();
	const table = tableResolver();
	prepare(table);
	const lines: string[] = [];
	const group = new UpstreamGroup(settings, {
		...{ dial: dials.dial, resolver: table, ports: new PoolPorts(1_000, () => undefined) },
		...{ wheel: new TimerWheel(time.now, time.timers), timers: time.timers, now: time.now },
		random: () => 0,
		observe: (event) => lines.push(lineOf(event)),
		responses: { headBytesMax: 16_384, fieldsMax: 100 },
	});
	return {
		...{ time, dials, table, group },
		told: () => lines.splice(0),
		ids: () => group.usable().map(({ id }) => id),
		endpoint(id) {
			const found = group.endpoints.find((each) => each.id === id);
			if (found === undefined) throw new Error(`no endpoint ${id}`);
			return found;
		},
	};
}

function lineOf(event: GatewayEvent): string {
	switch (event.kind) {
		case "endpoint":
			return `${event.change} ${event.endpoint}: ${event.why}`;
		case "circuit":
			return `circuit ${event.resource}: ${event.from} to ${event.to}`;
		case "resolved":
			return `resolved ${event.name}: ${
				event.answer.kind === "addresses"
					? `${event.answer.addresses.join(" ")}${event.answer.stale ? " (stale)" : ""}`
					: event.answer.kind
			}`;
		default:
			return event.kind;
	}
}
