/**
 * Lines at which goroutines were seen that may have a lock: in a function that takes it, past the line where it is
 * taken, or in another method of the same type.
 *
 * How it misleads: who is past the line may have given the lock back already. So what cannot be a holder is left
 * out: more goroutines at once than can have the lock, and a goroutine that is in one and the same call at both ends
 * of the window, while others got the lock meanwhile: the main loop of a type is a method of it, too.
 */
import type { Frame } from "@plumbline/signals/goroutines";
import { type DumpView, isSameCall } from "./dump-view.ts";
import type { GoroutineSample } from "./goroutine-samples.ts";
import { ownerOf } from "./lock-taker.ts";

/** A line of the service, or of the library whose lock it is. */
export interface HolderLine {
	readonly frame: Frame;
	/** What it calls there, innermost first. */
	readonly calls: readonly Frame[];
	/** In a function that was also seen to wait for the lock; else only in a method of the same type. */
	readonly sameFunction: boolean;
	readonly seen: number;
	/** Several goroutines were here at once: readers, or they have given it back. */
	readonly isCrowded: boolean;
	readonly part: string;
	readonly offset: number;
	readonly atMs: number;
}

export interface HeldLock {
	readonly name: string;
	readonly takers: readonly Frame[];
	readonly isShared: boolean;
	/** How many wait in each sample. */
	readonly waiting: readonly number[];
}

const HOLDER_LINES_MAX = 100;
/** On average over the samples that saw somebody there; a second value of the type may have a holder as well. */
const AT_ONCE_MEAN_MAX = 1.5;
const SLEEP_FRAMES_MAX = 3;
const NANOSECONDS_PER_MS = 1e6;
/** Goroutines whose calls at both ends are compared: a type may have a method on a hundred thousand stacks. */
const COMPARED_MAX = 10_000;

/** Most seen first. */
export function holderLines(
	samples: readonly GoroutineSample[],
	dumps: readonly DumpView[],
	lock: HeldLock,
): HolderLine[] {
	const lines = new Map<string, { line: Omit<HolderLine, "isCrowded">; samples: Set<number> }>();
	samples.forEach((sample, index) => {
		for (const { frames, count, offset } of sample.stacks) {
			const frame = placeOf(frames, lock);
			if (frame === undefined) continue;
			const key = keyOf(frame);
			const known = lines.get(key);
			if (known === undefined && lines.size >= HOLDER_LINES_MAX) continue;
			const line = known?.line ?? {
				frame,
				calls: frames.slice(0, frames.indexOf(frame)),
				sameFunction: lock.takers.some(({ func }) => func === frame.func),
				seen: 0,
				part: sample.part,
				offset,
				atMs: sample.atMs,
			};
			const seenIn = known?.samples ?? new Set();
			lines.set(key, { line: { ...line, seen: line.seen + count }, samples: seenIn.add(index) });
		}
	});
	const settled = moves(lock) ? settledLines(dumps, lock) : new Set<string>();
	return [...lines]
		.map(([key, { line, samples: seenIn }]) => ({
			key,
			line: { ...line, isCrowded: line.seen > seenIn.size * AT_ONCE_MEAN_MAX },
		}))
		.filter(({ key, line }) => !settled.has(key) && (lock.isShared || !line.isCrowded))
		.map(({ line }) => line)
		.toSorted((a, b) => b.seen - a.seen);
}

/** The innermost call of the lock's type, if it is past the line where others wait. */
function placeOf(frames: readonly Frame[], lock: HeldLock): Frame | undefined {
	const frame = frames.find(({ func }) => func.startsWith(lock.name) && ownerOf(func) === lock.name);
	return frame !== undefined && isPast(frame, lock) ? frame : undefined;
}

/** Not where it is taken, and not above that in the same function. */
function isPast({ func, line }: Frame, { takers }: HeldLock): boolean {
	const lines = takers.filter((taker) => taker.func === func).map((taker) => taker.line);
	return lines.length === 0 || (!lines.includes(line) && line > Math.min(...lines));
}

/** Somebody got it: fewer waited than before. */
function moves({ waiting }: HeldLock): boolean {
	return waiting.some((count, index) => count < (waiting[index - 1] ?? 0));
}

function settledLines(dumps: readonly DumpView[], lock: HeldLock): ReadonlySet<string> {
	const [first, last] = [dumps[0], dumps.at(-1)];
	const settled = new Set<string>();
	if (first === undefined || last === undefined || first === last) return settled;
	const { table } = last;
	const places = table.stacks.map(({ frames }) => placeOf(frames, lock));
	let looks = 0;
	for (let row = 0; row < table.count && looks < COMPARED_MAX; row++) {
		const place = places[table.stackOf[row] ?? 0];
		if (place === undefined || settled.has(keyOf(place))) continue;
		looks++;
		if (isSameCall(first, last, row) && !sleepsShortly(last, row, last.atMs - first.atMs))
			settled.add(keyOf(place));
	}
	return settled;
}

/** `time.Sleep(0x11e1a300)` of 300 ms cannot have lasted: it is another one of a loop. */
function sleepsShortly({ table }: DumpView, row: number, spanMs: number): boolean {
	const frames = table.stacks[table.stackOf[row] ?? 0]?.frames ?? [];
	const sleep = frames.slice(0, SLEEP_FRAMES_MAX).findIndex(({ func }) => func === "time.Sleep");
	const nanoseconds = sleep < 0 ? undefined : table.firstArgument(row, sleep);
	return nanoseconds !== undefined && Number(nanoseconds) < spanMs * NANOSECONDS_PER_MS;
}

function keyOf({ func, line }: Frame): string {
	return `${func}:${line}`;
}
