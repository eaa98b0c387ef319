/**
 * Locks that nobody gets any more: whoever waited for one at the start of the window waits for it still, in the very
 * same call, and nobody who could have it was at work all that time.
 *
 *     A has M1, waits for M2        two locks in opposite orders: both wait past a lock they took
 *     B has M2, waits for M1
 *     C, D, ... wait for M1, M2     at the first lock of the same function
 *
 * or one lock that somebody took and left without giving it back. A dump does not say who has a lock; that whoever
 * took it in a function is still in it is what is assumed.
 */
import type { Frame } from "@plumbline/signals/goroutines";
import type { DumpView } from "./dump-view.ts";
import { isOfOthers, lockFrame, waitOf } from "./parked-wait.ts";
import type { World } from "./world.ts";

export interface StuckLocks {
	/** Addresses, as printed. */
	readonly locks: readonly string[];
	/** Rows of the last dump that wait for one of them; those at `place` come first. */
	readonly rows: readonly number[];
	readonly kept: number;
	readonly joined: number;
	readonly inHandlers: number;
	/** Where they wait, and where some of them wait that took a lock of these before. */
	readonly place: Frame | undefined;
	readonly pastALock: boolean;
}

/** Below that a slow holder is likelier than none. */
const WINDOW_MS_MIN = 2_000;
/** Those who wait may be a queue of one; two are the least that says "everybody". */
const WAITERS_MIN = 2;
/** A lock may be taken by a small function that its caller calls first. */
const TAKER_CALLS = 2;

export function stuckLocks(world: World): StuckLocks | undefined {
	const { firstDump: first, lastDump: last, spansWindow } = world;
	if (!spansWindow || first === undefined || last === undefined) return undefined;
	if (last.atMs - first.atMs < WINDOW_MS_MIN) return undefined;
	const then = waitersOf(first);
	const now = waitersOf(last);
	const stuck = [...then].flatMap(([lock, waiting]) => {
		const rows = now.get(lock) ?? [];
		const there = new Set(waiting.map((row) => first.table.goid[row] ?? 0));
		const kept = rows.filter((row) => {
			const goid = last.table.goid[row] ?? 0;
			return there.has(goid) && isSameRequest(first, last, goid);
		});
		return kept.length < waiting.length ? [] : [{ lock, rows, kept }];
	});
	const rows = stuck.flatMap((each) => each.rows);
	if (rows.length < WAITERS_MIN) return undefined;
	const kept = stuck.flatMap((each) => each.kept);
	const waitedOn = new Set(kept);
	const joined = rows.filter((row) => !waitedOn.has(row));
	if (holdersAtWork(first, last, rows)) return undefined;
	const taken = takenAt(last, rows);
	const isTelling = (row: number): boolean => {
		const [own] = last.facts(row).application;
		return own?.func === taken.place?.func && own?.line === taken.place?.line;
	};
	return {
		locks: stuck.map(({ lock }) => lock),
		rows: [...kept, ...joined].toSorted((a, b) => Number(isTelling(b)) - Number(isTelling(a))),
		kept: kept.length,
		joined: joined.length,
		inHandlers: rows.filter((row) => last.facts(row).inHandler).length,
		...taken,
	};
}

/**
 * A client that hung up takes its reader along, while whoever serves it waits on in the very same call; the reader of
 * a request that has just come may not have begun, and before Go 1.21 nobody knows whose it is. Then the arguments of
 * the outermost call of the service tell: they point to what each request has of its own.
 */
function isSameRequest(first: DumpView, last: DumpView, goid: number): boolean {
	const request = last.requestOf.get(goid);
	if (request !== undefined) return request === first.requestOf.get(goid);
	const [before, row] = [first.rowOf.get(goid), last.rowOf.get(goid)];
	if (before === undefined || row === undefined) return false;
	return !last.facts(row).inHandler || outermostCall(first, before) === outermostCall(last, row);
}

/** Longest stack looked at; Go itself elides beyond 100 frames, two lines each. */
const STACK_LINES = 210;

