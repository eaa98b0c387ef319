/**
 * Made-up goroutine profiles of any size, of the same stacks as goroutines-dump.ts: the text form, and the protocol
 * buffer with one sample a stack, or one a goroutine with labels of its own, as CockroachDB's Go writes it.
 */
import type { Frame } from "@plumbline/signals/goroutines";
import { decodeGoroutinesDebug2 } from "@plumbline/signals/goroutines-debug2";
import { DISTINCT_STACKS, dumpOf } from "./goroutines-dump.ts";

/** Enough that every stack comes. */
const SAMPLE_GOROUTINES = 20_000;
const RUNTIME_ADDRESS = 0x40_0000;

type Stacks = readonly (readonly Frame[])[];

function stacksOfDump(): Stacks {
	const decoded = decodeGoroutinesDebug2(new TextEncoder().encode([...dumpOf(SAMPLE_GOROUTINES)].join("")));
	if (decoded.kind === "foreign" || decoded.value.stacks.length !== DISTINCT_STACKS)
		throw new Error("not every stack came");
	return decoded.value.stacks.map(({ frames }) => frames);
}

/** Numbers things as they come, from 1. */
class Numbers<T> {
	readonly #known = new Map<T, number>();

	of(thing: T): number {
		let number = this.#known.get(thing);
		if (number === undefined) {
			number = this.#known.size + 1;
			this.#known.set(thing, number);
		}
		return number;
	}

	all(): IterableIterator<[T, number]> {
		return this.#known.entries();
	}
}

/** debug=1: `records` records, as many goroutines in each; with labels where there is more than one of a stack. */
export function* textProfile(goroutines: number, records: number): Generator<string> {
	const stacks = stacksOfDump();
	const places = new Numbers<Frame>();
	const address = (frame: Frame): string => `0x${(RUNTIME_ADDRESS + 16 * places.of(frame)).toString(16)}`;
	yield `goroutine profile: total ${goroutines}\n`;
	const each = Math.floor(goroutines / records);
	for (let i = 0; i < records; i++) {
		const frames = stacks[i % stacks.length] ?? [];
		const count = i === 0 ? goroutines - each * (records - 1) : each;
		const labels =
			records > stacks.length ? `# labels: {"request":"${i.toString(16).padStart(16, "0")}"}\n` : "";
		const lines = frames.map(
			(frame) => `#\t${address(frame)}\t${frame.func}+0x2f\t${frame.file}:${frame.line}\n`,
		);
		yield `${count} @ ${frames.map(address).join(" ")}\n${labels}${lines.join("")}\n`;
	}
}

/** One sample a stack, or with `apart` one a goroutine, with a trace id and a number of its own. */
export function* binaryProfile(goroutines: number, apart: boolean): Generator<Uint8Array> {
	const stacks = stacksOfDump();
	const strings = new Numbers<string>();
	strings.of("");
	const text = (value: string): number => strings.of(value) - 1;
	const places = new Numbers<Frame>();
	yield field(1, [...number(1, text("goroutine")), ...number(2, text("count"))]);
	const samples = apart ? goroutines : stacks.length;
	const each = Math.floor(goroutines / samples);
	for (let i = 0; i < samples; i++) {
		const count = i === 0 ? goroutines - each * (samples - 1) : each;
		const locations = (stacks[i % stacks.length] ?? []).flatMap((frame) => varint(places.of(frame)));
		const sample = [...tagged(1, locations), ...tagged(2, varint(count))];
		if (apart) {
			const trace = text(`trace-${i.toString(16).padStart(10, "0")}`);
			sample.push(...tagged(3, [...number(1, text("trace")), ...number(2, trace)]));
			sample.push(...tagged(3, [...number(1, text("goroutine::id")), ...number(3, i + 1)]));
		}
		yield field(2, sample);
	}
	const functions = new Numbers<string>();
	for (const [{ func, file, line }, id] of places.all()) {
		const line4 = [...number(1, functions.of(`${func}\n${file}`)), ...number(2, line)];
		yield field(4, [...number(1, id), ...number(3, RUNTIME_ADDRESS + 16 * id), ...tagged(4, line4)]);
	}
	for (const [name, id] of functions.all()) {
		const [func = "", file = ""] = name.split("\n");
		yield field(5, [...number(1, id), ...number(2, text(func)), ...number(4, text(file))]);
	}
	for (const [value] of strings.all()) yield field(6, [...new TextEncoder().encode(value)]);
}

function varint(value: number): number[] {
	const bytes: number[] = [];
	let rest = value;
	for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
	bytes.push(rest);
	return bytes;
}

function number(key: number, value: number): number[] {
	return [...varint(key * 8), ...varint(value)];
}

function tagged(key: number, bytes: readonly number[]): number[] {
	return [...varint(key * 8 + 2), ...varint(bytes.length), ...bytes];
}

function field(key: number, bytes: readonly number[]): Uint8Array {
	return Uint8Array.from(tagged(key, bytes));
}
