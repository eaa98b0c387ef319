/**
 * Splits amd64 code into instructions: lengths, jumps, calls and returns, nothing more (Intel SDM volume 2,
 * chapter 2 and appendix A, in 64-bit mode).
 *
 * ```
 *  66 | f2 | f3 …   48      0f       8b      44 24     08       …
 *  prefixes         REX     escape   opcode  ModRM SIB displacement immediate
 *  c5 .. | c4 .. .. | 62 .. .. ..    in place of prefixes, REX and escape: VEX, EVEX
 * ```
 * One letter an opcode tells what follows it: `.` nothing, `m` ModRM, `b` 1 byte, `w` 2, `z` 4 (2 after
 * 66), `M` ModRM and 1 byte, `Z` ModRM and z, `r` a jump by 1 byte, `R` by 4, `v` as wide as the register,
 * `f` ModRM and for two of eight an immediate, `o` an address of 8, `e` 3 bytes, `?` unknown here.
 */
import { viewOf } from "./elf.ts";
import type { Instruction } from "./machine-code-instruction.ts";

const ONE_BYTE = [
	"mmmmbz??mmmmbz??",
	"mmmmbz??mmmmbz??",
	"mmmmbz??mmmmbz??",
	"mmmmbz??mmmmbz??",
	"????????????????",
	"................",
	"???m????zZbM....",
	"rrrrrrrrrrrrrrrr",
	"MZ?Mmmmmmmmmmmmm",
	"..........?.....",
	"oooo....bz......",
	"bbbbbbbbvvvvvvvv",
	"MMw.??MZe.w..b?.",
	"mmmm???.mmmmmmmm",
	"rrrrbbbbRR?r....",
	"?.??..ff......mm",
].join("");
const AFTER_0F = [
	"mmmm?.....?.?m.?",
	"mmmmmmmmmmmmmmmm",
	"mmmm????mmmmmmmm",
	"........????????",
	"mmmmmmmmmmmmmmmm",
	"mmmmmmmmmmmmmmmm",
	"mmmmmmmmmmmmmmmm",
	"MMMMmmm.mm??mmmm",
	"RRRRRRRRRRRRRRRR",
	"mmmmmmmmmmmmmmmm",
	"...mMm??...mMmmm",
	"mmmmmmmmmmMmmmmm",
	"mmMmMMMm........",
	"mmmmmmmmmmmmmmmm",
	"mmmmmmmmmmmmmmmm",
	"mmmmmmmmmmmmmmmm",
].join("");

const PREFIXES: ReadonlySet<number> = new Set([
	0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3,
]);
/** The processor's own limit. */
const INSTRUCTION_BYTES_MAX = 15;

/** An instruction and its parts, for those who look closer. */
export interface Amd64Instruction extends Instruction {
	/** Some 66 or other prefix; the REX bits W R X B; the escape. */
	readonly wide: boolean;
	readonly rex: number;
	readonly map: "one" | "0f" | "0f38" | "0f3a";
	readonly isVector: boolean;
	readonly opcode: number;
	readonly modrm: number | undefined;
}

/** All instructions, from the first byte to the last; undefined when one is not known or cut short. */
export function splitAmd64(code: Uint8Array): readonly Amd64Instruction[] | undefined {
	const instructions: Amd64Instruction[] = [];
	for (let at = 0; at < code.length; ) {
		const next = instructionAmd64(code, at);
		if (next === undefined) return undefined;
		instructions.push(next);
		at = next.end;
	}
	return instructions;
}

