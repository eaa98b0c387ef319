/**
 * For tests: runs the bytes of a BPF program on tables in memory, so that what a program does can be held against
 * a model without a kernel. RFC 9669, as far as programs here go; anything else throws.
 *
 * An address is a region's number times 2^40 plus an offset, so that whatever reaches beyond its own stack, context
 * or row is told. Nothing is zero that the kernel does not make zero: the stack begins as garbage, a call leaves
 * garbage in r1 to r5, and a deleted row is overwritten at once, as another processor may do.
 */
import type { Entry } from "../ledger-maps.ts";

/** A hash table as the kernel's: full, it refuses new keys and goes on taking known ones. */
export class BpfTable {
	readonly keyBytes: number;
	readonly #valueBytes: number;
	readonly #entriesMax: number;
	readonly #rows = new Map<string, Uint8Array>();

	constructor(keyBytes: number, valueBytes: number, entriesMax: number) {
		this.keyBytes = keyBytes;
		this.#valueBytes = valueBytes;
		this.#entriesMax = entriesMax;
	}

	get valueBytes(): number {
		return this.#valueBytes;
	}

	lookup(key: Uint8Array): Uint8Array | undefined {
		return this.#rows.get(hex(key));
	}

	/** 0, or the kernel's error as a negative number. */
	update(key: Uint8Array, value: Uint8Array, flags: bigint): number {
		const known = this.#rows.get(hex(key));
		if (flags === UPDATE_IF_ABSENT && known !== undefined) return -17;
		if (flags !== UPDATE_IF_ABSENT && flags !== UPDATE_ANY) return -22;
		if (known === undefined && this.#rows.size >= this.#entriesMax) return -7;
		// A new row, not the old one changed: whoever still points to that sees no half of it.
		this.#rows.set(hex(key), value.slice());
		return 0;
	}

	delete(key: Uint8Array): number {
		const row = this.#rows.get(hex(key));
		if (row === undefined) return -2;
		row.fill(GARBAGE);
		this.#rows.delete(hex(key));
		return 0;
	}

	entries(): Entry[] {
		return [...this.#rows].map(([key, value]) => ({ key: Buffer.from(key, "hex"), value }));
	}
}

/** What a program can see of the kernel and of the program it looks at. */
export interface BpfWorld {
	/** By the file descriptors that the program was written with. */
	readonly tables: ReadonlyMap<number, BpfTable>;
	readonly nowNs: bigint;
	/** As the kernel walks it, the probed address first. */
	readonly userStack: readonly bigint[];
	/** Undefined where nothing is mapped. */
	readonly readUser: (address: bigint) => bigint | undefined;
	/** At `KERNEL_MEMORY`; a program reads it as it likes, within its end. */
	readonly kernelMemory?: Uint8Array;
	/** Who runs, and in which pid namespace that is so called. */
	readonly caller?: {
		readonly device: bigint;
		readonly inode: bigint;
		readonly thread: number;
		readonly process: number;
	};
	/** Ring buffers, by file descriptors as well. */
	readonly rings?: ReadonlyMap<number, { readonly records: Uint8Array[]; readonly recordsMax: number }>;
}

const UPDATE_ANY = 0n;
const UPDATE_IF_ABSENT = 1n;
const NOTHING = new Uint8Array(0);
const GARBAGE = 0xab;
const GARBAGE_WORD = 0xabab_abab_abab_ababn;
const STACK_BYTES = 512;
const INSTRUCTIONS_MAX = 10_000;
const REGION_BITS = 40n;
const TABLE_REGION = 1n << 20n;
const FRAME_POINTER = 10;
const EFAULT = 14;
const CALL = 0x85;
const WIDTHS: Readonly<Record<number, number>> = { 0: 4, 8: 2, 16: 1, 24: 8 };
/** Where `kernelMemory` begins: the region behind stack and context. */
export const KERNEL_MEMORY = addressIn(2);

/** Stops before every call and access to a row, where another processor may come between; then the result. */
export function stepBpf(program: Uint8Array, context: Uint8Array, world: BpfWorld): Generator<void, bigint> {
	return new Machine(program, context, world).run();
}

class Machine {
	readonly #program: DataView;
	readonly #world: BpfWorld;
	readonly #registers: bigint[] = Array.from({ length: 11 }, () => GARBAGE_WORD);
	/** The stack, the context, and then every row that was looked up. */
	readonly #regions: Uint8Array[];

	constructor(program: Uint8Array, context: Uint8Array, world: BpfWorld) {
		this.#program = new DataView(program.buffer, program.byteOffset, program.byteLength);
		this.#world = world;
		this.#regions = [new Uint8Array(STACK_BYTES).fill(GARBAGE), context, world.kernelMemory ?? NOTHING];
		this.#registers[1] = addressIn(1);
		this.#registers[FRAME_POINTER] = addressIn(0) + BigInt(STACK_BYTES);
	}

	*run(): Generator<void, bigint> {
		let at = 0;
		for (let done = 0; done < INSTRUCTIONS_MAX; done++) {
			const opcode = this.#program.getUint8(at * 8);
			if (opcode === 0x95) return this.#register(0);
			if (opcode === CALL || this.#reachesRow(opcode, at)) yield;
			at = this.#step(opcode, at);
		}
		throw new Error("the program does not end");
	}

	#reachesRow(opcode: number, at: number): boolean {
		const registers = this.#program.getUint8(at * 8 + 1);
		const [load, store] = [1, 3];
		const base = (opcode & 7) === load ? registers >> 4 : registers & 15;
		const isMemory = (opcode & 7) === load || (opcode & 7) === store;
		return isMemory && this.#register(base) >= addressIn(2) && this.#register(base) < GARBAGE_WORD;
	}

	/** Gives the next instruction. */
	#step(opcode: number, at: number): number {
		const registers = this.#program.getUint8(at * 8 + 1);
		const [dst, src] = [registers & 15, registers >> 4];
		const offset = this.#program.getInt16(at * 8 + 2, true);
		const immediate = BigInt(this.#program.getInt32(at * 8 + 4, true));
		const operand = () => ((opcode & 8) === 0 ? immediate : this.#register(src));
		switch (opcode & 7) {
			case 0: {
				if (opcode !== 0x18) break;
				const high = BigInt(this.#program.getInt32(at * 8 + 12, true)) << 32n;
				this.#set(dst, src === 1 ? (TABLE_REGION + immediate) << REGION_BITS : high | (immediate & LOW));
				return at + 2;
			}
			case 1:
				this.#set(dst, this.#read(this.#register(src) + BigInt(offset), widthOf(opcode, 0x60)));
				return at + 1;
			case 2:
				this.#write(this.#register(dst) + BigInt(offset), widthOf(opcode, 0x60), immediate);
				return at + 1;
			case 3: {
				const place = this.#register(dst) + BigInt(offset);
				const isAdd = (opcode & 0xe0) === 0xc0;
				const width = widthOf(opcode, isAdd ? 0xc0 : 0x60);
				if (isAdd && immediate !== 0n) break;
				const before = isAdd ? this.#read(place, width) : 0n;
				this.#write(place, width, before + this.#register(src));
				return at + 1;
			}
			case 5:
				if (opcode === CALL) {
					this.#call(immediate);
					return at + 1;
				}
				return this.#jumps(opcode, this.#register(dst), operand) ? at + 1 + offset : at + 1;
			case 7:
				this.#set(dst, calculate(opcode & 0xf0, this.#register(dst), operand()));
				return at + 1;
		}
		throw new Error(`instruction 0x${opcode.toString(16)} is not known here`);
	}

	#jumps(opcode: number, left: bigint, right: () => bigint): boolean {
		switch (opcode & 0xf0) {
			case 0x00:
				return true;
			case 0x10:
				return left === BigInt.asUintN(64, right());
			case 0x30:
				return left >= BigInt.asUintN(64, right());
			case 0x40:
				return (left & BigInt.asUintN(64, right())) !== 0n;
			case 0x50:
				return left !== BigInt.asUintN(64, right());
			default:
				throw new Error(`jump 0x${opcode.toString(16)} is not known here`);
		}
	}

	#call(helper: bigint): void {
		const [, r1 = 0n, r2 = 0n, r3 = 0n, r4 = 0n] = this.#registers;
		const answer = this.#help(Number(helper), r1, r2, r3, r4);
		for (const lost of [1, 2, 3, 4, 5]) this.#set(lost, GARBAGE_WORD);
		this.#set(0, answer);
	}

	#help(helper: number, r1: bigint, r2: bigint, r3: bigint, r4: bigint): bigint {
		switch (helper) {
			case 1: {
				const table = this.#table(r1);
				const row = table.lookup(this.#bytes(r2, table.keyBytes));
				return row === undefined ? 0n : addressIn(this.#regions.push(row) - 1);
			}
			case 2: {
				const table = this.#table(r1);
				const value = this.#bytes(r3, table.valueBytes);
				return BigInt(table.update(this.#bytes(r2, table.keyBytes), value, r4));
			}
			case 3: {
				const table = this.#table(r1);
				return BigInt(table.delete(this.#bytes(r2, table.keyBytes)));
			}
			case 5:
				return this.#world.nowNs;
			case 67:
				return this.#getStack(this.#bytes(r2, Number(r3)), r4);
			case 112: {
				const to = this.#bytes(r1, Number(r2));
				const value = to.length === 8 ? this.#world.readUser(r3) : undefined;
				to.fill(0);
				if (value === undefined) return BigInt(-EFAULT);
				viewOf(to).setBigUint64(0, value, true);
				return 0n;
			}
			case 113: {
				const to = this.#bytes(r1, Number(r2));
				to.set(this.#bytes(r3, to.length));
				return 0n;
			}
			case 120: {
				const to = viewOf(this.#bytes(r3, Number(r4)));
				const { caller } = this.#world;
				const isThere = caller?.device === r1 && caller.inode === r2;
				to.setUint32(0, isThere ? caller.thread : 0, true);
				to.setUint32(4, isThere ? caller.process : 0, true);
				return isThere ? 0n : -22n;
			}
			case 130: {
				const ring = this.#world.rings?.get(descriptorOf(r1));
				if (ring === undefined) throw new Error(`0x${r1.toString(16)} is no ring buffer`);
				if (ring.records.length >= ring.recordsMax) return -11n;
				ring.records.push(this.#bytes(r2, Number(r3)).slice());
				return 0n;
			}
			default:
				throw new Error(`helper ${helper} is not known here`);
		}
	}

	#getStack(to: Uint8Array, flags: bigint): bigint {
		if ((flags & ~0xffn) !== 0x100n) throw new Error("the user's stack is meant");
		const skipped = this.#world.userStack.slice(Number(flags & 0xffn));
		const frames = skipped.slice(0, to.length / 8);
		to.fill(0);
		for (const [i, frame] of frames.entries()) viewOf(to).setBigUint64(i * 8, frame, true);
		return BigInt(frames.length * 8);
	}

	#table(pointer: bigint): BpfTable {
		const table = this.#world.tables.get(descriptorOf(pointer));
		if (table === undefined) throw new Error(`0x${pointer.toString(16)} is no table`);
		return table;
	}

	#read(address: bigint, width: number): bigint {
		const bytes = this.#bytes(address, width);
		return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
	}

	#write(address: bigint, width: number, value: bigint): void {
		const bytes = this.#bytes(address, width);
		for (const i of bytes.keys()) bytes[i] = Number((value >> BigInt(8 * i)) & 0xffn);
	}

	#bytes(address: bigint, length: number): Uint8Array {
		const region = this.#regions[Number((address >> REGION_BITS) - 1n)];
		const offset = Number(address & ((1n << REGION_BITS) - 1n));
		if (region === undefined || offset + length > region.length) {
			throw new Error(`${length} bytes at 0x${address.toString(16)} are not the program's`);
		}
		return region.subarray(offset, offset + length);
	}

	#register(index: number): bigint {
		return this.#registers[index] ?? 0n;
	}

	#set(index: number, value: bigint): void {
		this.#registers[index] = BigInt.asUintN(64, value);
	}
}

const LOW = 0xffff_ffffn;

function calculate(operation: number, left: bigint, right: bigint): bigint {
	switch (operation) {
		case 0x00:
			return left + right;
		case 0x10:
			return left - right;
		case 0x20:
			return left * right;
		case 0x40:
			return left | right;
		case 0x50:
			return left & right;
		case 0x60:
			return left << (right & 63n);
		case 0x70:
			return left >> (right & 63n);
		case 0xa0:
			return left ^ BigInt.asUintN(64, right);
		case 0xb0:
			return right;
		default:
			throw new Error(`operation 0x${operation.toString(16)} is not known here`);
	}
}

function widthOf(opcode: number, mode: number): number {
	const width = WIDTHS[opcode & 0x18];
	if (width === undefined || (opcode & 0xe0) !== mode) {
		throw new Error(`instruction 0x${opcode.toString(16)} is not known here`);
	}
	return width;
}

function descriptorOf(pointer: bigint): number {
	return Number((pointer >> REGION_BITS) - TABLE_REGION);
}

function addressIn(region: number): bigint {
	return (BigInt(region) + 1n) << REGION_BITS;
}

function viewOf(bytes: Uint8Array): DataView {
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function hex(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("hex");
}
