/**
 * How a function that Go compiled begins and asks for more stack, by its bytes (Go 1.18 to 1.27).
 *
 * ```
 *  amd64                                                      arm64
 *  49 3b 66 10      cmp rsp, [r14+16]       stack guard       90 0b 40 f9  ldr x16, [x28, #16]
 *  0f 86 … / 76 …   jbe more                                  ff 63 30 eb  cmp sp, x16
 *  55  or  48 83 ec …  sub rsp, size        the frame         … 54         b.ls more
 *  …                                                          fe 0f 1e f8  str x30, [sp, #-size]!
 *  more: 48 89 44 24 08  mov [rsp+8], rax   save arguments    more: str x0, [sp, #8]   mov x3, x30
 *        e8 …            call morestack                             bl morestack
 *        48 8b 44 24 08  mov rax, [rsp+8]                           ldr x0, [sp, #8]
 *        e9 … / eb …     jmp entry                                  b entry
 * ```
 * A large frame compares rsp - size (lea r12), a huge one guards against wrapping first (sub r12; jb more).
 * Anything else is not known here, and `undefined` says so: callers put breakpoints by it.
 */
import { viewOf } from "./elf.ts";

export interface Prologue {
	/** Offset of the conditional jump of the stack check; undefined in a function without (go:nosplit). */
	readonly branch: number | undefined;
	/** Where that jump goes: the call for more stack, [start, end) without padding. */
	readonly more: { readonly start: number; readonly end: number } | undefined;
	/** Offset after the check: the instruction that makes the frame. */
	readonly end: number;
}

export function prologueOf(code: Uint8Array, arch: "amd64" | "arm64"): Prologue | undefined {
	const check = arch === "amd64" ? checkAmd64(code) : checkArm64(code);
	if (check === undefined) return { branch: undefined, more: undefined, end: 0 };
	if (check.targets.some((target) => target !== check.targets[0])) return undefined;
	const start = check.targets[0];
	if (start === undefined || start < check.end || start >= code.length) return undefined;
	const end = arch === "amd64" ? moreEndAmd64(code, start) : moreEndArm64(code, start);
	return end === undefined ? undefined : { branch: check.branch, more: { start, end }, end: check.end };
}

interface StackCheck {
	readonly branch: number;
	/** Of the last jump, and of the one against wrapping if there is one. */
	readonly targets: readonly number[];
	readonly end: number;
}

interface Jump {
	readonly target: number;
	readonly end: number;
}

const JBE = 0x76;
const JB = 0x72;

function checkAmd64(code: Uint8Array): StackCheck | undefined {
	const targets: number[] = [];
	let at = 0;
	let compare = "49 3b 66";
	if (startsAt(code, at, "4c 8d 64 24") || startsAt(code, at, "4c 8d a4 24")) {
		at += code[1 + at + 1] === 0x64 ? 5 : 8;
		compare = "4d 3b 66";
	} else if (startsAt(code, at, "49 89 e4 49 81 ec")) {
		const jump = jumpAmd64(code, at + 10, JB);
		if (jump === undefined) return undefined;
		targets.push(jump.target);
		at = jump.end;
		compare = "4d 3b 66";
	}
	// The guard of a goroutine is at 16 of its g, that of a system stack at 24.
	if (!startsAt(code, at, compare) || (code[at + 3] !== 0x10 && code[at + 3] !== 0x18)) return undefined;
	const jump = jumpAmd64(code, at + 4, JBE);
	return jump && { branch: at + 4, targets: [jump.target, ...targets], end: jump.end };
}

function jumpAmd64(code: Uint8Array, at: number, short: number): Jump | undefined {
	const view = viewOf(code);
	if (code[at] === short && at + 2 <= code.length)
		return { target: at + 2 + view.getInt8(at + 1), end: at + 2 };
	if (code[at] === 0x0f && code[at + 1] === short + 0x10 && at + 6 <= code.length)
		return { target: at + 6 + view.getInt32(at + 2, true), end: at + 6 };
	return undefined;
}

/** Registers saved around the call; twice sixteen integers and fifteen floats are the most. */
const MORE_INSTRUCTIONS_MAX = 80;

