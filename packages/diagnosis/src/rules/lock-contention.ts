/**
 * lock-contention: many goroutines wait for one lock, all through the window, and still it moves on.
 *
 * Some forty samples tell how many wait at any moment; by Little's law that is the number of requests a second
 * times how long each one waits. A lock that nobody gets any more is a goroutine-leak (a deadlock), not this.
 */
import type { Frame } from "@plumbline/signals/goroutines";
import type { Attribution } from "../attribution.ts";
import { type DumpView, isSameCall } from "../dump-view.ts";
import { quoteCalls, seconds, shortName } from "../evidence.ts";
import type { Evidence, Holder } from "../finding.ts";
import type { HolderLine } from "../lock-holders.ts";
import { lockTaker } from "../lock-taker.ts";
import { type Unlocks, unlocksOf } from "../lock-unlocks.ts";
import { type LockView, lockViews } from "../lock-view.ts";
import { finding, present, type Rule } from "../rule.ts";
import { type StuckLocks, stuckLocks } from "../stuck-locks.ts";
import { isTimeless } from "../timeless.ts";
import type { World } from "../world.ts";

/** On average. A busy lock that works has one or two waiting now and then. */
const WAITING_MEAN_MIN = 5;
/** Of the samples that have at least two waiting: a burst is no habit. */
const WAITING_SAMPLES_SHARE_MIN = 0.8;
const SAMPLES_MIN = 5;
/** Between the first and the last: a start, a reload or a burst of log lines is over by then. */
const SPAN_MS_MIN = 3_000;
/** Of those who do the same work: where fewer wait, the lock is a small part of the time it takes. */
const WAITING_OF_WORK_MIN = 0.05;
/** Of those who wait at the end, in the very same call as at the start: then nobody gets the lock. */
const STUCK_SHARE_MIN = 0.5;
/** Of the sightings past the lock, from which on one line is where the time goes. */
const HOLDER_SHARE_MIN = 0.5;
const HOLDER_SEEN_MIN = 3;
/** Of the time waited, from which on the one who ended the waits is the holder. */
const UNLOCKER_SHARE_MIN = 0.5;
const CANDIDATES_MAX = 3;
const QUOTE_CALLS = 3;
const QUOTE_UNLOCKERS = 3;
const TAKERS_TOLD = 4;

export const lockContention: Rule = {
	id: "lock-contention",
	about: {
		sees: "several goroutines wait for one lock (sync.Mutex, sync.RWMutex) in nearly every sample of the window",
		hurts:
			"requests go one by one through a place that was meant to be short; more load only makes the queue longer",
		otherwise: [
			"a lock that guards a resource which is itself the limit: then the queue is honest, and a bound on it is missing",
			"many values of one type, each with a lock of its own: where no full dump tells them apart they count as one",
			"a service with too little CPU: who has the lock waits for a processor, and everybody with it",
			"a lock that nobody gets any more (a deadlock): without two full dumps it looks the same",
		],
		fix: [
			"do the slow part before taking the lock or after giving it back: calls to the network, files, encoding",
			"one lock a key or a shard instead of one for all; sync.RWMutex only where reads are long and writes rare",
			"let one caller fetch what many miss (golang.org/x/sync/singleflight)",
		],
		stop: ["shed load at the entrance; more instances share the queue"],
		verify: [
			"run plumbline diagnose again under the same load: the waiters are gone; `--profile-seconds 5` reads the mutex profile where runtime.SetMutexProfileFraction is set",
		],
	},
	examine(world) {
		const dead = stuckLocks(world);
		const locks = lockViews(world);
		const [worst] = locks
			.filter((lock) => isContended(world, lock) && !isStuck(world, lock) && !isDead(lock, dead))
			.toSorted((a, b) => meanWaiting(b) - meanWaiting(a));
		if (worst === undefined) return undefined;
		const mean = meanWaiting(worst);
		const most = Math.max(...worst.samples.map(({ waiting }) => waiting));
		const atWork = mean / meanAtWork(worst);
		const unlocks = unlocksOf(world.signals, worst.name);
		const attribution = attributionOf(world, worst, unlocks);
		return finding("lock-contention", lockContention.about, {
			severity: atWork < WAITING_OF_WORK_MIN ? "note" : "warning",
			confidence: attribution.holder === undefined ? 0.75 : 0.85,
			count: Math.round(mean),
			title: `${Math.round(mean)} goroutines at a time wait for a lock of ${worst.name}`,
			story: present([
				`at most ${most}, in ${worst.samples.filter(({ waiting }) => waiting > 0).length} of ${worst.samples.length} samples`,
				atWork < WAITING_OF_WORK_MIN
					? `those are few of the ${Math.round(meanAtWork(worst))} that do the same work: the lock is a small part of its time`
					: undefined,
				`taken in ${places(worst.takers)}`,
				worst.callers.some((caller) => !worst.takers.includes(caller))
					? `called from ${places(worst.callers)}`
					: undefined,
				unlocks &&
					`by the mutex profile they waited ${seconds(unlocks.waitedMs)} in all, within ${seconds(unlocks.spanMs)}`,
				attribution.holder &&
					`while one has it, it is mostly at line ${attribution.holder.line} of ${shortName(attribution.holder.func)}`,
			]).join("; "),
			attribution,
			evidence: evidenceOf(worst, unlocks),
		});
	},
};

