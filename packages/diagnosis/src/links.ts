/** The join's links between the three lines, each with its confidence and its reason. */
import type { Evidence, Finding, Link } from "./finding.ts";
import type { SocketOwners } from "./socket-owners.ts";
import type { World } from "./world.ts";

/** The lines were read side by side, but nothing in them says that they belong together. */
const ON_TRUST = 0.7;
/** What is known speaks against it, yet a proxy or an unexported pool would look like this. */
const DOUBTED = 0.5;

/** A link, and whether a finding with this evidence rests on it. */
interface Joint extends Link {
	readonly carries: (evidence: readonly Evidence[]) => boolean;
}

export function linksOf(world: World): Joint[] {
	return [runtimeToSockets(world), socketsToSessions(world), runtimeToCounters(world)].filter(
		(link) => link !== undefined,
	);
}

/** Is the pprof address a port that the process itself listens on? */
function runtimeToSockets({ signals, sockets, dumps }: World): Joint | undefined {
	if (sockets !== undefined && sockets.owners.kind !== "descriptors") return pastedSockets(sockets.owners);
	const { pprof } = signals.target;
	const port = pprof === undefined ? undefined : portOf(pprof);
	if (dumps.length === 0 || sockets === undefined || port === undefined) return undefined;
	const own = sockets.listening.has(port);
	return {
		between: ["runtime", "sockets"],
		confidence: own ? 1 : DOUBTED,
		reason: own
			? `the process itself listens on the pprof port ${port}`
			: `the process does not listen on the pprof port ${port}: a proxy, or another service`,
		carries: (evidence) => ["runtime", "sockets"].every((line) => evidence.some((e) => e.line === line)),
	};
}

/** A pasted table says at best which process holds its rows, never that the dump is of that one. */
function pastedSockets(owners: Exclude<SocketOwners, { kind: "descriptors" }>): Joint {
	return {
		between: ["runtime", "sockets"],
		confidence: owners.kind === "pid" ? ON_TRUST : DOUBTED,
		reason: owners.why,
		carries: (evidence) => evidence.some((e) => e.line === "sockets"),
	};
}

/** By address and port; see session-history.ts. Whoever quotes a session rests on it. */
function socketsToSessions({ sessions, signals }: World): Joint | undefined {
	if (sessions === undefined) return undefined;
	const parts = new Set(signals.sessions.map((s) => s.part.name));
	return {
		between: ["sockets", "pool"],
		...sessions.link,
		carries: (evidence) => evidence.some((e) => parts.has(e.part)),
	};
}

/** Counters name a pool by a label, the dump by a pointer: only their numbers can be compared. */
function runtimeToCounters({ lastDump, pools, signals }: World): Joint | undefined {
	const counted = pools.filter((p) => p.last.counters.family !== "pgxpool").length;
	const open = lastDump?.rows("opener").length ?? 0;
	if (counted === 0 || open === 0) return undefined;
	const pages = new Set(signals.metrics.map((m) => m.part.name));
	return {
		between: ["runtime", "pool"],
		...compared(open, counted),
		carries: (evidence) =>
			evidence.some((e) => e.line === "runtime") && evidence.some((e) => pages.has(e.part)),
	};
}

function compared(open: number, counted: number): Pick<Link, "confidence" | "reason"> {
	if (open !== counted) {
		return { confidence: DOUBTED, reason: `${open} pools are open, but ${counted} have counters` };
	}
	if (open === 1) return { confidence: 1, reason: "one pool is open and one has counters" };
	return { confidence: ON_TRUST, reason: `${open} pools are open, as many as have counters` };
}

function portOf(url: string): number | undefined {
	const port = /^https?:\/\/(?:\[[^\]]*\]|[^/:]+):(\d+)/.exec(url)?.[1];
	return port === undefined ? undefined : Number(port);
}

/** The finding with the weak links it rests on; it is no surer than they are. */
export function joined(finding: Finding, links: readonly Joint[]): Finding {
	const joins = links
		.filter((link) => link.confidence > 0 && link.confidence < 1 && link.carries(finding.evidence))
		.map(shown);
	return { ...finding, joins, confidence: Math.min(finding.confidence, ...joins.map((l) => l.confidence)) };
}

/** The link as data, as a diagnosis holds it. */
export function shown({ between, confidence, reason }: Joint): Link {
	return { between, confidence, reason };
}
