/**
 * The tables of one generation of a Go execution trace. Entries are only located; what nobody asks for, such as the
 * strings of user logs, is never read.
 *
 *     04  05 id length <bytes>  05 ...                        strings
 *     02  03 id count {pc function file line} x count  03 ... stacks, innermost call first; texts by string id
 *     08 units-per-second                                     the clock, alone or behind 32
 */
import type { Flaws } from "./flaws.ts";
import type { Batch, Generation } from "./go-trace-v2-batches.ts";
import { TraceBytes } from "./go-trace-v2-bytes.ts";
import { FREQUENCY, STACK, STRING, SYNC } from "./go-trace-v2-events.ts";
import type { Frame } from "./goroutines.ts";

/** Calls of a stack; the runtime records at most 128. */
const FRAMES_MAX = 1024;
/** Entries of each table; one generation of a large service has some ten thousand. */
const ENTRIES_MAX = 2_000_000;

const NUMBERS_PER_FRAME = 4;
const NANOSECONDS = 1e9;

export class TraceTables {
	readonly #bytes: Uint8Array;
	/** Where each text begins and ends. */
	readonly #strings = new Map<number, readonly [start: number, end: number]>();
	/** Where the calls of each stack begin. */
	readonly #stacks = new Map<number, number>();
	readonly #texts = new Map<number, string>();
	readonly #decoder = new TextDecoder();
	/** Nanoseconds of one unit of time; absent when the generation does not tell. */
	readonly nsPerUnit: number | undefined;
	/** Something was asked for that is not there: they were cut, or are broken. */
	lacking = false;

	constructor(bytes: Uint8Array, generation: Generation, flaws: Flaws) {
		this.#bytes = bytes;
		for (const batch of generation.strings) this.#locateStrings(batch, flaws);
		for (const batch of generation.stacks) this.#locateStacks(batch, flaws);
		this.nsPerUnit = nsPerUnitOf(bytes, generation.clocks);
	}

	/** Undefined where the table has no such entry; 0 is the empty text. */
	text(id: number): string | undefined {
		if (id === 0) return "";
		const known = this.#texts.get(id);
		if (known !== undefined) return known;
		const at = this.#strings.get(id);
		if (at === undefined) {
			this.lacking = true;
			return undefined;
		}
		const text = this.#decoder.decode(this.#bytes.subarray(at[0], at[1]));
		this.#texts.set(id, text);
		return text;
	}

	/** Empty for id 0, which is no stack, and where the table has no such entry. */
	stack(id: number): readonly Frame[] {
		const at = this.#stacks.get(id);
		if (at === undefined) {
			this.lacking ||= id > 0;
			return [];
		}
		const cursor = new TraceBytes(this.#bytes, at, this.#bytes.length);
		const count = cursor.number();
		const frames: Frame[] = [];
		for (let i = 0; i < count; i++) {
			cursor.number();
			const func = this.text(cursor.number());
			const file = this.text(cursor.number());
			const line = cursor.number();
			// A stack with a hole in it would name another caller.
			if (func === undefined || file === undefined || cursor.broken) return [];
			frames.push({ func, file, line });
		}
		return frames;
	}

	#locateStrings({ start, end }: Batch, flaws: Flaws): void {
		const cursor = new TraceBytes(this.#bytes, start + 1, end);
		while (cursor.at < end) {
			const at = cursor.at;
			const kind = cursor.byte();
			const id = cursor.number();
			const length = cursor.number();
			// What is cut is told where the batch is; only its last entry is lost.
			if (cursor.broken || (cursor.at + length > end && end === this.#bytes.length)) return;
			if (kind !== STRING || cursor.at + length > end) {
				flaws.malformed("expected an entry of the string table; the rest of its batch is left out", at);
				return;
			}
			if (this.#strings.size < ENTRIES_MAX) this.#strings.set(id, [cursor.at, cursor.at + length]);
			cursor.at += length;
		}
	}

	#locateStacks({ start, end }: Batch, flaws: Flaws): void {
		const cursor = new TraceBytes(this.#bytes, start + 1, end);
		while (cursor.at < end) {
			const at = cursor.at;
			const kind = cursor.byte();
			const id = cursor.number();
			const calls = cursor.at;
			const count = cursor.number();
			if (cursor.broken) return;
			if (kind !== STACK || count > FRAMES_MAX) {
				flaws.malformed("expected an entry of the stack table; the rest of its batch is left out", at);
				return;
			}
			cursor.skip(count * NUMBERS_PER_FRAME);
			if (cursor.broken) return;
			if (this.#stacks.size < ENTRIES_MAX) this.#stacks.set(id, calls);
		}
	}
}

function nsPerUnitOf(bytes: Uint8Array, clocks: readonly Batch[]): number | undefined {
	for (const { start, end } of clocks) {
		const cursor = new TraceBytes(bytes, start, end);
		if (bytes[start] === SYNC) cursor.byte();
		if (cursor.byte() !== FREQUENCY) continue;
		const perSecond = cursor.number();
		if (!cursor.broken && perSecond > 0) return NANOSECONDS / perSecond;
	}
	return undefined;
}
