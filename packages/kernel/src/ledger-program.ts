/**
 * The programs that run at the probes, as BPF instructions (bpf-assembler.ts). Pure: a plan in, bytes out.
 *
 * Taking a connection, at a return of the acquiring function (or, in fast mode, right after its call):
 *
 *     handle = first result; 0 is an error and no borrow
 *     frames = return address, then the kernel's walk of the frame pointers
 *     held[handle] = now, goroutine, hash of the frames, owner;   stacks[hash].acquired += 1;   owners[owner] = pool
 *
 * Giving it back, at the entry of a releasing function:
 *
 *     held[argument] is there: delete it;   stacks[its hash].released += 1
 *
 * Waiting: the goroutine is noted at the entry of the acquiring function and struck out at its returns.
 *
 * No scratch memory outside the program's own 512 bytes of stack: a probe can be preempted by another one on the
 * same processor, so anything shared by processor would be torn.
 */
import { BpfAssembler, type BpfRegister } from "./bpf-assembler.ts";
import {
	COUNTERS,
	FRAMES_MAX,
	HELD,
	HELD_BYTES,
	STACK,
	STACK_BYTES,
	STACK_FRAMES_AT,
	WAITING,
	WAITING_BYTES,
} from "./ledger-maps.ts";

/** Where the Go calling convention (ABIInternal) keeps things, as offsets in the kernel's register frame. */
export interface Registers {
	/** Integer results and arguments in order, the receiver first. */
	readonly words: readonly number[];
	/** The running goroutine's g. */
	readonly g: number;
	readonly stackPointer: number;
	/** arm64 returns by the link register; amd64 by the word at the top of the stack. */
	readonly link?: number;
	/**
	 * Flags of which one is set when the stack check's branch will be taken. Not on arm64: there "lower or same" is
	 * not one bit set, and a call that gets more stack is counted as a stranger's second time.
	 */
	readonly flags?: { readonly at: number; readonly branches: number };
}

/** CF or ZF, as `jbe` asks. */
const BELOW_OR_EQUAL = 0x41;

/** struct pt_regs of amd64, struct user_pt_regs of arm64. */
export const REGISTERS: Readonly<Record<"amd64" | "arm64", Registers>> = {
	// AX, BX, CX, DI, SI, R8; g in R14.
	amd64: {
		words: [80, 40, 88, 112, 104, 72],
		g: 8,
		stackPointer: 152,
		flags: { at: 144, branches: BELOW_OR_EQUAL },
	},
	// R0 to R5; g in R28, the return address in R30.
	arm64: { words: [0, 8, 16, 24, 32, 40], g: 28 * 8, stackPointer: 248, link: 30 * 8 },
};

/** File descriptors of the tables. */
export interface LedgerTables {
	readonly held: number;
	readonly stacks: number;
	readonly waiting: number;
	readonly owners: number;
	readonly counters: number;
}

export interface ProgramPlan {
	readonly registers: Registers;
	readonly tables: LedgerTables;
	/** Row of `counters`, and key of `stacks` for what finds no room. */
	readonly pool: number;
	/** Byte offset of the goroutine's id in g. */
	readonly goidAt: number;
}

/** Offsets from the top of the program's stack. */
const VALUE = -STACK_BYTES;
const FRAMES = VALUE + STACK_FRAMES_AT;
const KEY = VALUE - 8;
const HASH = KEY - 8;
const SCRATCH = HASH - 8;
const ROW = SCRATCH - HELD_BYTES;

const USER_STACK = 1 << 8;
const UPDATE_ANY = 0;
const UPDATE_IF_ABSENT = 1;
/** Fibonacci hashing's odd number, 2^64 divided by the golden ratio. */
const HASH_FACTOR = 0x9e3779b97f4a7c15n;

export interface AcquirePlan extends ProgramPlan {
	/** `return`: at the RET, frame already gone. `fast`: in the caller, behind the call. */
	readonly mode: "return" | "fast";
	/** See PoolEntry. */
	readonly ownerAt: number;
	readonly unlessSetAt?: number;
	readonly waits: boolean;
}

