/**
 * Where to see what a function returned without stopping at its return: the first conditional jump after
 * every call of it. The kernel emulates such a jump, which costs a tenth of single-stepping a return.
 *
 * ```
 *  e8 …            call database/sql.(*DB).conn
 *  48 89 44 24 38  mov [rsp+56], rax            may save the result, not change it
 *  48 85 db        test rbx, rbx
 *  75 1e           jne …                        here rax is still the connection
 * ```
 * Proved for each call site or refused for all: only instructions known to leave rax and rsp alone lie
 * between, nothing jumps in between, no jump table is in the function, and nowhere in the program's code is
 * another reference to the function (a call from elsewhere, a tail call, its address taken).
 */
import { viewOf } from "./elf.ts";
import type { GoFunction, GoSymbols } from "./go-symbols.ts";
import { type Amd64Instruction, splitAmd64 } from "./machine-code-amd64.ts";
import { type Reading, type Refusal, read, refused } from "./reading.ts";

/** Instructions between a call and its jump: some stores and a test. */
const BETWEEN_MAX = 16;

/** Link addresses in order, one a call site. `callers` must hold every function that calls `callee`. */
export function fastSites(
	symbols: GoSymbols,
	callee: GoFunction,
	callers: readonly GoFunction[],
): Reading<readonly number[]> {
	if (symbols.arch !== "amd64") return refused("unsupported", "fast sites are known on amd64 only");
	const sites: number[] = [];
	const calls = new Set<number>();
	// The function itself goes back to its entry after it got more stack.
	for (const caller of callers.some((one) => one.entry === callee.entry) ? callers : [...callers, callee]) {
		const found = sitesIn(symbols, callee, caller);
		if (found.kind === "refused") return found;
		for (const { call, site } of found.value) {
			calls.add(call);
			if (site !== undefined) sites.push(site);
		}
	}
	const size = symbols.segments.reduce((sum, segment) => sum + segment.size, 0);
	if (size > SCAN_BYTES_MAX) {
		const why = `${size} bytes of code, the bound is ${SCAN_BYTES_MAX}: not searched for references`;
		return refused("unsupported", `${callee.name}: ${why}`);
	}
	for (const place of referencesTo(symbols, callee.entry)) {
		if (place === "unread")
			return refused("failed", `${callee.name}: not all code of the file could be read`);
		if (calls.has(place - 1) || !endsInstruction(symbols, place + 4)) continue;
		const where = symbols.functionAt(place) ?? callee;
		return refuse(where, place, `refers to ${callee.name}, not by a call known here`);
	}
	if (sites.length === 0) return refused("absent", `${callee.name} is called by none of the functions given`);
	return read(sites.sort((a, b) => a - b));
}

interface CallSite {
	readonly call: number;
	/** Undefined for the function's own way back to its entry. */
	readonly site: number | undefined;
}

function sitesIn(symbols: GoSymbols, callee: GoFunction, caller: GoFunction): Reading<readonly CallSite[]> {
	const code = symbols.code(caller);
	const target = callee.entry - caller.entry;
	if (!holdsReference(code, target)) return read([]);
	if (symbols.isAssembly(caller)) return refuse(caller, caller.entry, "written in assembly");
	const instructions = splitAmd64(code);
	if (instructions === undefined) return refuse(caller, caller.entry, "an instruction of it is unknown here");
	const table = instructions.find((one) => one.kind === "indirect-jump");
	if (table !== undefined) return refuse(caller, caller.entry + table.at, "a jump table may lead anywhere");
	const targets = new Set(instructions.map((one) => one.target));
	const found: CallSite[] = [];
	for (const [index, call] of instructions.entries()) {
		if (call.target !== target) continue;
		// After more stack was made the function begins again: no new call.
		if (call.kind === "jump" && target === 0) {
			if (call.end - call.at === JUMP_BYTES) found.push({ call: caller.entry + call.at, site: undefined });
			continue;
		}
		if (call.kind !== "call") return refuse(caller, caller.entry + call.at, `a jump to ${callee.name}`);
		const between = instructions.slice(index + 1, index + 1 + BETWEEN_MAX);
		const length = between.findIndex((one) => one.kind === "branch");
		const path = between.slice(0, length + 1);
		const odd =
			length < 0 ? call : path.find((one, at) => targets.has(one.at) || (at < length && !isHarmless(one)));
		if (odd !== undefined)
			return refuse(
				caller,
				caller.entry + odd.at,
				`the result of ${callee.name} is not proved to be kept up to a jump`,
			);
		found.push({ call: caller.entry + call.at, site: caller.entry + (path[length]?.at ?? 0) });
	}
	return read(found);
}