/** `main.handle(0xc000011230)`: the call of the service that net/http made. */
function outermostCall({ table, facts }: DumpView, row: number): string | undefined {
	const outermost = facts(row).application.at(-1)?.func;
	const lines = table.quote(row, STACK_LINES).split("\n");
	return lines.findLast((line) => outermost !== undefined && line.startsWith(`${outermost}(`));
}

/** Rows by the address of the lock they wait for; without the address nobody can tell two locks apart. */
function waitersOf(dump: DumpView): ReadonlyMap<string, readonly number[]> {
	const { table } = dump;
	const waiters = new Map<string, number[]>();
	const frameOfStack = table.stacks.map(({ frames }) => lockFrame(frames));
	for (let row = 0; row < table.count; row++) {
		const stack = table.stackOf[row] ?? 0;
		const at = frameOfStack[stack] ?? -1;
		const frames = table.stacks[stack]?.frames ?? [];
		const caller = frames[at + 1];
		// What locks inside a pool or a connection of others is theirs to tell.
		if (at < 0 || caller === undefined || isOfOthers([caller], undefined)) continue;
		if (waitOf(frames, table.states[table.stateOf[row] ?? 0] ?? "") !== "lock") continue;
		const lock = addressOf(dump, row, frames);
		if (lock === undefined) continue;
		const rows = waiters.get(lock);
		if (rows === undefined) waiters.set(lock, [row]);
		else rows.push(row);
	}
	return waiters;
}

/** The outermost frame of package sync that has it: inlined ones print no arguments. */
function addressOf({ table }: DumpView, row: number, frames: readonly Frame[]): string | undefined {
	for (let frame = lockFrame(frames); frame >= 0; frame--) {
		if (!/^(internal\/)?sync\.\(/.test(frames[frame]?.func ?? "")) return undefined;
		const address = table.firstArgument(row, frame);
		if (address !== undefined) return address;
	}
	return undefined;
}

/**
 * Somebody who does not wait for a lock has been, all the time, in a call of one of the functions that take these:
 * it may be the one who has it, and be slow.
 */
function holdersAtWork(first: DumpView, last: DumpView, rows: readonly number[]): boolean {
	const takers = new Set(
		rows.flatMap((row) =>
			last
				.facts(row)
				.application.slice(0, TAKER_CALLS)
				.map(({ func }) => func),
		),
	);
	const waiting = new Set(rows);
	const inside = last.factsOfStack.map(({ application }) => application.some(({ func }) => takers.has(func)));
	for (let row = 0; row < last.table.count; row++) {
		if (waiting.has(row) || !inside[last.table.stackOf[row] ?? 0]) continue;
		const goid = last.table.goid[row] ?? 0;
		const before = first.rowOf.get(goid);
		if (before === undefined || !isSameRequest(first, last, goid)) continue;
		if (first.facts(before).application.some(({ func }) => takers.has(func))) return true;
	}
	return false;
}

/**
 * The line to look at. In a function that waits at several lines, the later ones are past a lock that the first one
 * takes: who waits there has it.
 */
function takenAt(last: DumpView, rows: readonly number[]): Pick<StuckLocks, "place" | "pastALock"> {
	const places = new Map<string, { readonly frame: Frame; count: number }>();
	for (const row of rows) {
		const [frame] = last.facts(row).application;
		if (frame === undefined) continue;
		const key = `${frame.func} ${frame.line}`;
		const known = places.get(key);
		if (known === undefined) places.set(key, { frame, count: 1 });
		else known.count++;
	}
	const byFunction = Map.groupBy(places.values(), ({ frame }) => frame.func);
	const several = [...byFunction.values()].find((lines) => lines.length > 1);
	if (several !== undefined) {
		const [latest] = several.toSorted((a, b) => b.frame.line - a.frame.line);
		return { place: latest?.frame, pastALock: true };
	}
	const [most] = [...places.values()].toSorted((a, b) => b.count - a.count);
	return { place: most?.frame, pastALock: false };
}
