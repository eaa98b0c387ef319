/**
 * For tests: a tiny amd64 Go program as its symbols show it, assembled from a list of functions:
 *
 * ```
 *  49 3b 66 10      cmp rsp, [r14+16]
 *  76 ..            jbe more                 BRANCH_AT
 *  55 48 89 e5      push rbp; mov rbp, rsp
 *  e8 .. .. .. ..   call callee              for each of `calls`
 *  48 85 db 75 00   test rbx, rbx; jne next
 *  5d c3            pop rbp; ret
 *  e8 .. eb ..      more: call runtime.morestack; jmp entry
 * ```
 */
import type { GoSymbols } from "../go-symbols.ts";

export interface FakeFunction {
	readonly name: string;
	readonly calls?: readonly string[];
	/** Overwrites the test behind every call, so that the result is not proved to be kept. */
	readonly clobbers?: boolean;
	readonly assembly?: boolean;
}

/** Offset of the stack check's branch in each function. */
export const BRANCH_AT = 4;
/** Address of the first function, and what is subtracted from an address for the place in the file. */
const TEXT = 0x40_1000;
export const LOADED_AT = 0x40_0000;
const FUNCTION_BYTES = 0x80;
const MORESTACK = "runtime.morestack";

export interface FakeProgram {
	readonly symbols: GoSymbols;
	/** Of the n-th function of this name. */
	readonly entryOf: (name: string, n?: number) => number;
	/** Addresses of its returns. */
	readonly returnOf: (name: string, n?: number) => number;
	/** Addresses of the jumps behind its calls. */
	readonly jumpsOf: (name: string) => readonly number[];
}

/** `inlined`: function to the one it is inlined into. */
export function fakeProgram(
	functions: readonly FakeFunction[],
	inlined: Readonly<Record<string, string>> = {},
): FakeProgram {
	const all = [...functions, { name: MORESTACK, assembly: true }];
	const entries = all.map((_, i) => TEXT + i * FUNCTION_BYTES);
	const image = new Uint8Array(all.length * FUNCTION_BYTES).fill(0xcc);
	const built = all.map((fn, i) => {
		const entry = entries[i] ?? 0;
		const targets = new Map(all.map(({ name }, k) => [name, entries[k] ?? 0]));
		const one = assemble(fn, entry, targets);
		image.set(one.code, entry - TEXT);
		return {
			...one,
			fn: { name: fn.name, entry, end: entry + one.code.length },
			isAssembly: fn.assembly === true,
		};
	});
	const named = (name: string) => built.filter((one) => one.fn.name === name);
	const at = (address: number) => built.find(({ fn }) => address >= fn.entry && address < fn.end);
	const symbols: GoSymbols = {
		arch: "amd64",
		goVersion: "go1.26.8",
		functionsNamed: (name) => named(name).map((one) => one.fn),
		functionAt: (address) => at(address)?.fn,
		functionsIn: (prefix) => built.filter((one) => one.fn.name.startsWith(prefix)).map((one) => one.fn),
		framesAt: () => [],
		inlined: (names) => new Map(Object.entries(inlined).filter(([name]) => names.includes(name))),
		code: (fn) => image.slice(fn.entry - TEXT, fn.end - TEXT),
		stackDeltas: (fn) => at(fn.entry)?.deltas,
		isAssembly: (fn) => at(fn.entry)?.isAssembly ?? false,
		fileOffset: (address) => (address >= LOADED_AT ? address - LOADED_AT : undefined),
		addressOf: (offset) => offset + LOADED_AT,
		segments: [{ fileOffset: TEXT - LOADED_AT, address: TEXT, size: image.length }],
	};
	const entryOf = (name: string, n = 0) => named(name)[n]?.fn.entry ?? 0;
	return {
		symbols,
		entryOf,
		returnOf: (name, n = 0) => (named(name)[n]?.returnAt ?? 0) + entryOf(name, n),
		jumpsOf: (name) => named(name).flatMap(({ fn, jumps }) => jumps.map((jump) => fn.entry + jump)),
	};
}

function assemble(
	{ calls = [], clobbers = false }: FakeFunction,
	entry: number,
	targets: ReadonlyMap<string, number>,
) {
	const code: number[] = [0x49, 0x3b, 0x66, 0x10, 0x76, 0, 0x55, 0x48, 0x89, 0xe5];
	const call = (name: string): void => {
		const distance = (targets.get(name) ?? 0) - (entry + code.length + 5);
		code.push(0xe8, ...new Uint8Array(Int32Array.of(distance).buffer));
	};
	const jumps: number[] = [];
	for (const name of calls) {
		call(name);
		// mov rax, rbx in place of test rbx, rbx.
		code.push(...(clobbers ? [0x48, 0x89, 0xd8] : [0x48, 0x85, 0xdb]));
		jumps.push(code.length);
		code.push(0x75, 0x00);
	}
	code.push(0x5d);
	const returnAt = code.length;
	code.push(0xc3);
	const more = code.length;
	code[5] = more - 6;
	call(MORESTACK);
	code.push(0xeb, 256 - (code.length + 2));
	const deltas = [
		{ start: entry, end: entry + 7, delta: 0 },
		{ start: entry + 7, end: entry + returnAt, delta: 8 },
		{ start: entry + returnAt, end: entry + code.length, delta: 0 },
	];
	return { code, deltas, jumps, returnAt };
}
