/**
 * For tests: the ledger's programs, run at the probes of a made-up Go process. Small tables, so that they fill up.
 */
import {
	COUNTERS_BYTES,
	counterRow,
	HELD_BYTES,
	heldRow,
	OWNER_BYTES,
	ownerRow,
	STACK,
	STACK_BYTES,
	stackRow,
	WAITING_BYTES,
	waitingRow,
} from "../ledger-maps.ts";
import {
	type AcquirePlan,
	acquireProgram,
	REGISTERS,
	releaseProgram,
	waitProgram,
} from "../ledger-program.ts";
import { BpfTable, stepBpf } from "./bpf-interpreter.ts";

export const HELD_MAX = 4;
/** Beside the overflow rows. */
export const STACKS_MAX = 3;
export const WAITING_MAX = 2;

interface MachinePool {
	readonly ownerAt: number;
	readonly unlessSetAt?: number;
	readonly waits: boolean;
	readonly releases: readonly (readonly number[])[];
}

/** Shaped as database/sql, net/http and a generic pool are. */
export const MACHINE_POOLS: readonly MachinePool[] = [
	{ ownerAt: 0, waits: true, releases: [[1]] },
	{ ownerAt: 16, unlessSetAt: 0, waits: false, releases: [[1], [0]] },
	{ ownerAt: 8, waits: true, releases: [[1, 2]] },
];

interface Hit {
	readonly pool: number;
	readonly goid: number;
	readonly nowNs: bigint;
}

export interface Taking extends Hit {
	readonly handle: bigint;
	/** Return addresses, the acquiring function's own first; in fast mode the probed address first. */
	readonly frames: readonly bigint[];
}

interface Returning extends Hit {
	readonly handle: bigint;
	/** Which of the pool's releasing functions, and in which of its arguments the handle comes. */
	readonly by: number;
	readonly argument: number;
	/** The processor's; default none set. */
	readonly flags?: bigint;
}

const TABLE_FDS = { held: 11, stacks: 12, waiting: 13, counters: 14, owners: 15 };
const OWNERS_MAX = 2;
const GOID_AT = 152;
/** Of amd64; of arm64 it is a register that no argument comes in. */
const FLAGS_AT = 144;
const G_BASE = 0xc000_0000_0000n;
const STACK_POINTER = 0x7fff_0000_1000n;
/** No handle, no pointer, nothing mapped. */
const NONSENSE = 0x0bad_0bad_0bad_0badn;

