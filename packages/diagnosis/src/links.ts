/** The join's links between the three lines, each with its confidence and its reason. */
import type { Finding, Link } from "./finding.ts";
import type { World } from "./world.ts";

/** The lines were read side by side, but nothing in them says that they belong together. */
const ON_TRUST = 0.7;
/** What is known speaks against it, yet a proxy or an unexported pool would look like this. */
const DOUBTED = 0.5;

export function linksOf(world: World): Link[] {
	return [runtimeToSockets(world), socketsToSessions(world), runtimeToCounters(world)].filter(
		(link) => link !== undefined,
	);
}

/** Is the pprof address a port that the process itself listens on? */
function runtimeToSockets({ signals, sockets, dumps }: World): Link | undefined {
	const { pprof } = signals.target;
	const port = pprof === undefined ? undefined : portOf(pprof);
	if (dumps.length === 0 || sockets === undefined || port === undefined) return undefined;
	const between = ["runtime", "sockets"] as const;
	if (sockets.listening.has(port)) {
		return { between, confidence: 1, reason: `the process itself listens on the pprof port ${port}` };
	}
	const reason = `the process does not listen on the pprof port ${port}: a proxy, or another service`;
	return { between, confidence: DOUBTED, reason };
}

/** By address and port; see session-history.ts. */
function socketsToSessions({ sessions }: World): Link | undefined {
	return sessions === undefined ? undefined : { between: ["sockets", "pool"], ...sessions.link };
}

/** Counters name a pool by a label, the dump by a pointer: only their numbers can be compared. */
function runtimeToCounters({ lastDump, pools }: World): Link | undefined {
	const counted = pools.filter((p) => p.last.counters.family !== "pgxpool").length;
	const open = lastDump?.rows("opener").length ?? 0;
	if (counted === 0 || open === 0) return undefined;
	const between = ["runtime", "pool"] as const;
	if (counted === open) {
		const reason =
			open === 1
				? "one pool is open and one has counters"
				: `${open} pools are open, as many as have counters`;
		return { between, confidence: open === 1 ? 1 : ON_TRUST, reason };
	}
	return { between, confidence: DOUBTED, reason: `${open} pools are open, but ${counted} have counters` };
}

function portOf(url: string): number | undefined {
	const port = /^https?:\/\/(?:\[[^\]]*\]|[^/:]+):(\d+)/.exec(url)?.[1];
	return port === undefined ? undefined : Number(port);
}

/** The finding with the weak links it rests on; it is no surer than they are. */
export function joined(finding: Finding, links: readonly Link[]): Finding {
	const lines = new Set(finding.evidence.map((e) => e.line));
	const joins = links.filter((l) => l.confidence < 1 && l.between.every((line) => lines.has(line)));
	return { ...finding, joins, confidence: Math.min(finding.confidence, ...joins.map((l) => l.confidence)) };
}
