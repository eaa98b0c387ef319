/**
 * pool-starved: callers wait for a connection.
 *
 * A consequence: a leak, a deadlock, a lock queue or slow statements hold the connections. Runtime line: the
 * same goroutines wait in the pool in both dumps. Pool line: waits that take long on average, start and never
 * end, or end in vain: our gateway fails them after a second. Short waits of a busy pool are health, not starvation.
 */

import type { Attribution } from "../attribution.ts";
import { persistentRows } from "../dump-view.ts";
import { goroutineEvidence, plural, poolEvidence, seconds, sessionEvidence } from "../evidence.ts";
import type { Evidence, Finding, FindingId, Severity } from "../finding.ts";
import { isExhausted, waitedInVain, waits } from "../pool-view.ts";
import { finding, present, type Rule } from "../rule.ts";
import { runsThroughout } from "../session-patterns.ts";
import type { World } from "../world.ts";

/** Mean wait from which callers notice; a busy pool's waits are milliseconds. */
const MEAN_WAIT_MS_MIN = 1_000;
/** Names in a title. */
const POOLS_SHOWN_MAX = 3;
/** Fewer waits make no mean. */
const WAITS_MIN = 5;

const CAUSES: readonly FindingId[] = [
	"db-per-request",
	"pool-deadlock",
	"tx-open",
	"rows-open",
	"conn-held",
	"ctx-residue",
	"tx-begin-wait",
	"db-lock-wait",
];

export const poolStarved: Rule = {
	id: "pool-starved",
	about: {
		sees: "callers that wait for a connection through the window, or for a second and longer on average",
		hurts: "requests queue for the pool before they do any work; their own timeouts fire there",
		otherwise: ["a pool limit set far too low for the load, with nothing wrong in the code"],
		fix: [
			"cure what holds the connections; a larger limit helps only where the holders are healthy work",
			"bound the wait: a context deadline on every call, so that a starved pool fails fast",
		],
		stop: [
			"raise MaxOpenConns where the database has room, to win time",
			"shed load or restart the worst instance",
		],
		verify: ["the pool's wait count stops rising; run plumbline diagnose again under the same load"],
	},
	examine(world, found) {
		const waiting = persistentWaiters(world);
		const slow = world.pools.map((pool) => ({ pool, ...waits(pool) })).filter(isSlow);
		if (waiting.length === 0 && slow.length === 0) return undefined;
		const now = world.lastDump?.rows("pool-wait").length ?? 0;
		const count = Math.max(waiting.length, slow.length > 0 ? now : 0) || waitersOnAverage(slow);
		// What is only noted explains nothing that is worth an alarm.
		const causes = CAUSES.filter((id) => found.some((f) => f.id === id && f.severity !== "note"));
		const work = slowWork(world);
		const full =
			slow.find(({ pool }) => isExhausted(pool))?.pool ?? world.pools.find(isExhausted) ?? slow[0]?.pool;
		const gateway = waiting.length === 0 ? gatewayPools(slow) : undefined;
		return finding("pool-starved", poolStarved.about, {
			severity: severityOf(world, { waiting, slow: slow.length > 0, causes, running: work.running }),
			confidence: full !== undefined && waiting.length > 0 ? 0.95 : 0.8,
			count,
			title: `${plural(count, "caller")} wait for a connection${to(gateway)}${because(causes, work.count)}`,
			story: present([
				waiting.length > 0
					? `${plural(waiting.length, "goroutine")} waited through the whole window`
					: undefined,
				...slow.map(slowWaitsInWords),
				causes.length === 0 && work.count > 0
					? `the connections are at work, not leaked: ${plural(work.count, "statement")} ran all along`
					: undefined,
			]).join("; "),
			causes,
			...(gateway === undefined ? {} : { fix: GATEWAY_FIX, stop: GATEWAY_STOP }),
			attribution:
				causes.length > 0 ? seeCause(causes) : gateway === undefined ? work.attribution : SEE_WAITING,
			evidence: present<Evidence>([
				waiterEvidence(world, waiting),
				full &&
					poolEvidence(
						full.last,
						`${full.last.counters.inUse} of ${full.last.counters.maxOpen} connections in use${to(gateway)}`,
					),
				...(causes.length === 0 ? work.evidence : []),
			]),
		});
	},
};

/** The pools of our gateway's upstreams have other settings than database pools, and their holders are requests. */
const GATEWAY_FIX: readonly string[] = [
	"find out why the upstream is slow: each connection carries one request, from its first byte to the answer's last",
	"`pool.max` of the upstream: for all endpoints and workers together at least the requests a second times the seconds that one takes",
	"bound the wait: `pool.queue` and `pool.queueTime` of the upstream, so that callers fail fast",
];
const GATEWAY_STOP: readonly string[] = [
	"raise `pool.max` where the upstream has room: a changed file is taken at once, and nobody is cut off",
	"refuse early: `concurrency` or `shed` of the route",
];
const SEE_WAITING: Attribution = {
	candidates: [],
	siblings: [],
	holderGap:
		"requests hold them until the upstream has answered: `/api/waiting` of the gateway's admin names them",
};

/** `orders/10.0.0.1:8080`, of all that are short; undefined if others than our gateway's are among them. */
function gatewayPools(slow: readonly { pool: World["pools"][number] }[]): string | undefined {
	const pools = slow.map(({ pool }) => pool);
	if (pools.length === 0 || pools.some(({ last }) => last.counters.family !== "gateway")) return undefined;
	const shown = pools.slice(0, POOLS_SHOWN_MAX).map(({ name }) => name);
	return shown.length < pools.length ? `${shown.join(", ")}, ...` : shown.join(", ");
}

