/**
 * Writes BPF programs, instruction by instruction, with labels for jump targets. Pure: calls in, bytes out.
 * The encoding is RFC 9669 (BPF Instruction Set Architecture), sections 3 to 5:
 *
 * ```
 *  byte 0   1          2..3      4..7
 *  opcode   src << 4   offset    immediate      little-endian; a 64-bit immediate takes two of these,
 *           | dst                               the second with opcode 0
 * ```
 * Calling convention: arguments in r1..r5, result in r0, r6..r9 survive a call, r10 is the top of a stack of
 * 512 bytes that grows down. Whether a program is safe is the kernel's verifier's to say, not ours; what
 * cannot be encoded at all (a jump too far, a number too large, an unknown label) is a programmer's
 * mistake and throws.
 */

export type BpfRegister = "r0" | "r1" | "r2" | "r3" | "r4" | "r5" | "r6" | "r7" | "r8" | "r9" | "r10";
/** 8, 16, 32 and 64 bits. */
export type BpfWidth = "b" | "h" | "w" | "dw";
/** A register, or a number that is sign-extended from 32 bits. */
export type BpfOperand = BpfRegister | number;
export type BpfArithmetic = keyof typeof ARITHMETIC;
export type BpfCondition = keyof typeof CONDITIONS;
export type BpfHelper = keyof typeof HELPERS;

const ARITHMETIC = {
	add: 0x00,
	sub: 0x10,
	mul: 0x20,
	div: 0x30,
	or: 0x40,
	and: 0x50,
	lsh: 0x60,
	rsh: 0x70,
	mod: 0x90,
	xor: 0xa0,
	arsh: 0xc0,
} as const;

/** `jset` jumps when dst & operand is not 0; an `s` after the j compares signed. */
const CONDITIONS = {
	jeq: 0x10,
	jgt: 0x20,
	jge: 0x30,
	jset: 0x40,
	jne: 0x50,
	jsgt: 0x60,
	jsge: 0x70,
	jlt: 0xa0,
	jle: 0xb0,
	jslt: 0xc0,
	jsle: 0xd0,
} as const;

/** The kernel's helper functions that programs here call: include/uapi/linux/bpf.h, stable numbers. */
const HELPERS = {
	map_lookup_elem: 1,
	map_update_elem: 2,
	map_delete_elem: 3,
	probe_read: 4,
	ktime_get_ns: 5,
	get_smp_processor_id: 8,
	get_current_pid_tgid: 14,
	get_current_comm: 16,
	get_stackid: 27,
	get_stack: 67,
	probe_read_user: 112,
	probe_read_kernel: 113,
	get_ns_current_pid_tgid: 120,
	ktime_get_boot_ns: 125,
	ringbuf_output: 130,
	ringbuf_reserve: 131,
	ringbuf_submit: 132,
	ringbuf_discard: 133,
	get_attach_cookie: 174,
} as const;

const WIDTHS = { w: 0x00, h: 0x08, b: 0x10, dw: 0x18 } as const;

const CLASS_LD = 0;
const CLASS_LDX = 1;
const CLASS_ST = 2;
const CLASS_STX = 3;
const CLASS_ALU32 = 4;
const CLASS_JMP = 5;
const CLASS_ALU64 = 7;
const SOURCE_REGISTER = 0x08;
const MODE_MEMORY = 0x60;
const MODE_ATOMIC = 0xc0;
const OP_NEG = 0x80;
const OP_MOVE = 0xb0;
const OP_CALL = 0x80;
const OP_EXIT = 0x90;
const ATOMIC_ADD = 0x00;
const ATOMIC_FETCH = 0x01;
/** Source register of a 64-bit immediate that means "the map behind this file descriptor". */
const PSEUDO_MAP_FD = 1;

const INSTRUCTION_BYTES = 8;
const OFFSET_MAX = 0x7fff;

interface Jump {
	readonly at: number;
	readonly label: string;
}

/** Every method but `build` and `size` appends and gives the assembler back. */
export class BpfAssembler {
	readonly #words: (readonly [opcode: number, registers: number, offset: number, immediate: number])[] = [];
	readonly #labels = new Map<string, number>();
	readonly #jumps: Jump[] = [];

	/** Instructions so far; a 64-bit immediate counts as two. */
	get size(): number {
		return this.#words.length;
	}

	/** dst = operand, 64 bits. */
	move(dst: BpfRegister, operand: BpfOperand): this {
		return this.#calculate(CLASS_ALU64, OP_MOVE, dst, operand);
	}

	/** dst = operand, 32 bits; the upper half becomes 0. */
	move32(dst: BpfRegister, operand: BpfOperand): this {
		return this.#calculate(CLASS_ALU32, OP_MOVE, dst, operand);
	}

	/** dst = dst operation operand, 64 bits. Division is unsigned. */
	alu(operation: BpfArithmetic, dst: BpfRegister, operand: BpfOperand): this {
		return this.#calculate(CLASS_ALU64, ARITHMETIC[operation], dst, operand);
	}

	/** The same on the lower 32 bits; the upper half becomes 0. */
	alu32(operation: BpfArithmetic, dst: BpfRegister, operand: BpfOperand): this {
		return this.#calculate(CLASS_ALU32, ARITHMETIC[operation], dst, operand);
	}

	/** dst = -dst */
	negate(dst: BpfRegister): this {
		return this.#append(CLASS_ALU64 | OP_NEG, dst, 0, 0, 0);
	}

	/** dst = *(width *)(src + offset), zero-extended. */
	load(width: BpfWidth, dst: BpfRegister, src: BpfRegister, offset: number): this {
		return this.#append(CLASS_LDX | MODE_MEMORY | WIDTHS[width], dst, registerNumber(src), offset, 0);
	}

