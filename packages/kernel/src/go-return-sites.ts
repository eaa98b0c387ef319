/**
 * Where a compiled Go function returns, without a disassembler (Go 1.18 to 1.27).
 *
 * The pcsp table tells how far the stack has grown at every instruction. Only two places have 0: from the
 * entry until the frame is made, and after the frame is given back, which is right before a RET:
 *
 * ```
 *  0x00  delta 0    stack check, frame made       explained by the prologue's bytes
 *  0x0e  delta 72   the body
 *  0x6a  delta 0    c3                            a return: [90] c3, or d65f03c0 on arm64
 *  0x6b  delta 72   more of the body
 *  0x90  delta 0    c3, call for more stack       both explained
 * ```
 * A c3 byte alone is no RET: it may lie within an instruction, and a breakpoint there corrupts the program.
 * So a function is refused as a whole when any range with 0 is not explained to its last byte.
 */
import { viewOf } from "./elf.ts";
import { type Prologue, prologueOf, startsAt } from "./go-prologue.ts";
import type { GoFunction, GoSymbols } from "./go-symbols.ts";
import { type Reading, read, refused } from "./reading.ts";

const RETURN_ARM64 = 0xd65f03c0;

/** Link addresses of every return of the function, in order. */
export function returnSites(symbols: GoSymbols, fn: GoFunction): Reading<readonly number[]> {
	const refuse = (why: string) => refused("unsupported", `${fn.name}: ${why}`);
	const code = symbols.code(fn);
	const deltas = symbols.stackDeltas(fn);
	if (code.length !== fn.end - fn.entry) return refuse("its code is not in the file");
	if (symbols.isAssembly(fn)) return refuse("written in assembly, where returns cannot be told");
	if (deltas === undefined) return refuse("no table of its stack depth");
	const prologue = prologueOf(code, symbols.arch);
	if (prologue === undefined) return refuse("its stack check is of a form unknown here");
	const sites: number[] = [];
	for (const range of deltas) {
		if (range.delta !== 0) continue;
		const start = range.start - fn.entry;
		const end = range.end - fn.entry;
		const found = start === 0 ? undefined : returnAt(code, start, symbols.arch);
		if (found !== undefined) sites.push(fn.entry + found.at);
		const rest = found?.end ?? start;
		const isExplained =
			start === 0 ? isEntry(code, end, prologue, symbols.arch) : isRest(code, rest, end, prologue);
		const at = `0x${range.start.toString(16)}`;
		if (start === 0 && end === code.length)
			return refuse("it has no frame, so that its returns cannot be told");
		if (!isExplained)
			return refuse(`the instructions at ${at}, outside of its frame, are not a return known here`);
	}
	const tableEnd = (deltas.at(-1)?.end ?? fn.entry) - fn.entry;
	if (!isPadding(code.subarray(tableEnd))) return refuse("its table of stack depth ends before its code");
	if (sites.length === 0) return refuse("it never returns");
	return read(sites);
}

/** Address of the conditional jump of the stack check: never the first instruction, always passed. */
export function stackCheckBranch(symbols: GoSymbols, fn: GoFunction): number | undefined {
	if (symbols.isAssembly(fn)) return undefined;
	const branch = prologueOf(symbols.code(fn), symbols.arch)?.branch;
	return branch === undefined ? undefined : fn.entry + branch;
}

function returnAt(
	code: Uint8Array,
	start: number,
	arch: "amd64" | "arm64",
): { at: number; end: number } | undefined {
	if (arch === "arm64") {
		const isReturn = start + 4 <= code.length && viewOf(code).getUint32(start, true) === RETURN_ARM64;
		return isReturn ? { at: start, end: start + 4 } : undefined;
	}
	// The assembler moves a RET off the end of 32 bytes by one NOP.
	const at = code[start] === 0x90 ? start + 1 : start;
	return code[at] === 0xc3 ? { at, end: at + 1 } : undefined;
}

/** The stack check, then the one instruction that makes the frame, and nothing else. */
function isEntry(code: Uint8Array, end: number, prologue: Prologue, arch: "amd64" | "arm64"): boolean {
	const at = prologue.end;
	if (arch === "arm64") return end - at === 4 || end - at === 8 || end - at === 12;
	if (startsAt(code, at, "55")) return end === at + 1;
	if (startsAt(code, at, "48 83 ec") || startsAt(code, at, "48 83 c4 80")) return end === at + 4;
	return startsAt(code, at, "48 81 ec") && end === at + 7;
}

function isRest(code: Uint8Array, start: number, end: number, prologue: Prologue): boolean {
	if (start === end) return true;
	const { more } = prologue;
	if (more === undefined || more.start !== start) return false;
	return isPadding(code.subarray(more.end, end));
}

function isPadding(bytes: Uint8Array): boolean {
	return bytes.every((byte) => byte === 0xcc || byte === 0);
}