/** In all samples; of those for one and the same lock, where a dump tells them apart. */
function meanWaiting({ samples, shareOfOne }: LockView): number {
	return (samples.reduce((sum, { waiting }) => sum + waiting, 0) * shareOfOne) / samples.length;
}

function meanAtWork({ samples }: LockView): number {
	return samples.reduce((sum, { atWork }) => sum + atWork, 0) / samples.length;
}

function isContended({ signals }: World, lock: LockView): boolean {
	const { samples } = lock;
	const busy = samples.filter(({ waiting }) => waiting >= 2).length;
	const spanMs = (samples.at(-1)?.atMs ?? 0) - (samples[0]?.atMs ?? 0);
	return (
		samples.length >= SAMPLES_MIN &&
		(spanMs >= SPAN_MS_MIN || isTimeless(signals)) &&
		busy >= samples.length * WAITING_SAMPLES_SHARE_MIN &&
		meanWaiting(lock) >= WAITING_MEAN_MIN
	);
}

/** Goroutines that are in the very same call at both ends have not been served for the whole window. */
function isStuck({ firstDump, lastDump, spansWindow }: World, { takers }: LockView): boolean {
	if (!spansWindow || firstDump === undefined || lastDump === undefined) return false;
	const waiting = waitersIn(lastDump, takers);
	const lasting = [...waiting].filter((row) => isSameCall(firstDump, lastDump, row));
	return waiting.size > 0 && lasting.length >= waiting.size * STUCK_SHARE_MIN;
}

/** Told by goroutine-leak. */
function isDead({ takers, callers }: LockView, dead: StuckLocks | undefined): boolean {
	return [...takers, ...callers].some(({ func }) => func === dead?.place?.func);
}

function waitersIn({ table }: DumpView, takers: LockView["takers"]): Set<number> {
	const names = new Set(takers.map(({ func }) => func));
	const waits = table.stacks.map(({ frames }) => {
		const at = lockTaker(frames);
		return at !== undefined && frames.slice(at).some(({ func }) => names.has(func));
	});
	const rows = new Set<number>();
	for (let row = 0; row < table.count; row++) if (waits[table.stackOf[row] ?? 0]) rows.add(row);
	return rows;
}