export function instructionAmd64(code: Uint8Array, start: number): Amd64Instruction | undefined {
	let at = start;
	let narrow = false;
	while (PREFIXES.has(code[at] ?? 0)) {
		if (code[at] === 0x66) narrow = true;
		at++;
	}
	let rex = 0;
	let map: Amd64Instruction["map"] = "one";
	let isVector = false;
	const lead = code[at] ?? 0;
	if (lead === 0xc5 || lead === 0xc4 || lead === 0x62) {
		const payload = code[at + 1] ?? 0;
		const number = lead === 0xc5 ? 1 : payload & (lead === 0xc4 ? 31 : 7);
		const known = ([undefined, "0f", "0f38", "0f3a"] as const)[number];
		if (known === undefined) return undefined;
		map = known;
		isVector = true;
		// The register bits are inverted here, and only that of the ModRM register is asked for.
		rex = ~(payload >> 5) & 4;
		at += lead === 0xc5 ? 2 : lead === 0xc4 ? 3 : 4;
	} else {
		if ((lead & 0xf0) === 0x40) rex = code[at++] ?? 0;
		if (code[at] === 0x0f) {
			at++;
			map = code[at] === 0x38 ? "0f38" : code[at] === 0x3a ? "0f3a" : "0f";
			if (map !== "0f") at++;
		}
	}
	const opcode = code[at++];
	if (opcode === undefined) return undefined;
	const form = formOf(map, opcode);
	const hasModrm = "mMZf".includes(form);
	const modrm = hasModrm ? code[at] : undefined;
	if (hasModrm && modrm === undefined) return undefined;
	if (modrm !== undefined) at += modrmBytes(modrm, code[at + 1] ?? 0);
	const immediate = immediateBytes(form, { opcode, rex, narrow, modrm: modrm ?? 0 });
	if (immediate === undefined) return undefined;
	const end = at + immediate;
	if (end > code.length || end - start > INSTRUCTION_BYTES_MAX) return undefined;
	const kind = isVector ? "other" : kindOf(map, opcode, modrm ?? 0);
	const parts = { at: start, end, kind, wide: !narrow, rex, map, isVector, opcode, modrm } as const;
	if (form !== "r" && form !== "R") return parts;
	const view = viewOf(code);
	return { ...parts, target: end + (form === "r" ? view.getInt8(at) : view.getInt32(at, true)) };
}

function formOf(map: Amd64Instruction["map"], opcode: number): string {
	if (map === "one") return ONE_BYTE[opcode] ?? "?";
	if (map === "0f") return AFTER_0F[opcode] ?? "?";
	return map === "0f38" ? "m" : "M";
}

/** ModRM, SIB and displacement. */
function modrmBytes(modrm: number, sib: number): number {
	const mode = modrm >> 6;
	const base = modrm & 7;
	if (mode === 3) return 1;
	const withSib = base === 4 ? 2 : 1;
	if (mode === 1) return withSib + 1;
	if (mode === 2) return withSib + 4;
	return withSib + (base === 5 || (base === 4 && (sib & 7) === 5) ? 4 : 0);
}

interface Context {
	readonly opcode: number;
	readonly rex: number;
	readonly narrow: boolean;
	readonly modrm: number;
}

function immediateBytes(form: string, { opcode, rex, narrow, modrm }: Context): number | undefined {
	const word = narrow ? 2 : 4;
	switch (form) {
		case ".":
		case "m":
			return 0;
		case "b":
		case "r":
		case "M":
			return 1;
		case "w":
			return 2;
		case "e":
			return 3;
		case "R":
			return 4;
		case "o":
			return 8;
		case "z":
		case "Z":
			return word;
		case "v":
			return (rex & 8) !== 0 ? 8 : word;
		case "f":
			if (((modrm >> 3) & 7) > 1) return 0;
			return opcode === 0xf6 ? 1 : word;
		default:
			return undefined;
	}
}

function kindOf(map: Amd64Instruction["map"], opcode: number, modrm: number): Instruction["kind"] {
	if (map === "0f") return opcode >= 0x80 && opcode <= 0x8f ? "branch" : "other";
	if (map !== "one") return "other";
	if (opcode === 0xe8) return "call";
	if (opcode === 0xe9 || opcode === 0xeb) return "jump";
	if ((opcode >= 0x70 && opcode <= 0x7f) || (opcode >= 0xe0 && opcode <= 0xe3)) return "branch";
	if (opcode === 0xc3 || opcode === 0xc2 || opcode === 0xcb || opcode === 0xca) return "return";
	const which = (modrm >> 3) & 7;
	return opcode === 0xff && (which === 4 || which === 5) ? "indirect-jump" : "other";
}
