/**
 * Where a compiled Go function returns, by two sources that must agree (Go 1.18 to 1.27).
 *
 * The pcsp table tells how far the stack has grown at every instruction. Only two places have 0: from the
 * entry until the frame is made, and after the frame is given back, which is right before a return:
 *
 * ```
 *  0x00  delta 0    stack check
 *  0x0e  delta 72   the body
 *  0x6a  delta 0    c3                     a return: [90] c3, or d65f03c0 on arm64
 *  0x6b  delta 72   more of the body
 *  0x90  delta 0    c3, call for more stack
 * ```
 * A c3 byte alone is no return: it may lie within an instruction, and a breakpoint there corrupts the
 * program. So the code is split into instructions too, and a function is refused as a whole when the two
 * sources differ in one place, or when it can be left by anything but a return.
 */
import { viewOf } from "./elf.ts";
import { stackCheckOf } from "./go-prologue.ts";
import type { GoFunction, GoSymbols, StackDelta } from "./go-symbols.ts";
import { splitCode } from "./machine-code.ts";
import type { Instruction } from "./machine-code-instruction.ts";
import { type Reading, read, refused } from "./reading.ts";

const RETURN_ARM64 = 0xd65f03c0;

/** Link addresses of every return of the function, in order. */
export function returnSites(symbols: GoSymbols, fn: GoFunction): Reading<readonly number[]> {
	const refuse = (why: string, at?: number) =>
		refused(
			"unsupported",
			`${fn.name}${at === undefined ? "" : ` at 0x${(fn.entry + at).toString(16)}`}: ${why}`,
		);
	const code = symbols.code(fn);
	if (code.length === 0 || code.length !== fn.end - fn.entry) return refuse("its code is not in the file");
	if (symbols.isAssembly(fn)) return refuse("written in assembly, whose returns are not told");
	const deltas = symbols.stackDeltas(fn);
	if (deltas === undefined) return refuse("no table of its stack depth");
	if (deltas.length === 1) return refuse("it has no frame, so that the table does not tell its returns");
	const instructions = splitCode(code, symbols.arch);
	if (instructions === undefined) return refuse("an instruction of it is unknown here");
	const more = stackCheckOf(code, symbols.arch, instructions)?.more;

	const byTable = new Set<number>();
	for (const { start, delta } of deltas) {
		const at = start - fn.entry;
		if (delta !== 0 || at === 0) continue;
		const site = returnAt(code, at, symbols.arch);
		if (site !== undefined) byTable.add(site);
		else if (at !== more) return refuse("outside of its frame, and not a return known here", at);
	}
	const byCode = instructions.filter((one) => one.kind === "return").map((one) => one.at);
	const odd = byCode.find((at) => !byTable.has(at)) ?? [...byTable].find((at) => !byCode.includes(at));
	if (odd !== undefined)
		return refuse("its code and the table of its stack depth differ about a return", odd);
	const exit = instructions.find((one) => leaves(one, code.length, depthAt(deltas, fn.entry + one.at)));
	if (exit !== undefined) return refuse("it can be left by a jump, not by a return", exit.at);
	if (byCode.length === 0) return refuse("it never returns");
	return read(byCode.map((at) => fn.entry + at));
}

/** Address of the conditional jump of the stack check: never the first instruction, always passed. */
export function stackCheckBranch(symbols: GoSymbols, fn: GoFunction): number | undefined {
	if (symbols.isAssembly(fn)) return undefined;
	const code = symbols.code(fn);
	const instructions = splitCode(code, symbols.arch);
	const check = instructions && stackCheckOf(code, symbols.arch, instructions);
	return check && fn.entry + check.branch;
}

function returnAt(code: Uint8Array, start: number, arch: "amd64" | "arm64"): number | undefined {
	if (arch === "arm64") {
		const isReturn = start + 4 <= code.length && viewOf(code).getUint32(start, true) === RETURN_ARM64;
		return isReturn ? start : undefined;
	}
	// The assembler moves a return off the end of 32 bytes by one NOP.
	const at = code[start] === 0x90 ? start + 1 : start;
	return code[at] === 0xc3 ? at : undefined;
}

/** A jump table's jump is within the frame; one without a frame hands the call over to another function. */
function leaves(instruction: Instruction, codeBytes: number, depth: number | undefined): boolean {
	if (instruction.kind === "indirect-jump") return depth === undefined || depth <= 0;
	if (instruction.kind !== "jump" && instruction.kind !== "branch") return false;
	const { target } = instruction;
	return target === undefined || target < 0 || target >= codeBytes;
}

function depthAt(deltas: readonly StackDelta[], address: number): number | undefined {
	return deltas.find((range) => address >= range.start && address < range.end)?.delta;
}