function attributionOf(world: World, lock: LockView, unlocks: Unlocks | undefined): Attribution {
	const sure = lock.holders.filter(({ sameFunction }) => sameFunction);
	const seen = sure.length > 0 ? sure : lock.holders;
	const total = seen.reduce((sum, holder) => sum + holder.seen, 0);
	const unlocker = unlockerOf(unlocks);
	const [top, ...others] = seen;
	if (top === undefined) {
		return {
			...(unlocker === undefined
				? { holderGap: "nobody was caught with the lock: it is held for moments only, but very often" }
				: { holder: unlocker }),
			candidates: [],
			siblings: [],
		};
	}
	const candidates = (of: readonly HolderLine[]) =>
		of.slice(0, CANDIDATES_MAX).map((each) => asHolder(each, total));
	const named = isSure(world, top, total);
	if (unlocker !== undefined && !(named && unlocker.func === top.frame.func))
		return { holder: unlocker, candidates: candidates(seen), siblings: [] };
	return {
		...(named
			? { holder: asHolder(top, total) }
			: { holderGap: "no single line was seen with the lock most of the time" }),
		candidates: candidates(named ? others : seen),
		siblings: [],
		evidence: [
			{
				line: "runtime",
				says: `past the lock: ${top.seen} of ${total} sightings are here`,
				quote: quoteCalls([...top.calls.slice(0, QUOTE_CALLS), top.frame]),
				part: top.part,
				offset: top.offset,
				atMs: top.atMs,
			},
		],
	};
}

/** In another method of the type only where two full dumps show that it is not there for good: a main loop is. */
function isSure({ spansWindow }: World, top: HolderLine, total: number): boolean {
	if (top.isCrowded || !(top.sameFunction || spansWindow)) return false;
	return top.seen >= HOLDER_SEEN_MIN && top.seen >= total * HOLDER_SHARE_MIN;
}

function unlockerOf(unlocks: Unlocks | undefined): Holder | undefined {
	const [top] = unlocks?.sites ?? [];
	if (unlocks === undefined || top === undefined) return undefined;
	const share = top.waitedMs / unlocks.waitedMs;
	if (share < UNLOCKER_SHARE_MIN) return undefined;
	const { func, file, line } = top.frame;
	return {
		func,
		file,
		line,
		how: `${Math.round(share * 100)} % of the time waited ended when this line gave the lock back (mutex profile)`,
		confidence: 0.5 + 0.4 * share,
	};
}

function asHolder({ frame: { func, file, line }, seen, sameFunction }: HolderLine, total: number): Holder {
	return {
		func,
		file,
		line,
		how: sameFunction
			? `${seen} of ${total} sightings past the lock, in the function that takes it, are at this line`
			: `${seen} of ${total} sightings in other methods of the same type are at this line`,
		confidence: (sameFunction ? 0.9 : 0.75) * Math.min(1, 0.5 + seen / total / 2),
	};
}

function evidenceOf({ samples, takers }: LockView, unlocks: Unlocks | undefined): Evidence[] {
	const fullest = samples.toSorted((a, b) => b.waiting - a.waiting)[0];
	return present<Evidence>([
		fullest && {
			line: "runtime",
			says: `${fullest.waiting} goroutines wait for it in this sample; over all samples: ${samples.map(({ waiting }) => waiting).join(" ")}`,
			quote: quoteCalls(takers.slice(0, TAKERS_TOLD)),
			part: fullest.part,
			offset: fullest.offset,
			atMs: fullest.atMs,
		},
		unlocks && {
			line: "runtime",
			says: "who gave it back while others waited: the growth of the mutex profile, summed up by line",
			quote: unlocks.sites
				.slice(0, QUOTE_UNLOCKERS)
				.map(({ frame: { func, file, line }, waitedMs }) => `${seconds(waitedMs)} ${func} ${file}:${line}`)
				.join("\n"),
			part: unlocks.part,
			offset: 0,
			atMs: unlocks.atMs,
		},
	]);
}

function places(frames: readonly Frame[]): string {
	const told = frames.slice(0, TAKERS_TOLD).map(({ func, line }) => `${shortName(func)}:${line}`);
	const more = frames.length - told.length;
	return told.join(", ") + (more > 0 ? ` and ${more} more` : "");
}