export function acquireProgram(plan: AcquirePlan): Uint8Array {
	const { registers, tables } = plan;
	const asm = new BpfAssembler().move("r6", "r1");
	if (plan.waits) {
		asm.load("dw", "r1", "r6", registers.g).store("dw", "r10", KEY, "r1");
		withKey(asm, tables.waiting).call("map_delete_elem");
	}
	asm.load("dw", "r7", "r6", result(registers)).jump("jeq", "r7", 0, "end");
	if (plan.unlessSetAt !== undefined) {
		readUser(asm, SCRATCH, "r7", plan.unlessSetAt);
		asm.load("dw", "r1", "r10", SCRATCH).jump("jne", "r1", 0, "end");
	}
	count(asm, plan, "acquireHits");
	walkFrames(asm, plan);
	hashFrames(asm, plan.pool);
	asm.store("dw", "r10", KEY, "r7");
	forgetOlder(asm, plan);

	asm.call("ktime_get_ns").store("dw", "r10", ROW + HELD.since, "r0");
	readGoid(asm, plan, ROW + HELD.goid);
	asm.load("dw", "r1", "r10", HASH).store("dw", "r10", ROW + HELD.stack, "r1");
	readUser(asm, ROW + HELD.owner, "r7", plan.ownerAt);
	asm.store("dw", "r10", ROW + HELD.pool, plan.pool);
	findStack(asm, plan);
	// r8 is the stack's row: counted only when the borrow itself found room.
	asm.move("r8", "r0").jump("jeq", "r8", 0, "end");
	asm.load("dw", "r1", "r10", HASH).store("dw", "r10", ROW + HELD.stack, "r1");
	asm.store("dw", "r10", KEY, "r7");
	withKey(asm, tables.held).move("r3", "r10").alu("add", "r3", ROW).move("r4", UPDATE_ANY);
	asm.call("map_update_elem").jump("jne", "r0", 0, "full");
	asm.move("r1", 1).atomicAdd("dw", "r8", STACK.acquired, "r1");
	asm.load("dw", "r1", "r10", ROW + HELD.owner).jump("jeq", "r1", 0, "end");
	withKey(asm, tables.owners, ROW + HELD.owner)
		.move("r3", "r10")
		.alu("add", "r3", ROW + HELD.pool);
	asm.move("r4", UPDATE_IF_ABSENT).call("map_update_elem").goto("end");
	asm.label("full");
	count(asm, plan, "lost");
	return end(asm);
}

/** `argumentsOf`: see ReleaseEntry; the first that is a known borrow is it. `atBranch`: see ReleasePlan. */
export function releaseProgram(
	plan: ProgramPlan,
	argumentsOf: readonly number[],
	atBranch: boolean,
): Uint8Array {
	const { registers, tables } = plan;
	const asm = new BpfAssembler().move("r6", "r1");
	const { flags } = registers;
	// The function is about to get more stack, and to begin again.
	if (atBranch && flags) asm.load("dw", "r1", "r6", flags.at).jump("jset", "r1", flags.branches, "end");
	count(asm, plan, "releaseHits");
	argumentsOf.forEach((argument, i) => {
		const next = `next${i}`;
		asm.load("dw", "r7", "r6", registers.words[argument] ?? result(registers));
		asm.store("dw", "r10", KEY, "r7");
		withKey(asm, tables.held).call("map_lookup_elem").jump("jeq", "r0", 0, next);
		// The row may be reused as soon as it is deleted: what is needed of it is taken first.
		asm.load("dw", "r8", "r0", HELD.since).load("dw", "r1", "r0", HELD.stack);
		asm.store("dw", "r10", HASH, "r1");
		withKey(asm, tables.held).call("map_delete_elem").jump("jne", "r0", 0, "end");
		asm.call("ktime_get_ns").alu("sub", "r0", "r8").move("r8", "r0");
		withKey(asm, tables.stacks, HASH).call("map_lookup_elem").jump("jeq", "r0", 0, "end");
		asm.move("r1", 1).atomicAdd("dw", "r0", STACK.released, "r1");
		asm.atomicAdd("dw", "r0", STACK.heldNs, "r8");
		// Two at once may lose the larger: it is told as "about".
		asm.load("dw", "r1", "r0", STACK.heldNsMax).jump("jge", "r1", "r8", "end");
		asm.store("dw", "r0", STACK.heldNsMax, "r8").goto("end");
		asm.label(next);
	});
	count(asm, plan, "strangers");
	return end(asm);
}

export function waitProgram(plan: ProgramPlan): Uint8Array {
	const asm = new BpfAssembler().move("r6", "r1");
	count(asm, plan, "waitHits");
	asm.load("dw", "r1", "r6", plan.registers.g).store("dw", "r10", KEY, "r1");
	const row = SCRATCH - WAITING_BYTES;
	asm.call("ktime_get_ns").store("dw", "r10", row + WAITING.since, "r0");
	readGoid(asm, plan, row + WAITING.goid);
	asm.store("dw", "r10", row + WAITING.pool, plan.pool);
	withKey(asm, plan.tables.waiting).move("r3", "r10").alu("add", "r3", row).move("r4", UPDATE_ANY);
	return end(asm.call("map_update_elem"));
}

function result({ words }: Registers): number {
	return words[0] ?? 0;
}

