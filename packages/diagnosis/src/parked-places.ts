/**
 * Where goroutines are parked that nobody alive owns, and what became of them over the window.
 *
 *            first dump     last dump
 *     kept   11         ─▶  11 at P        ids are never reused: the same goroutines
 *     ended   1 at P    ─▶   gone          passed through
 *     joined               ─▶ 7 at P       born in the window
 *
 * A leak keeps and is joined; a pool keeps; passers-by end.
 */
import { GOROUTINE_LEAKED } from "@plumbline/signals/goroutines";
import { stackKey, tellingFrames } from "./cluster-stack.ts";
import type { DumpView } from "./dump-view.ts";
import { LiveOwners } from "./live-owners.ts";
import { isOfOthers, type WaitKind, waitOf } from "./parked-wait.ts";
import type { OwnedSocket } from "./sockets-view.ts";
import type { World } from "./world.ts";

export interface ParkedPlace {
	readonly kind: WaitKind;
	/** Of the growth of the same functions: see cluster-growth.ts. */
	readonly stackKey: string;
	/** Of the last dump; the first is quoted. Those that were there already come first. */
	readonly rows: readonly number[];
	readonly kept: number;
	/** Of `kept`: parked right here at the start too. */
	readonly stayed: number;
	readonly joined: number;
	readonly ended: number;
	/** Those who came first have ended first: a queue, in which the others move up. */
	readonly moves: boolean;
	/** Of `rows`: the runtime says that they will never run again. */
	readonly flagged: number;
	/** Of `rows`: in a request's handler. */
	readonly inHandlers: number;
}

/** Places looked at: the fullest. Each costs a pass over its goroutines. */
const PLACES_MAX = 200;

/** Fullest first. With one dump nothing is kept or joined. */
export function parkedPlaces(world: World): readonly ParkedPlace[] {
	const { lastDump, firstDump, spansWindow, sockets } = world;
	if (lastDump === undefined) return [];
	const gone = (side: readonly OwnedSocket[] = []): number =>
		side.filter(({ socket }) => socket.state === "CLOSE_WAIT" && sockets?.listening.has(socket.localPort))
			.length;
	const before =
		spansWindow && firstDump !== undefined ? new Side(firstDump, gone(sockets?.first)) : undefined;
	const side = new Side(lastDump, gone(sockets?.last));
	const fullest = [...side.places].sort(([, a], [, b]) => b.length - a.length).slice(0, PLACES_MAX);
	return fullest.flatMap(([key]) => placeOf(key, side, before) ?? []);
}

/** One end of the window. */
class Side {
	readonly dump: DumpView;
	readonly places: ReadonlyMap<string, readonly number[]>;
	readonly #owners: LiveOwners;

	constructor(dump: DumpView, clientsGone: number) {
		this.dump = dump;
		this.places = placesIn(dump);
		this.#owners = new LiveOwners(dump, clientsGone);
	}

	/** Goroutines there that nobody alive owns; of a nil channel, and of what the runtime gave up, nobody can. */
	parked(key: string): readonly number[] {
		const all = this.places.get(key) ?? [];
		if (key.startsWith(NIL_CHANNEL)) return all;
		const free = new Set(this.#owners.unowned(all));
		return all.filter((row) => free.has(row) || isFlagged(this.dump, row));
	}
}

/** Fewer say nothing about the order in which they ended. */
const QUEUE_ENDED_MIN = 3;

/** Ids rise with time, but for the few that each processor has in stock. */
function mean(goids: readonly number[]): number {
	return goids.reduce((sum, goid) => sum + goid, 0) / goids.length;
}

const NIL_CHANNEL: WaitKind = "nil channel";

/** Rows by kind of wait, functions, and the line of the innermost code of the service. */
function placesIn(dump: DumpView): Map<string, number[]> {
	const { table, factsOfStack } = dump;
	const keyOfPair = new Map<number, string | undefined>();
	const places = new Map<string, number[]>();
	for (let row = 0; row < table.count; row++) {
		const stack = table.stackOf[row] ?? 0;
		const pair = stack * 0x1_0000 + (table.stateOf[row] ?? 0);
		if (!keyOfPair.has(pair)) {
			const { frames = [], createdBy } = table.stacks[stack] ?? {};
			const facts = factsOfStack[stack];
			const kind =
				facts?.role === "other" ? waitOf(frames, table.states[table.stateOf[row] ?? 0] ?? "") : undefined;
			const own = facts?.application[0] ?? createdBy;
			const inScope = kind !== undefined && !isOfOthers(frames, createdBy);
			const place = [kind, own?.line, createdBy?.func, stackKey(tellingFrames(frames))].join("\n");
			keyOfPair.set(pair, inScope ? place : undefined);
		}
		const key = keyOfPair.get(pair);
		if (key === undefined) continue;
		const rows = places.get(key);
		if (rows === undefined) places.set(key, [row]);
		else rows.push(row);
	}
	return places;
}

function placeOf(key: string, side: Side, before: Side | undefined): ParkedPlace | undefined {
	const { dump } = side;
	const { table, facts, rowOf } = dump;
	const parked = side.parked(key);
	const [any] = parked;
	if (any === undefined) return undefined;
	const frames = table.stacks[table.stackOf[any] ?? 0]?.frames ?? [];
	const kind = waitOf(frames, table.states[table.stateOf[any] ?? 0] ?? "");
	if (kind === undefined) return undefined;
	const was = (before?.parked(key) ?? []).map((row) => before?.dump.table.goid[row] ?? 0);
	const there = new Set(was);
	// A connection's goroutine serves one request after another; any other is at its one task from its start on.
	const wasThere = (row: number): boolean => {
		const goid = table.goid[row] ?? 0;
		return facts(row).inHandler ? there.has(goid) : before?.dump.rowOf.has(goid) === true;
	};
	const kept = parked.filter(wasThere);
	const others = parked.filter((row) => !wasThere(row));
	const rows = [...kept, ...others];
	const ended = was.filter((goid) => !rowOf.has(goid));
	return {
		kind,
		stackKey: stackKey(tellingFrames(frames)),
		rows,
		kept: kept.length,
		stayed: kept.filter((row) => there.has(table.goid[row] ?? 0)).length,
		joined: before === undefined ? 0 : others.length,
		ended: ended.length,
		moves: ended.length >= QUEUE_ENDED_MIN && mean(ended) < mean(was.filter((goid) => rowOf.has(goid))),
		flagged: rows.filter((row) => isFlagged(dump, row)).length,
		inHandlers: rows.filter((row) => facts(row).inHandler).length,
	};
}

function isFlagged({ table }: DumpView, row: number): boolean {
	return ((table.flags[row] ?? 0) & GOROUTINE_LEAKED) !== 0;
}
