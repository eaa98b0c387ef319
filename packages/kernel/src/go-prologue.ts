/**
 * How a function that Go compiled asks for more stack, by its bytes (Go 1.18 to 1.27).
 *
 * ```
 *  amd64                                               arm64
 *  49 3b 66 10     cmp rsp, [r14+16]    stack guard    90 0b 40 f9   ldr x16, [x28, #16]
 *  0f 86 … / 76 …  jbe more                            ff 63 30 eb   cmp sp, x16
 *  …                                                   … 54          b.ls more
 *  more: save arguments; call morestack; load them; jmp entry        the same
 * ```
 * A larger frame compares rsp - size (`lea r12` / `sub x17, sp`), and a huge one on amd64 guards against
 * wrapping first (`mov r12, rsp; sub r12; jb more`). Anything else is not known here, and `undefined` says
 * so: callers put breakpoints by it.
 */
import { viewOf } from "./elf.ts";
import { instructionAmd64 } from "./machine-code-amd64.ts";
import type { Instruction } from "./machine-code-instruction.ts";

export interface StackCheck {
	/** Offset of the conditional jump, passed by every call of the function. */
	readonly branch: number;
	/** Offset of the call for more stack. */
	readonly more: number;
}

/** Undefined in a function without a check (go:nosplit) and where the bytes prove none. */
export function stackCheckOf(
	code: Uint8Array,
	arch: "amd64" | "arm64",
	instructions: readonly Instruction[],
): StackCheck | undefined {
	const check = arch === "amd64" ? checkAmd64(code) : checkArm64(code);
	if (check === undefined) return undefined;
	const branch = instructions.find((one) => one.at === check.branch);
	if (branch?.kind !== "branch" || branch.target === undefined) return undefined;
	if (check.wrapTarget !== undefined && check.wrapTarget !== branch.target) return undefined;
	return asksForMore(instructions, branch.target) ? { branch: branch.at, more: branch.target } : undefined;
}

interface CheckBytes {
	readonly branch: number;
	/** Where the guard against wrapping jumps. */
	readonly wrapTarget?: number;
}

const BRANCH_BELOW_EQUAL = "76|0f86";
const BRANCH_BELOW = "72|0f82";

function checkAmd64(code: Uint8Array): CheckBytes | undefined {
	let at = 0;
	let compare = "493b66";
	let wrapTarget: number | undefined;
	if (hexAt(code, 0, 4) === "4c8d6424" || hexAt(code, 0, 4) === "4c8da424") {
		at = code[2] === 0x64 ? 5 : 8;
		compare = "4d3b66";
	} else if (hexAt(code, 0, 6) === "4989e44981ec") {
		const jump = instructionAmd64(code, 10);
		if (jump?.target === undefined || !isBranch(code, 10, BRANCH_BELOW)) return undefined;
		wrapTarget = jump.target;
		at = jump.end;
		compare = "4d3b66";
	}
	// The guard of a goroutine is at 16 of its g, that of a system stack at 24.
	const guard = code[at + 3];
	if (hexAt(code, at, 3) !== compare || (guard !== 0x10 && guard !== 0x18)) return undefined;
	if (!isBranch(code, at + 4, BRANCH_BELOW_EQUAL)) return undefined;
	return wrapTarget === undefined ? { branch: at + 4 } : { branch: at + 4, wrapTarget };
}

function isBranch(code: Uint8Array, at: number, opcodes: string): boolean {
	return opcodes.split("|").some((opcode) => hexAt(code, at, opcode.length / 2) === opcode);
}

function hexAt(code: Uint8Array, at: number, length: number): string {
	return Array.from(code.subarray(at, at + length), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function checkArm64(code: Uint8Array): CheckBytes | undefined {
	const view = viewOf(code);
	const word = (at: number) => (at + 4 <= code.length ? view.getUint32(at, true) : 0);
	// ldr x16, [x28, #16] or #24.
	if (word(0) !== 0xf9400b90 && word(0) !== 0xf9400f90) return undefined;
	let branch = 8;
	if (word(4) !== 0xeb3063ff) {
		// sub x17, sp, #size (mov x17, sp in Go 1.18), then cmp x17, x16.
		const isSubtract = (word(4) & 0xff8003ff) >>> 0 === 0xd10003f1;
		if ((!isSubtract && word(4) !== 0x910003f1) || word(8) !== 0xeb10023f) return undefined;
		branch = 12;
	}
	return (word(branch) & 0xff00001f) >>> 0 === 0x54000009 ? { branch } : undefined;
}

/** Every argument register saved and loaded again: twice sixteen integers and fifteen floats are the most. */
const MORE_INSTRUCTIONS_MAX = 100;

/** One call, then back to the entry, and no other way out. */
function asksForMore(instructions: readonly Instruction[], start: number): boolean {
	const first = instructions.findIndex((one) => one.at === start);
	if (first < 0) return false;
	let calls = 0;
	for (const instruction of instructions.slice(first, first + MORE_INSTRUCTIONS_MAX)) {
		if (instruction.kind === "jump") return calls === 1 && instruction.target === 0;
		if (instruction.kind === "call") calls++;
		else if (instruction.kind !== "other") return false;
	}
	return false;
}