function moreEndAmd64(code: Uint8Array, start: number): number | undefined {
	const view = viewOf(code);
	let at = start;
	let isCalled = false;
	for (let count = 0; count < MORE_INSTRUCTIONS_MAX; count++) {
		const moved = stackMoveAmd64(code, at);
		if (moved !== undefined) at = moved;
		else if (startsAt(code, at, "90")) at++;
		else if (code[at] === 0xe8 && !isCalled) {
			isCalled = true;
			at += 5;
		} else if (code[at] === 0xe9 && at + 5 <= code.length)
			return isCalled && at + 5 + view.getInt32(at + 1, true) === 0 ? at + 5 : undefined;
		else if (code[at] === 0xeb && at + 2 <= code.length)
			return isCalled && at + 2 + view.getInt8(at + 1) === 0 ? at + 2 : undefined;
		else return undefined;
	}
	return undefined;
}

/** A move between a register and [rsp+n], of any width: its end. */
function stackMoveAmd64(code: Uint8Array, start: number): number | undefined {
	let at = start;
	const prefix = code[at];
	if (prefix === 0xf2 || prefix === 0xf3 || prefix === 0x66) at++;
	if (((code[at] ?? 0) & 0xf0) === 0x40) at++;
	const first = code[at++];
	let isMove = first === 0x88 || first === 0x89 || first === 0x8a || first === 0x8b;
	if (first === 0x0f) {
		const second = code[at++];
		isMove = second !== undefined && [0x10, 0x11, 0xb6, 0xb7, 0xbe, 0xbf].includes(second);
	}
	const place = code[at++] ?? 0;
	if (!isMove || (place & 7) !== 4 || code[at++] !== 0x24) return undefined;
	const mode = place >> 6;
	if (mode === 3) return undefined;
	return at + (mode === 0 ? 0 : mode === 1 ? 1 : 4);
}

function checkArm64(code: Uint8Array): StackCheck | undefined {
	const word = (at: number) => (at + 4 <= code.length ? viewOf(code).getUint32(at, true) : 0);
	const guard = word(0);
	// ldr x16, [x28, #16] or #24.
	if (guard !== 0xf9400b90 && guard !== 0xf9400f90) return undefined;
	let at = 4;
	if (word(at) === 0xeb3063ff) at += 4;
	else {
		// sub x17, sp, #size (mov x17, sp before Go 1.20), then cmp x17, x16.
		if (
			((word(at) & 0xff8003ff) >>> 0 !== 0xd10003f1 && word(at) !== 0x910003f1) ||
			word(at + 4) !== 0xeb10023f
		)
			return undefined;
		at += 8;
	}
	const jump = word(at);
	if ((jump & 0xff00001f) >>> 0 !== 0x54000009) return undefined;
	return { branch: at, targets: [at + ((jump << 8) >> 13) * 4], end: at + 4 };
}

function moreEndArm64(code: Uint8Array, start: number): number | undefined {
	const view = viewOf(code);
	let isCalled = false;
	for (let at = start, count = 0; at + 4 <= code.length && count < MORE_INSTRUCTIONS_MAX; at += 4, count++) {
		const word = view.getUint32(at, true);
		if (word >>> 26 === 0b000101) return isCalled && at + ((word << 6) >> 6) * 4 === 0 ? at + 4 : undefined;
		if (word >>> 26 === 0b100101 && !isCalled) isCalled = true;
		// mov x3, x30; then loads and stores of one or two registers by [sp, #n].
		else if (word !== 0xaa1e03e3 && !isStackMoveArm64(word)) return undefined;
	}
	return undefined;
}

const STACK_POINTER = 31;

function isStackMoveArm64(word: number): boolean {
	if (((word >>> 5) & 31) !== STACK_POINTER) return false;
	const isSingle = (word & 0x3b000000) >>> 0 === 0x39000000 || (word & 0x3b200c00) >>> 0 === 0x38000000;
	const isPair = (word & 0x3b800000) >>> 0 === 0x29000000;
	return isSingle || isPair;
}

export function startsAt(code: Uint8Array, at: number, hex: string): boolean {
	return hex.split(" ").every((byte, i) => code[at + i] === Number.parseInt(byte, 16));
}