export class LedgerMachine {
	readonly tables: ReadonlyMap<number, BpfTable>;
	readonly #arch: "amd64" | "arm64";
	readonly #mode: "return" | "fast";
	/** Words of the process that do not change, by address. */
	readonly #memory: ReadonlyMap<bigint, bigint>;
	readonly #programs: readonly {
		readonly acquire: Uint8Array;
		readonly releases: readonly Uint8Array[];
		readonly wait: Uint8Array;
	}[];

	constructor(
		arch: "amd64" | "arm64",
		mode: "return" | "fast",
		goids: readonly number[],
		memory: ReadonlyMap<bigint, bigint>,
	) {
		this.#arch = arch;
		this.#mode = mode;
		this.#memory = new Map([
			...memory,
			...goids.map((goid) => [addressOfG(goid) + BigInt(GOID_AT), BigInt(goid)] as const),
		]);
		this.#programs = MACHINE_POOLS.map(({ releases, ...pool }, index) => {
			const common = { registers: REGISTERS[arch], tables: TABLE_FDS, pool: index, goidAt: GOID_AT };
			const plan: AcquirePlan = { ...common, ...pool, mode };
			return {
				acquire: acquireProgram(plan),
				releases: releases.map((release) => releaseProgram(common, release, true)),
				wait: waitProgram(common),
			};
		});
		const stacks = new BpfTable(8, STACK_BYTES, STACKS_MAX + MACHINE_POOLS.length);
		const counters = new BpfTable(4, COUNTERS_BYTES, MACHINE_POOLS.length);
		for (const pool of MACHINE_POOLS.keys()) {
			const row = new Uint8Array(STACK_BYTES);
			new DataView(row.buffer).setBigUint64(STACK.pool, BigInt(pool), true);
			stacks.update(wordBytes(BigInt(pool)), row, 0n);
			counters.update(wordBytes(BigInt(pool)).subarray(0, 4), new Uint8Array(COUNTERS_BYTES), 0n);
		}
		this.tables = new Map([
			[TABLE_FDS.held, new BpfTable(8, HELD_BYTES, HELD_MAX)],
			[TABLE_FDS.stacks, stacks],
			[TABLE_FDS.waiting, new BpfTable(8, WAITING_BYTES, WAITING_MAX)],
			[TABLE_FDS.counters, counters],
			[TABLE_FDS.owners, new BpfTable(8, OWNER_BYTES, OWNERS_MAX)],
		]);
	}

	take(taking: Taking): void {
		finish(this.taking(taking));
	}

	giveBack(returning: Returning): void {
		finish(this.givingBack(returning));
	}

	wait(hit: Hit): void {
		finish(this.#run(this.#programs[hit.pool]?.wait, this.#context(hit.goid, NONSENSE), hit));
	}

	/** The same, step by step. */
	taking(taking: Taking): Steps {
		const { pool, handle, frames } = taking;
		const [first = 0n, ...callers] = frames;
		const userStack = this.#mode === "fast" ? frames : [NONSENSE, ...callers];
		const context = this.#context(taking.goid, first);
		context.setBigUint64(this.#registers.words[0] ?? 0, handle, true);
		return this.#run(this.#programs[pool]?.acquire, context, taking, userStack, first);
	}

	givingBack(returning: Returning): Steps {
		const { pool, handle, by, argument, flags = 0n } = returning;
		const context = this.#context(returning.goid, NONSENSE);
		context.setBigUint64(this.#registers.words[argument] ?? 0, handle, true);
		context.setBigUint64(FLAGS_AT, flags, true);
		return this.#run(this.#programs[pool]?.releases[by], context, returning);
	}

	get held() {
		return this.#entries(TABLE_FDS.held).map(heldRow);
	}

	get owners() {
		return this.#entries(TABLE_FDS.owners).map(ownerRow);
	}

	get stacks() {
		return this.#entries(TABLE_FDS.stacks).map(stackRow);
	}

	get waiting() {
		return this.#entries(TABLE_FDS.waiting).map(waitingRow);
	}

	/** In the order of the pools. */
	get counters() {
		return this.#entries(TABLE_FDS.counters).map(({ value }) => counterRow(value));
	}

	get #registers() {
		return REGISTERS[this.#arch];
	}

	#entries(fd: number) {
		return this.tables.get(fd)?.entries() ?? [];
	}

	#context(goid: number, returnAddress: bigint): DataView {
		const { g, stackPointer, link } = this.#registers;
		const context = new DataView(new ArrayBuffer(272));
		for (let at = 0; at < context.byteLength; at += 8) context.setBigUint64(at, NONSENSE, true);
		context.setBigUint64(g, addressOfG(goid), true);
		context.setBigUint64(stackPointer, STACK_POINTER, true);
		if (link !== undefined) context.setBigUint64(link, returnAddress, true);
		return context;
	}

	#run(
		program: Uint8Array | undefined,
		context: DataView,
		{ nowNs }: Hit,
		userStack: readonly bigint[] = [],
		returnAddress = NONSENSE,
	): Steps {
		if (program === undefined) throw new RangeError("no such pool or release");
		const readUser = (address: bigint) =>
			address === STACK_POINTER ? returnAddress : this.#memory.get(address);
		const world = { tables: this.tables, nowNs, userStack, readUser };
		return stepBpf(program, new Uint8Array(context.buffer), world);
	}
}

/** A program that is under way. */
type Steps = Generator<void, bigint>;

function finish(steps: Steps): void {
	for (let step = steps.next(); ; step = steps.next()) {
		if (step.done !== true) continue;
		if (step.value !== 0n) throw new Error(`the program answers ${step.value}`);
		return;
	}
}

export function addressOfG(goid: number): bigint {
	return G_BASE + BigInt(goid) * 0x200n;
}

function wordBytes(value: bigint): Uint8Array {
	return new Uint8Array(BigUint64Array.of(value).buffer);
}
