/**
 * Who waits for which lock, over all samples of the window, and what its holder was doing.
 *
 * ```
 *   sync.runtime_SemacquireMutex                    waits for a lock
 *   internal/sync.(*Mutex).lockSlow                 (Go 1.24 and later; sync.(*Mutex).lockSlow before)
 *   sync.(*Mutex).Lock
 *   main.(*RateTable).Rate      rates.go:31         the call that takes it: this line for all who wait
 *
 *   time.Sleep
 *   main.fetchRate              rates.go:50
 *   main.(*RateTable).Rate      rates.go:36         past that line: the one that has it
 * ```
 *
 * A lock is told by the type whose methods take it, or by the function: profiles print no addresses. How it misleads:
 * two values of one type count as one lock, and who is past the line may have given the lock back already; only a
 * line that is seen again and again is named.
 */
import type { Frame } from "@plumbline/signals/goroutines";
import type { Signals } from "@plumbline/signals/signals";
import type { IsApplication } from "./application.ts";
import type { DumpView } from "./dump-view.ts";
import { type GoroutineSample, goroutineSamples } from "./goroutine-samples.ts";
import type { CountedStack } from "./profile-stacks.ts";

export interface LockSample {
	readonly part: string;
	readonly atMs: number;
	readonly waiting: number;
	/** Byte offset of one of them in the part. */
	readonly offset: number;
}

/** A line of the service at which goroutines were seen that may have the lock. */
export interface HolderLine {
	readonly frame: Frame;
	/** What it calls there, innermost first. */
	readonly calls: readonly Frame[];
	/** In a function that was also seen to wait for the lock; else only in a method of the same type. */
	readonly sameFunction: boolean;
	readonly seen: number;
	readonly part: string;
	readonly offset: number;
	readonly atMs: number;
}

export interface LockView {
	/** `main.(*RateTable)` or `main.rate`. */
	readonly name: string;
	/** Functions that were seen waiting, with their lines. */
	readonly takers: readonly Frame[];
	/** One for each sample of the window, in order; 0 waiting where none did. */
	readonly samples: readonly LockSample[];
	/** Most seen first. */
	readonly holders: readonly HolderLine[];
}

const LOCK =
	/^(internal\/)?sync\.\(\*(RW)?Mutex\)\.(Lock|lockSlow|RLock|rlockSlow)$|^sync\.\(\*RWMutex\)\.rUnlockSlow$/;
const SEMACQUIRE = /^(internal\/)?sync\.runtime_Semacquire(Mutex|RWMutex|RWMutexR)?$/;
/** Calls of the runtime above the semaphore: gopark, goparkunlock, semacquire1. */
const PARK_FRAMES_MAX = 6;
/** Locks followed; a service that waits for more has another trouble. */
const LOCKS_MAX = 100;
const HOLDER_LINES_MAX = 100;

/** The frame of the service, or of its library, that asks for a lock and does not get it. */
export function lockTaker(frames: readonly Frame[]): number | undefined {
	const semaphore = frames.slice(0, PARK_FRAMES_MAX).findIndex(({ func }) => SEMACQUIRE.test(func));
	if (semaphore < 0) return undefined;
	let at = semaphore + 1;
	if (!LOCK.test(frames[at]?.func ?? "")) return undefined;
	while (LOCK.test(frames[at]?.func ?? "")) at++;
	return at < frames.length ? at : undefined;
}

/** `main.(*RateTable)` of `main.(*RateTable).Rate.func1`; a plain function is its own name, closures cut. */
export function ownerOf(func: string): string {
	const path = func.lastIndexOf("/") + 1;
	const method = /^[^.]*\.(\(\*?[^)]*\)|[^.(]*)/.exec(func.slice(path));
	return func.slice(0, path) + (method?.[0] ?? func.slice(path));
}

export function lockViews(
	signals: Signals,
	dumps: readonly DumpView[],
	isApplication: IsApplication,
): LockView[] {
	const samples = goroutineSamples(signals, dumps);
	const drafts = new Map<string, Draft>();
	samples.forEach((sample, index) => {
		for (const { frames, count, offset } of sample.stacks) {
			const at = lockTaker(frames);
			const taker = at === undefined ? undefined : frames.slice(at).find(isApplication);
			if (taker === undefined) continue;
			const draft = draftOf(drafts, ownerOf(taker.func));
			if (draft === undefined) continue;
			draft.takers.set(`${taker.func}:${taker.line}`, taker);
			const known = draft.waiting.get(index);
			draft.waiting.set(index, { count: (known?.count ?? 0) + count, offset: known?.offset ?? offset });
		}
	});
	for (const sample of samples) {
		for (const seen of sample.stacks) noteHolders(drafts, sample, seen, isApplication);
	}
	return [...drafts].map(([name, { takers, waiting, holders }]) => ({
		name,
		takers: [...takers.values()],
		samples: samples.map(({ part, atMs }, index) => ({
			part,
			atMs,
			waiting: waiting.get(index)?.count ?? 0,
			offset: waiting.get(index)?.offset ?? 0,
		})),
		holders: [...holders.values()].toSorted((a, b) => b.seen - a.seen),
	}));
}

interface Draft {
	readonly takers: Map<string, Frame>;
	/** By index of the sample. */
	readonly waiting: Map<number, { readonly count: number; readonly offset: number }>;
	readonly holders: Map<string, HolderLine>;
}

function draftOf(drafts: Map<string, Draft>, name: string): Draft | undefined {
	const known = drafts.get(name);
	if (known !== undefined || drafts.size >= LOCKS_MAX) return known;
	const draft = { takers: new Map(), waiting: new Map(), holders: new Map() };
	drafts.set(name, draft);
	return draft;
}

/** The innermost frame of each lock's type that is past the line where others wait. */
function noteHolders(
	drafts: ReadonlyMap<string, Draft>,
	{ part, atMs }: GoroutineSample,
	{ frames, count, offset }: CountedStack,
	isApplication: IsApplication,
): void {
	const waitsAt = lockTaker(frames);
	const done = new Set<string>();
	for (const [at, frame] of frames.entries()) {
		if (!isApplication(frame)) continue;
		const owner = ownerOf(frame.func);
		const draft = drafts.get(owner);
		if (draft === undefined || done.has(owner)) continue;
		done.add(owner);
		// Who waits for this very lock does not have it; who waits for another one may.
		const waitsHere = waitsAt !== undefined && frames.slice(waitsAt).find(isApplication) === frame;
		const key = `${frame.func}:${frame.line}`;
		if (waitsHere || draft.takers.has(key)) continue;
		const known = draft.holders.get(key);
		if (known === undefined && draft.holders.size >= HOLDER_LINES_MAX) continue;
		const sameFunction = [...draft.takers.values()].some(({ func }) => func === frame.func);
		const calls = frames.slice(0, at);
		const found = known ?? { frame, calls, sameFunction, seen: 0, part, offset, atMs };
		draft.holders.set(key, { ...found, seen: found.seen + count });
	}
}
