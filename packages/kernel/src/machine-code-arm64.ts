/**
 * Splits arm64 code into instructions: four bytes each, of which jumps, calls and returns are known (Arm
 * ARM DDI 0487, C4.1.66, "Branches, Exception Generating and System instructions").
 *
 * ```
 *  000101 imm26   b          100101 imm26   bl        01010100 imm19 0 cond   b.cond
 *  x011010 o imm19 reg   cbz, cbnz          x011011 o bit imm14 reg   tbz, tbnz
 *  d65f0000 | reg << 5   ret                d61f0000 | reg << 5       br
 * ```
 * Literal pools between functions' instructions split as instructions too: whoever asks must agree with
 * another source on what matters.
 */
import { viewOf } from "./elf.ts";
import type { Instruction } from "./machine-code-instruction.ts";

export function splitArm64(code: Uint8Array): readonly Instruction[] | undefined {
	if (code.length % 4 !== 0) return undefined;
	const view = viewOf(code);
	const instructions: Instruction[] = [];
	for (let at = 0; at < code.length; at += 4)
		instructions.push(instructionArm64(view.getUint32(at, true), at));
	return instructions;
}

function instructionArm64(word: number, at: number): Instruction {
	const end = at + 4;
	const top = word >>> 24;
	if (word >>> 26 === 0b000101) return { at, end, kind: "jump", target: at + ((word << 6) >> 6) * 4 };
	if (word >>> 26 === 0b100101) return { at, end, kind: "call", target: at + ((word << 6) >> 6) * 4 };
	if (top === 0x54 || (top & 0x7e) === 0x34)
		return { at, end, kind: "branch", target: at + ((word << 8) >> 13) * 4 };
	if ((top & 0x7e) === 0x36) return { at, end, kind: "branch", target: at + ((word << 13) >> 18) * 4 };
	if ((word & 0xfffffc1f) >>> 0 === 0xd65f0000) return { at, end, kind: "return" };
	if ((word & 0xfffffc1f) >>> 0 === 0xd61f0000) return { at, end, kind: "indirect-jump" };
	return { at, end, kind: "other" };
}
