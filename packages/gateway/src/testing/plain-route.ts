/** A route that does nothing but match. */
import type { RouteMatch, RouteSettings, RouteTarget } from "../settings.ts";

export function plainRoute(
	name: string,
	match: Partial<RouteMatch> = {},
	targets: readonly Partial<RouteTarget>[] = [{}],
): RouteSettings {
	return {
		name,
		match: { hosts: [], path: { kind: "prefix", value: "/" }, methods: [], headers: [], ...match },
		targets: targets.map((target) => ({
			upstream: name,
			share: undefined,
			header: undefined,
			cookie: undefined,
			...target,
		})),
		timeouts: { headMs: 1_000, idleMs: 1_000, totalMs: 1_000, deadlineField: undefined },
		retry: { triesMax: 0, statuses: [], unsafe: false, hedgeMs: undefined },
		requestEdits: { set: [], add: [], remove: [] },
		responseEdits: { set: [], add: [], remove: [] },
		rewrite: undefined,
		host: "client",
		rateLimits: [],
		concurrency: undefined,
		shed: undefined,
		readOnly: { mode: "off", failuresInARow: 1, probeMs: 1_000 },
		mirror: undefined,
		plugins: [],
		websocket: false,
	};
}
