/** Writes Go execution traces byte by byte, whole or broken in a chosen way. */

/** LEB128. */
export function number(value: number): number[] {
	const bytes: number[] = [];
	let rest = value;
	do {
		const low = rest % 128;
		rest = Math.floor(rest / 128);
		bytes.push(rest > 0 ? low | 0x80 : low);
	} while (rest > 0);
	return bytes;
}

export function header(release: number): number[] {
	return [...new TextEncoder().encode(`go 1.${release} trace\0\0\0`)];
}

export interface BatchOf {
	readonly generation?: number;
	readonly thread?: number;
	readonly time?: number;
	/** Told instead of the true one. */
	readonly size?: number;
}

export function batch(
	data: readonly number[],
	{ generation = 1, thread = 7, time = 1000, size }: BatchOf = {},
): number[] {
	const head = [generation, thread, time, size ?? data.length].flatMap(number);
	return [1, ...head, ...data];
}

/** An event: its number, the time since the one before it, its arguments. */
export function event(kind: number, ...numbers: readonly number[]): number[] {
	return [kind, ...numbers.flatMap(number)];
}

export const END = [52];

export function strings(texts: Readonly<Record<number, string>>): number[] {
	const entries = Object.entries(texts).map(([id, text]) => {
		const bytes = [...new TextEncoder().encode(text)];
		return [5, ...number(Number(id)), ...number(bytes.length), ...bytes];
	});
	return [4, ...entries.flat()];
}

/** By id the calls, each [function, file, line] by string id. */
export function stacks(byId: Readonly<Record<number, readonly (readonly number[])[]>>): number[] {
	const entries = Object.entries(byId).map(([id, calls]) => {
		const frames = calls.flatMap((call, i) => [0x400_000 + i, ...call].flatMap(number));
		return [3, ...number(Number(id)), ...number(calls.length), ...frames];
	});
	return [2, ...entries.flat()];
}

/** 64 ns a unit, as on Linux; a batch's data. */
export const CLOCK_1_22 = [8, ...number(15_625_000)];
export const CLOCK_1_25 = [50, ...CLOCK_1_22, ...event(51, 0, 1, 2, 3)];