function end(asm: BpfAssembler): Uint8Array {
	return asm.label("end").move("r0", 0).exit().build();
}

/** r1 = table, r2 = address of the key. */
function withKey(asm: BpfAssembler, table: number, key = KEY): BpfAssembler {
	return asm.loadMap("r1", table).move("r2", "r10").alu("add", "r2", key);
}

/** Reads one word of the target at `base + offset` to our stack; what cannot be read is 0. */
function readUser(asm: BpfAssembler, to: number, base: BpfRegister, offset: number): void {
	asm.store("dw", "r10", to, 0);
	asm.move("r3", base).alu("add", "r3", offset);
	asm.move("r1", "r10").alu("add", "r1", to).move("r2", 8).call("probe_read_user");
}

function readGoid(asm: BpfAssembler, { registers, goidAt }: ProgramPlan, to: number): void {
	asm.load("dw", "r9", "r6", registers.g);
	readUser(asm, to, "r9", goidAt);
}

/** counters[pool][name] += 1; uses r0 to r5. */
function count(asm: BpfAssembler, { tables, pool }: ProgramPlan, name: keyof typeof COUNTERS): void {
	const skip = `counted ${name}`;
	asm.store("w", "r10", SCRATCH, pool);
	withKey(asm, tables.counters, SCRATCH).call("map_lookup_elem").jump("jeq", "r0", 0, skip);
	asm.move("r1", 1).atomicAdd("dw", "r0", COUNTERS[name], "r1").label(skip);
}

/** The row to be of `stacks`: numbers 0, then the frames, zeros where there is none. */
function walkFrames(asm: BpfAssembler, { registers, mode, pool }: AcquirePlan): void {
	for (let at = VALUE; at < 0; at += 8) asm.store("dw", "r10", at, 0);
	asm.store("dw", "r10", VALUE + STACK.pool, pool);
	if (mode === "return" && registers.link !== undefined) {
		asm.load("dw", "r1", "r6", registers.link).store("dw", "r10", FRAMES, "r1");
	} else if (mode === "return") {
		asm.load("dw", "r8", "r6", registers.stackPointer);
		readUser(asm, FRAMES, "r8", 0);
	}
	// At a return the kernel's first address is the RET itself, of no interest; in fast mode it is the caller.
	const skip = mode === "return" ? 1 : 0;
	asm
		.move("r1", "r6")
		.move("r2", "r10")
		.alu("add", "r2", FRAMES + 8);
	asm
		.move("r3", (FRAMES_MAX - 1) * 8)
		.move("r4", USER_STACK | skip)
		.call("get_stack");
}

/** A 64-bit hash of pool and frames: two stacks with the same one are not to be met with. */
function hashFrames(asm: BpfAssembler, pool: number): void {
	asm.move("r1", pool + 1).loadImmediate64("r2", HASH_FACTOR);
	for (let i = 0; i < FRAMES_MAX; i++) {
		asm
			.load("dw", "r3", "r10", FRAMES + 8 * i)
			.alu("xor", "r1", "r3")
			.alu("mul", "r1", "r2");
		asm.move("r3", "r1").alu("rsh", "r3", 29).alu("xor", "r1", "r3");
	}
	asm.store("dw", "r10", HASH, "r1");
}

/**
 * A connection that is taken although it was not seen to return. The same goroutine twice is one borrow seen at
 * two places (a wrapper around the shared body of a generic function); another one is a return we missed.
 */
function forgetOlder(asm: BpfAssembler, plan: AcquirePlan): void {
	withKey(asm, plan.tables.held).call("map_lookup_elem").jump("jeq", "r0", 0, "fresh");
	asm.load("dw", "r8", "r0", HELD.goid);
	readGoid(asm, plan, SCRATCH);
	asm.load("dw", "r1", "r10", SCRATCH).jump("jeq", "r1", "r8", "end");
	count(asm, plan, "replaced");
	asm.label("fresh");
}

/** r0 = row of `stacks` for these frames, or the pool's overflow row, whose key then replaces the hash. */
function findStack(asm: BpfAssembler, plan: AcquirePlan): void {
	const { stacks } = plan.tables;
	withKey(asm, stacks, HASH).call("map_lookup_elem").jump("jne", "r0", 0, "found");
	withKey(asm, stacks, HASH).move("r3", "r10").alu("add", "r3", VALUE).move("r4", UPDATE_IF_ABSENT);
	asm.call("map_update_elem");
	withKey(asm, stacks, HASH).call("map_lookup_elem").jump("jne", "r0", 0, "found");
	count(asm, plan, "stacksLost");
	asm.store("dw", "r10", HASH, plan.pool);
	withKey(asm, stacks, HASH).call("map_lookup_elem");
	asm.label("found");
}