function refuse(fn: GoFunction, address: number, why: string): Refusal {
	return refused("unsupported", `${fn.name} at 0x${address.toString(16)}: ${why}`);
}

/** e9 and four bytes, as a call is e8 and four. */
const JUMP_BYTES = 5;
const REGISTER_AX = 0;
const REGISTER_SP = 4;

/** Whether an instruction, known by its encoding, surely leaves rax and rsp as they are and goes on. */
function isHarmless(one: Amd64Instruction): boolean {
	if (one.kind !== "other" || one.isVector) return false;
	const { opcode, modrm } = one;
	if (one.map === "one" && opcode === 0x90) return (one.rex & 1) === 0;
	if (modrm === undefined) return false;
	const isMemory = modrm >> 6 !== 3;
	const middle = (modrm >> 3) & 7;
	const register = middle | ((one.rex & 4) << 1);
	const other = (modrm & 7) | ((one.rex & 1) << 3);
	const keeps = (written: number) => written !== REGISTER_AX && written !== REGISTER_SP;
	if (one.map === "0f") {
		// nop; movups and movaps, xorps: of vector registers or to memory.
		return opcode === 0x1f || [0x10, 0x11, 0x28, 0x29, 0x57].includes(opcode);
	}
	if (one.map !== "one") return false;
	switch (opcode) {
		case 0x38:
		case 0x39:
		case 0x3a:
		case 0x3b:
		case 0x84:
		case 0x85:
			return true;
		case 0x80:
		case 0x81:
		case 0x83:
			return middle === 7;
		case 0x88:
		case 0x89:
		case 0x31:
			return isMemory ? opcode !== 0x31 : one.opcode !== 0x88 && keeps(other);
		case 0x8b:
		case 0x8d:
			return keeps(register);
		case 0xc6:
		case 0xc7:
			return isMemory && middle === 0;
		default:
			return false;
	}
}

function holdsReference(code: Uint8Array, target: number): boolean {
	const view = viewOf(code);
	for (let at = 0; at + 4 <= code.length; at++) if (at + 4 + view.getInt32(at, true) === target) return true;
	return false;
}

/** Bytes that look like a reference may be the middle of other instructions; where unsure, they are one. */
function endsInstruction(symbols: GoSymbols, address: number): boolean {
	const fn = symbols.functionAt(address - 1);
	const instructions = fn && !symbols.isAssembly(fn) ? splitAmd64(symbols.code(fn)) : undefined;
	return instructions === undefined || instructions.some((one) => fn && fn.entry + one.end === address);
}

const SCAN_STEP_BYTES = 1 << 20;
const SCAN_BYTES_MAX = 512 << 20;

/**
 * Addresses of all four bytes in executable segments that, taken from their end, lead to `address`. "unread", and
 * no more, where code is missing: what is not there to be searched proves nothing.
 */
function* referencesTo(symbols: GoSymbols, address: number): Generator<number | "unread"> {
	for (const segment of symbols.segments) {
		const last = segment.address + segment.size;
		for (let start = segment.address; start < last; start += SCAN_STEP_BYTES) {
			const end = Math.min(start + SCAN_STEP_BYTES + 3, last);
			const bytes = symbols.code({ name: "", entry: start, end });
			if (bytes.length !== end - start) return yield "unread";
			const view = viewOf(bytes);
			const wanted = address - start - 4;
			for (let at = 0; at + 4 <= bytes.length; at++)
				if (at + view.getInt32(at, true) === wanted) yield start + at;
		}
	}
}