function to(pools: string | undefined): string {
	return pools === undefined ? "" : ` to ${pools}`;
}

/** Waits that pass for each one seen in both dumps, from which on that one is a wait begun anew. */
const PASSING_PER_LASTING = 10;

function persistentWaiters({ firstDump, lastDump, spansWindow, pools }: World): number[] {
	if (!spansWindow || firstDump === undefined || lastDump === undefined) return [];
	const rows = persistentRows(firstDump, lastDump, "pool-wait");
	// A worker without a context of its own looks the same each time it waits. The pool serves its callers
	// fairly: where it counts many short waits, nobody has waited all along.
	const passing = pools.map(waits).filter(({ meanMs = 0 }) => meanMs > 0 && meanMs < MEAN_WAIT_MS_MIN);
	const begun = passing.reduce((sum, w) => sum + w.begun, 0);
	return pools.length > 0 && passing.length === pools.length && begun >= rows.length * PASSING_PER_LASTING
		? []
		: rows;
}

/**
 * Waiting all along is critical. Where only the looks of a goroutine say that it is one wait, and not a worker's
 * next one, and nothing else says that the pool is stuck, it wakes nobody.
 */
function severityOf(
	{ lastDump, pools, sessions }: World,
	seen: {
		readonly waiting: readonly number[];
		readonly slow: boolean;
		readonly causes: readonly FindingId[];
		readonly running: number;
	},
): Severity {
	if (seen.causes.length > 0) return "critical";
	if (seen.waiting.length === 0) return "warning";
	const oneRequest = seen.waiting.some((row) => lastDump?.requestOf.has(lastDump.table.goid[row] ?? 0));
	const allRunning = seen.running > 0 && seen.running === sessions?.ours.length;
	return oneRequest || seen.slow || allRunning || pools.some(isExhausted) ? "critical" : "note";
}

/** Little's law: time waited by all in the window, over the window. */
function waitersOnAverage(slow: readonly { pool: World["pools"][number] }[]): number {
	const mean = slow.reduce((sum, { pool: { first, last } }) => {
		const waitedMs = ((last.counters.waitSeconds ?? 0) - (first.counters.waitSeconds ?? 0)) * 1000;
		return sum + waitedMs / Math.max(1, last.atMs - first.atMs);
	}, 0);
	return Math.max(1, Math.round(mean));
}

type SlowWaits = ReturnType<typeof waits> & { readonly pool: World["pools"][number] };

function slowWaitsInWords({ pool, begun, meanMs }: SlowWaits): string {
	if (meanMs !== undefined && meanMs >= MEAN_WAIT_MS_MIN)
		return `${begun} waits took ${seconds(meanMs)} on average`;
	const vain = waitedInVain(pool);
	return vain > 0 ? `${vain} callers waited in vain` : `${begun} waits began and none ended`;
}

/** Long waits on average, or in vain; or a total hang: waits begin, none ends, every connection is out. */
function isSlow({ pool, begun, meanMs }: SlowWaits): boolean {
	if (waitedInVain(pool) >= WAITS_MIN && isExhausted(pool)) return true;
	if (begun < WAITS_MIN || meanMs === undefined) return false;
	return meanMs >= MEAN_WAIT_MS_MIN || (meanMs === 0 && isExhausted(pool));
}

function waiterEvidence({ lastDump }: World, waiting: readonly number[]): Evidence | undefined {
	const row = waiting[0] ?? lastDump?.rows("pool-wait")[0];
	if (lastDump === undefined || row === undefined) return undefined;
	const says =
		waiting.length > 0
			? `${plural(waiting.length, "goroutine")} wait for the pool in both dumps`
			: `${plural(lastDump.rows("pool-wait").length, "goroutine")} wait for the pool in the last dump`;
	return goroutineEvidence(lastDump, row, says);
}

/** Statements that run through the whole window: holders that work rather than leak. */
function slowWork(world: World): {
	count: number;
	running: number;
	attribution: Attribution;
	evidence: Evidence[];
} {
	const { firstDump, lastDump, spansWindow, sessions } = world;
	const running =
		sessions?.ours.filter((h) => runsThroughout(h) && h.last.session.blockedBy.length === 0) ?? [];
	const rows =
		spansWindow && firstDump !== undefined && lastDump !== undefined
			? persistentRows(firstDump, lastDump, "driver-call")
			: [];
	const frames = rows.map((row) => lastDump?.facts(row).borrow?.frame).filter((f) => f !== undefined);
	const [frame] = frames;
	const one = new Set(frames.map((f) => f.func)).size === 1;
	const how = `${rows.length} of the holders run a slow statement here; it is work, not a leak`;
	const [first] = rows;
	return {
		running: running.length,
		count: Math.max(running.length, rows.length),
		attribution: {
			...(frame !== undefined && one ? { holder: { ...frame, how, confidence: 0.9 } } : {}),
			...(frame === undefined ? { holderGap: "what holds the connections was not seen at work" } : {}),
			candidates: [],
			siblings: [],
		},
		evidence: present<Evidence>([
			running.length > 0
				? sessionEvidence(running, `${plural(running.length, "statement")} running since before the window`)
				: undefined,
			first !== undefined && lastDump !== undefined
				? goroutineEvidence(
						lastDump,
						first,
						`${plural(rows.length, "goroutine")} in the same driver call all along`,
					)
				: undefined,
		]),
	};
}

function because(causes: readonly FindingId[], working: number): string {
	if (causes.length > 0) return `: a consequence of ${causes.join(", ")}`;
	return working > 0 ? " while slow statements hold them all" : "";
}

function seeCause(causes: readonly Finding["id"][]): Attribution {
	return { candidates: [], siblings: [], holderGap: `see ${causes.join(", ")}` };
}
