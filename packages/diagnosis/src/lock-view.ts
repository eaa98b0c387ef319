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
 * A lock is told by the type whose methods take it, or by the function: profiles print no addresses. Where that is a
 * library's (`log.(*Logger)`), the lock is the library's, and the service only its caller. Full dumps do print
 * addresses: they tell one lock from many of one type, such as one for each connection.
 */
import type { Frame } from "@plumbline/signals/goroutines";
import type { IsApplication } from "./application.ts";
import type { DumpView } from "./dump-view.ts";
import type { GoroutineSample } from "./goroutine-samples.ts";
import { type HolderLine, holderLines } from "./lock-holders.ts";
import { lockTaker, ownerOf } from "./lock-taker.ts";
import type { World } from "./world.ts";

export interface LockSample {
	readonly part: string;
	readonly atMs: number;
	readonly waiting: number;
	/** Goroutines that do the same work, those that wait among them. */
	readonly atWork: number;
	/** Byte offset of one of them in the part. */
	readonly offset: number;
}

export interface LockView {
	/** `main.(*RateTable)`, `main.rate` or `log.(*Logger)`. */
	readonly name: string;
	/** Functions that were seen waiting, with their lines. */
	readonly takers: readonly Frame[];
	/** Where the service calls into the library that takes it; the same as the takers where it does so itself. */
	readonly callers: readonly Frame[];
	/** One for each sample of the window, in order; 0 waiting where none did. */
	readonly samples: readonly LockSample[];
	/** In the fullest dump those who wait for the very same lock, of those whose lock is known, 0..1. */
	readonly shareOfOne: number;
	/** Some of them waited for a sync.RWMutex: it may have several readers. */
	readonly isShared: boolean;
	/** Most seen first. */
	readonly holders: readonly HolderLine[];
}

const ADDRESS = /^(?:internal\/)?sync\..*\((0x[\da-f]+)[,)]/;
/** Locks followed; a service that waits for more has another trouble. */
const LOCKS_MAX = 100;
const CALLERS_MAX = 100;

export function lockViews({
	samples,
	dumps,
	isApplication,
}: Pick<World, "samples" | "dumps" | "isApplication">): LockView[] {
	const drafts = new Map<string, Draft>();
	samples.forEach((sample, index) => {
		for (const seen of sample.stacks) noteWaiting(drafts, index, seen, isApplication);
	});
	if (drafts.size === 0) return [];
	const atWork = samples.map((sample) => countByRoot(sample, isApplication));
	const sums = dumps.map(waitersByLock);
	return [...drafts].map(([name, { takers, callers, roots, waiting, isShared }]) => ({
		name,
		takers: [...takers.values()],
		callers: [...callers.values()],
		samples: samples.map(({ part, atMs }, index) => ({
			part,
			atMs,
			waiting: waiting.get(index)?.count ?? 0,
			atWork: [...roots].reduce((sum, root) => sum + (atWork[index]?.get(root) ?? 0), 0),
			offset: waiting.get(index)?.offset ?? 0,
		})),
		shareOfOne: shareOfOne(sums.flatMap((sum) => sum.get(name) ?? [])),
		isShared,
		holders: holderLines(samples, dumps, {
			name,
			takers: [...takers.values()],
			isShared,
			waiting: samples.map((_, index) => waiting.get(index)?.count ?? 0),
		}),
	}));
}

interface Draft {
	readonly takers: Map<string, Frame>;
	readonly callers: Map<string, Frame>;
	/** Outermost functions of the service of those who wait: their work. */
	readonly roots: Set<string>;
	/** By index of the sample. */
	readonly waiting: Map<number, { readonly count: number; readonly offset: number }>;
	isShared: boolean;
}

function noteWaiting(
	drafts: Map<string, Draft>,
	index: number,
	{ frames, count, offset }: GoroutineSample["stacks"][number],
	isApplication: IsApplication,
): void {
	const at = lockTaker(frames);
	const taker = at === undefined ? undefined : frames[at];
	const caller = frames.slice(at).find(isApplication);
	if (at === undefined || taker === undefined || caller === undefined) return;
	const draft = draftOf(drafts, ownerOf(taker.func));
	if (draft === undefined) return;
	draft.takers.set(`${taker.func}:${taker.line}`, taker);
	if (draft.callers.size < CALLERS_MAX) draft.callers.set(`${caller.func}:${caller.line}`, caller);
	draft.roots.add(frames.findLast(isApplication)?.func ?? "");
	draft.isShared ||= frames.slice(0, at).some(({ func }) => func.startsWith("sync.(*RWMutex)."));
	const known = draft.waiting.get(index);
	draft.waiting.set(index, { count: (known?.count ?? 0) + count, offset: known?.offset ?? offset });
}

function draftOf(drafts: Map<string, Draft>, name: string): Draft | undefined {
	const known = drafts.get(name);
	if (known !== undefined || drafts.size >= LOCKS_MAX) return known;
	const draft: Draft = {
		takers: new Map(),
		callers: new Map(),
		roots: new Set(),
		waiting: new Map(),
		isShared: false,
	};
	drafts.set(name, draft);
	return draft;
}

function countByRoot({ stacks }: GoroutineSample, isApplication: IsApplication): Map<string, number> {
	const counts = new Map<string, number>();
	for (const { frames, count } of stacks) {
		const root = frames.findLast(isApplication)?.func;
		if (root !== undefined) counts.set(root, (counts.get(root) ?? 0) + count);
	}
	return counts;
}

/** By the name of the lock, how many wait at each address. */
function waitersByLock({ table }: DumpView): ReadonlyMap<string, ReadonlyMap<string, number>> {
	const names = table.stacks.map(({ frames }) => {
		const at = lockTaker(frames);
		const taker = at === undefined ? undefined : frames[at];
		return taker && { name: ownerOf(taker.func), at: at ?? 0 };
	});
	const locks = new Map<string, Map<string, number>>();
	for (let row = 0; row < table.count; row++) {
		const lock = names[table.stackOf[row] ?? 0];
		const address = lock && addressOf(table, row, lock.at);
		if (lock === undefined || address === undefined) continue;
		const addresses = locks.get(lock.name) ?? new Map<string, number>();
		locks.set(lock.name, addresses.set(address, (addresses.get(address) ?? 0) + 1));
	}
	return locks;
}

/**
 * The outermost frame of package sync that prints it. Inlined ones print no arguments; a word with a question mark is
 * what a register happens to hold by then, and differs from goroutine to goroutine.
 */
function addressOf(table: DumpView["table"], row: number, taker: number): string | undefined {
	const [, ...lines] = table.quote(row, 1 + 2 * taker).split("\n");
	return lines.findLast((line) => ADDRESS.test(line))?.match(ADDRESS)?.[1];
}

function shareOfOne(dumps: readonly ReadonlyMap<string, number>[]): number {
	const counted = dumps.map((addresses) => [...addresses.values()]);
	const totals = counted.map((counts) => counts.reduce((sum, count) => sum + count, 0));
	const total = Math.max(0, ...totals);
	return total === 0 ? 1 : Math.max(...(counted[totals.indexOf(total)] ?? [])) / total;
}