	/** *(width *)(dst + offset) = operand */
	store(width: BpfWidth, dst: BpfRegister, offset: number, operand: BpfOperand): this {
		const rest = MODE_MEMORY | WIDTHS[width];
		if (typeof operand === "number") return this.#append(CLASS_ST | rest, dst, 0, offset, operand);
		return this.#append(CLASS_STX | rest, dst, registerNumber(operand), offset, 0);
	}

	/** *(width *)(dst + offset) += src, atomically. Works on every kernel (it is the old XADD). */
	atomicAdd(width: "w" | "dw", dst: BpfRegister, offset: number, src: BpfRegister): this {
		return this.#append(
			CLASS_STX | MODE_ATOMIC | WIDTHS[width],
			dst,
			registerNumber(src),
			offset,
			ATOMIC_ADD,
		);
	}

	/** The same, and src becomes the value before. Needs kernel 5.12. */
	atomicFetchAdd(width: "w" | "dw", dst: BpfRegister, offset: number, src: BpfRegister): this {
		const opcode = CLASS_STX | MODE_ATOMIC | WIDTHS[width];
		return this.#append(opcode, dst, registerNumber(src), offset, ATOMIC_ADD | ATOMIC_FETCH);
	}

	/** dst = a number of 64 bits, signed or not. */
	loadImmediate64(dst: BpfRegister, value: bigint): this {
		if (BigInt.asIntN(64, value) !== value && BigInt.asUintN(64, value) !== value) {
			throw new RangeError(`${value} has more than 64 bits`);
		}
		return this.#appendWide(
			dst,
			0,
			Number(BigInt.asIntN(32, value)),
			Number(BigInt.asIntN(32, value >> 32n)),
		);
	}

	/** dst = the map of this file descriptor, as helpers want it. */
	loadMap(dst: BpfRegister, fd: number): this {
		return this.#appendWide(dst, PSEUDO_MAP_FD, fd, 0);
	}

	/** Jumps to `label` when `dst condition operand`, compared on 64 bits. */
	jump(condition: BpfCondition, dst: BpfRegister, operand: BpfOperand, label: string): this {
		this.#jumps.push({ at: this.#words.length, label });
		return this.#calculate(CLASS_JMP, CONDITIONS[condition], dst, operand);
	}

	/** Jumps always. */
	goto(label: string): this {
		this.#jumps.push({ at: this.#words.length, label });
		return this.#append(CLASS_JMP, "r0", 0, 0, 0);
	}

	/** Names the next instruction. */
	label(name: string): this {
		if (this.#labels.has(name)) throw new Error(`label ${name} is there twice`);
		this.#labels.set(name, this.#words.length);
		return this;
	}

	/** Calls a helper function; r0 is its result, r1 to r5 are lost. */
	call(helper: BpfHelper): this {
		return this.#append(CLASS_JMP | OP_CALL, "r0", 0, 0, HELPERS[helper]);
	}

	/** Ends the program; r0 is its result. */
	exit(): this {
		return this.#append(CLASS_JMP | OP_EXIT, "r0", 0, 0, 0);
	}

	/** The program's bytes, jumps resolved. May be called again after more was appended. */
	build(): Uint8Array {
		const bytes = new Uint8Array(this.#words.length * INSTRUCTION_BYTES);
		const view = new DataView(bytes.buffer);
		for (const [index, [opcode, registers, offset, immediate]] of this.#words.entries()) {
			const at = index * INSTRUCTION_BYTES;
			view.setUint8(at, opcode);
			view.setUint8(at + 1, registers);
			view.setInt16(at + 2, offset, true);
			view.setInt32(at + 4, immediate, true);
		}
		for (const jump of this.#jumps) {
			view.setInt16(jump.at * INSTRUCTION_BYTES + 2, this.#distance(jump), true);
		}
		return bytes;
	}

	/** A jump counts from the instruction after it. */
	#distance({ at, label }: Jump): number {
		const target = this.#labels.get(label);
		if (target === undefined) throw new Error(`no label ${label}`);
		if (target === this.#words.length) throw new Error(`label ${label} names no instruction`);
		return encodableOffset(target - at - 1, `the jump to ${label}`);
	}

	#calculate(kind: number, operation: number, dst: BpfRegister, operand: BpfOperand): this {
		if (typeof operand === "number") return this.#append(kind | operation, dst, 0, 0, operand);
		return this.#append(kind | operation | SOURCE_REGISTER, dst, registerNumber(operand), 0, 0);
	}

	#appendWide(dst: BpfRegister, src: number, low: number, high: number): this {
		return this.#append(CLASS_LD | WIDTHS.dw, dst, src, 0, low).#append(0, "r0", 0, 0, high);
	}

	#append(opcode: number, dst: BpfRegister, src: number, offset: number, immediate: number): this {
		if ((immediate | 0) !== immediate)
			throw new RangeError(`${immediate} is not a number of 32 bits, signed`);
		const registers = (src << 4) | registerNumber(dst);
		this.#words.push([opcode, registers, encodableOffset(offset, "the offset"), immediate]);
		return this;
	}
}

function registerNumber(register: BpfRegister): number {
	return Number(register.slice(1));
}

function encodableOffset(offset: number, what: string): number {
	if (Number.isInteger(offset) && offset >= -OFFSET_MAX - 1 && offset <= OFFSET_MAX) return offset;
	throw new RangeError(`${what} is ${offset}: it must lie within ${-OFFSET_MAX - 1} and ${OFFSET_MAX}`);
}
