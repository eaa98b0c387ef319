/** A process with one upstream of two endpoints, for tests of what is made of snapshots. */
import type { EndpointSnapshot, WorkerSnapshot } from "../admin-view.ts";
import type { PoolCounts } from "../endpoint.ts";

function poolCounts(parts: Partial<PoolCounts> = {}): PoolCounts {
	return {
		...{ open: 7, connecting: 1, idle: 2, inUse: 5, waiting: 0, max: 11, opened: 13, failed: 3 },
		...{ reused: 101, waited: 17, waitedMs: 1900, timedOut: 0, refused: 0 },
		closedBy: { idle: 2, lifetime: 1, requests: 0, server: 3, broken: 0, drain: 0 },
		...parts,
	};
}

function endpointOf(id: string, parts: Partial<EndpointSnapshot> = {}): EndpointSnapshot {
	const [address = "", port] = id.split(":");
	return {
		...{ id, address, port: Number(port), zone: undefined, weight: 1, inFlight: 5, out: [] },
		usableForMs: 60_000,
		pool: poolCounts(),
		breaker: { state: "closed", why: undefined, reopenInMs: undefined },
		...parts,
	};
}

export function workerSnapshot(parts: Partial<WorkerSnapshot> = {}): WorkerSnapshot {
	return {
		...{ worker: 0, pid: 4711, state: "serving", upSeconds: 61, generation: 2, exchanges: 5 },
		routes: [{ name: "shop", targets: ["orders"], inFlight: 5, readOnly: false, draining: false }],
		listeners: [
			{
				...{ name: "127.0.0.1:8080", port: 8080, connections: 19, connectionsMax: 1000 },
				...{ accepted: 23, turnedAway: 0 },
			},
		],
		upstreams: [
			{
				...{ name: "orders", protocol: "http" },
				endpoints: [
					endpointOf("10.0.0.1:8080"),
					endpointOf("10.0.0.2:8080", {
						out: ["ejected"],
						breaker: { state: "open", why: "failures-in-a-row", reopenInMs: 2000 },
					}),
				],
				ring: undefined,
			},
		],
		limits: [
			{
				...{ route: "shop", name: "everybody", kind: "rate", limit: Infinity, used: 3, waiting: 0 },
				reachable: undefined,
			},
		],
		...{ waiting: [], loopLagMs: 1.5 },
		...parts,
	};
}
