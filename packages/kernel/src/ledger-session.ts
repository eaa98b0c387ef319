/**
 * The borrow ledger on a running Go process: attach, read as often as wanted, detach.
 *
 *   open symbols ─▶ plan the probes ─▶ releases attached ─▶ rate seen ─▶ acquisitions attached ─▶ read … ─▶ close
 *
 * Releases come first: in the other order what is taken before and given back in between would look held. Their
 * rate tells, before anything dear is attached, what the ledger will cost; a pool past the budget is let go.
 *
 * The target is never written to by us. The kernel places the breakpoints, and takes them out again when this
 * process closes them or dies, however it dies.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Ledger } from "@plumbline/signals/ledger";
import { type BpfMap, createMap } from "./bpf-maps.ts";
import { type Bpf, loadBpf } from "./bpf-system-call.ts";
import { shareOf, withinBudget } from "./ledger-budget.ts";
import * as layout from "./ledger-maps.ts";
import { readLedgerMemory } from "./ledger-memory.ts";
import { type PlannedPool, type PoolPlan, planPools } from "./ledger-plan.ts";
import { POOLS, type PoolEntry } from "./ledger-pools.ts";
import {
	acquireProgram,
	type LedgerTables,
	REGISTERS,
	releaseProgram,
	waitProgram,
} from "./ledger-program.ts";
import { type LedgerRows, ledgerOf, overflowKey } from "./ledger-reading.ts";
import { type LedgerTarget, openLedgerTarget } from "./ledger-target.ts";
import { type Reading, type Refusal, read, refused } from "./reading.ts";
import type { UprobeAttachment, UprobeRoute } from "./uprobe-request.ts";
import { attachUprobes } from "./uprobes.ts";

export interface LedgerRequest {
	readonly pid: number;
	/** Default `fast`: behind the calls where that is proved, else at returns. `return`: at returns only, several times dearer. */
	readonly mode?: "fast" | "return";
	/** Attach whatever it costs. */
	readonly force?: boolean;
	readonly route?: "auto" | UprobeRoute;
	/** For tests; default the whole table. */
	readonly pools?: readonly PoolEntry[];
	/** For tests; default those of ledger-maps.ts. */
	readonly limits?: LedgerLimits;
	readonly signal?: AbortSignal;
}

/** Rows of the tables at most. `stacks` holds an overflow row for each pool besides. */
interface LedgerLimits {
	readonly held?: number;
	readonly stacks?: number;
	readonly waiting?: number;
}

/** What attaching costs, as predicted from the rate of returns. */
export interface LedgerForecast {
	readonly returnsPerSecond: number;
	/** Of one processor, 0..1. */
	readonly share: number;
}

export interface LedgerSession {
	readonly forecast: LedgerForecast;
	readonly route: UprobeRoute;
	/** Why sockets, pools' own counters and waiters' stacks will be missing; undefined when they will not. */
	readonly memoryGap: string | undefined;
	/** Refused only when the kernel's tables cannot be read. Works also after the target has exited. */
	readonly read: (signal?: AbortSignal) => Promise<Reading<Ledger>>;
	/** Why the target is not running any more. */
	readonly whyGone: () => string | undefined;
	/** Takes the probes out. May be called twice. */
	readonly close: () => Promise<void>;
}

/** How long returns are counted before the rest is attached. */
const RATE_MS = 200;

/** Rejects only when `signal` says stop; then nothing stays attached. */
export async function openLedger(request: LedgerRequest): Promise<Reading<LedgerSession>> {
	const bpf = await loadBpf();
	if (bpf.kind === "refused") return bpf;
	const target = openLedgerTarget(request.pid);
	if (target.kind === "refused") return target;
	const opening = new Opening(bpf.value, target.value, request);
	try {
		const session = await opening.run();
		if (session.kind === "refused") await opening.close();
		return session;
	} catch (error) {
		await opening.close();
		throw error;
	}
}

interface Tables {
	readonly held: BpfMap;
	readonly stacks: BpfMap;
	readonly waiting: BpfMap;
	readonly counters: BpfMap;
}

/** Everything that is open, so that whatever goes wrong can be undone. */
class Opening {
	readonly #bpf: Bpf;
	readonly #target: LedgerTarget;
	readonly #request: LedgerRequest;
	readonly #attached: { readonly pool: number; readonly attachment: UprobeAttachment }[] = [];
	readonly #maps: BpfMap[] = [];
	#closed: Promise<void> | undefined;

	constructor(bpf: Bpf, target: LedgerTarget, request: LedgerRequest) {
		this.#bpf = bpf;
		this.#target = target;
		this.#request = request;
	}

	async run(): Promise<Reading<LedgerSession>> {
		const { mode = "fast", pools: entries = POOLS, signal } = this.#request;
		const { symbols, memory } = this.#target;
		const planned = planPools(symbols, entries, mode);
		const none = whyNoneWatched(planned);
		if (none !== undefined) return none;
		const tables = this.#makeTables(planned);
		if (tables.kind === "refused") return tables;
		const released = await this.#attachAll(planned, tables.value, (p) => this.#releases(p));
		if (released !== undefined) return released;

		const rates = await this.#rates(tables.value, planned.length);
		const pools = this.#request.force === true ? planned : withinBudget(planned, rates);
		const tooDear = whyNoneWatched(pools);
		if (tooDear !== undefined) return tooDear;
		await this.#letGo(pools);
		const attachedNs = process.hrtime.bigint();
		const acquired = await this.#attachAll(pools, tables.value, (p) => this.#acquisitions(p));
		if (acquired !== undefined) return acquired;
		signal?.throwIfAborted();
		return read({
			forecast: {
				returnsPerSecond: rates.reduce((sum, rate) => sum + rate, 0),
				share: pools.reduce((sum, p, i) => sum + shareOf(p, rates[i] ?? 0), 0),
			},
			route: this.#attached[0]?.attachment.route ?? "multi",
			memoryGap: memory.kind === "refused" ? memory.why : undefined,
			read: (stop) => this.#read(tables.value, pools, attachedNs, stop),
			whyGone: this.#target.whyGone,
			close: () => this.close(),
		});
	}

	close(): Promise<void> {
		this.#closed ??= this.#closeAll();
		return this.#closed;
	}

	async #closeAll(): Promise<void> {
		// Acquisitions before returns, for the same reason as in attaching.
		for (const { attachment } of this.#attached.reverse()) await attachment.close();
		for (const map of this.#maps) map.close();
		this.#target.close();
	}

	#makeTables(pools: readonly PlannedPool[]): Reading<Tables> {
		const limits = this.#request.limits ?? {};
		const make = (name: string, keyBytes: number, valueBytes: number, entriesMax: number) => {
			const map = createMap(this.#bpf, { kind: "hash", name, keyBytes, valueBytes, entriesMax });
			if (map.kind === "read") this.#maps.push(map.value);
			return map;
		};
		const held = make("plumbline_held", 8, layout.HELD_BYTES, limits.held ?? layout.HELD_MAX);
		if (held.kind === "refused") return held;
		const stacks = make("plumbline_stack", 8, layout.STACK_BYTES, limits.stacks ?? layout.STACKS_MAX);
		if (stacks.kind === "refused") return stacks;
		const waiting = make("plumbline_wait", 8, layout.WAITING_BYTES, limits.waiting ?? layout.WAITING_MAX);
		if (waiting.kind === "refused") return waiting;
		const counters = make("plumbline_count", 4, layout.COUNTERS_BYTES, layout.POOLS_MAX);
		if (counters.kind === "refused") return counters;
		for (const index of pools.keys()) {
			counters.value.update(poolKey(index), new Uint8Array(layout.COUNTERS_BYTES));
			const row = new Uint8Array(layout.STACK_BYTES);
			new DataView(row.buffer).setBigUint64(layout.STACK.pool, BigInt(index), true);
			stacks.value.update(stackKey(overflowKey(index)), row);
		}
		return read({
			held: held.value,
			stacks: stacks.value,
			waiting: waiting.value,
			counters: counters.value,
		});
	}

	/** All or, with the reason, none: what was attached before goes with `close`. */
	async #attachAll(
		pools: readonly PlannedPool[],
		tables: Tables,
		probesOf: (planned: Probing) => Probe[],
	): Promise<Refusal | undefined> {
		const { signal, route = "auto" } = this.#request;
		for (const [pool, planned] of pools.entries()) {
			if (planned.kind !== "watched") continue;
			for (const probe of probesOf({ plan: planned.plan, pool, tables: fdsOf(tables) })) {
				signal?.throwIfAborted();
				const { path, pid } = this.#target;
				const attached = await attachUprobes(this.#bpf, { path, pid, route, ...probe });
				if (attached.kind === "refused") return attached;
				this.#attached.push({ pool, attachment: attached.value });
			}
		}
		return undefined;
	}

	#releases({ plan, pool, tables }: Probing): Probe[] {
		const common = { ...this.#common(), pool, tables };
		return plan.release.map((release) => ({
			name: "pl_release",
			offsets: release.offsets,
			instructions: releaseProgram(common, release.arguments),
		}));
	}

	#acquisitions({ plan, pool, tables }: Probing): Probe[] {
		const common = { ...this.#common(), pool, tables };
		const { mode, pool: entry, wait, acquire } = plan;
		const waits = wait.length > 0;
		const { ownerAt, unlessSetAt } = entry;
		const unless = unlessSetAt === undefined ? {} : { unlessSetAt };
		const instructions = acquireProgram({ ...common, mode, ownerAt, waits, ...unless });
		const probes = [{ name: "pl_acquire", offsets: acquire, instructions }];
		if (waits) probes.push({ name: "pl_wait", offsets: wait, instructions: waitProgram(common) });
		return probes;
	}

	#common() {
		const { symbols, goidAt } = this.#target;
		return { registers: REGISTERS[symbols.arch], goidAt };
	}

	/** Returns a second, pool by pool: a quiet one that is dear to watch is no reason against a busy one. */
	/** Takes the probes out of pools that will not be watched. */
	async #letGo(pools: readonly PlannedPool[]): Promise<void> {
		for (const { pool, attachment } of this.#attached) {
			if (pools[pool]?.kind !== "watched") await attachment.close();
		}
	}

	async #rates(tables: Tables, pools: number): Promise<number[]> {
		const { signal } = this.#request;
		const hits = () => countersOf(tables, pools).map(({ releaseHits }) => releaseHits);
		const [before, since] = [hits(), performance.now()];
		await pause(RATE_MS, undefined, signal === undefined ? {} : { signal });
		const seconds = (performance.now() - since) / 1000;
		return hits().map((now, i) => (now - (before[i] ?? 0)) / seconds);
	}

	async #read(
		tables: Tables,
		pools: readonly PlannedPool[],
		attachedNs: bigint,
		signal: AbortSignal | undefined,
	): Promise<Reading<Ledger>> {
		const rows = readRows(tables, pools.length);
		if (rows.kind === "refused") return rows;
		const { symbols, bias } = this.#target;
		const memory = await readLedgerMemory(this.#target, pools, rows.value, signal);
		const { goVersion } = symbols;
		const framesAt = (address: number) => symbols.framesAt(address);
		return read(ledgerOf(rows.value, memory, { pools, goVersion, attachedNs, framesAt, bias }));
	}
}

interface Probing {
	readonly plan: PoolPlan;
	readonly pool: number;
	readonly tables: LedgerTables;
}

interface Probe {
	readonly name: string;
	readonly offsets: readonly number[];
	readonly instructions: Uint8Array;
}

/** Undefined when at least one pool can be watched. */
function whyNoneWatched(pools: readonly PlannedPool[]): Refusal | undefined {
	if (pools.some(({ kind }) => kind === "watched")) return undefined;
	const reasons = pools.flatMap((p) => (p.kind === "refused" ? [`${p.pool.id}: ${p.why}`] : []));
	if (reasons.length > 0) return refused("unsupported", reasons.join("; "));
	const names = pools.map((p) => (p.kind === "absent" ? p.pool.id : "")).join(", ");
	return refused("absent", `the program uses none of the pools the ledger knows (${names})`);
}

function fdsOf(tables: Tables): LedgerTables {
	const { held, stacks, waiting, counters } = tables;
	return { held: held.fd, stacks: stacks.fd, waiting: waiting.fd, counters: counters.fd };
}

function poolKey(index: number): Uint8Array {
	return new Uint8Array(Uint32Array.of(index).buffer);
}

function stackKey(key: bigint): Uint8Array {
	return new Uint8Array(BigUint64Array.of(key).buffer);
}

function countersOf({ counters }: Tables, pools: number): layout.CounterRow[] {
	return Array.from({ length: pools }, (_, i) =>
		layout.counterRow(counters.lookup(poolKey(i)) ?? new Uint8Array(layout.COUNTERS_BYTES)),
	);
}

function readRows(tables: Tables, pools: number): Reading<LedgerRows> {
	const held = tables.held.entries();
	if (held.kind === "refused") return held;
	const stacks = tables.stacks.entries();
	if (stacks.kind === "refused") return stacks;
	const waiting = tables.waiting.entries();
	if (waiting.kind === "refused") return waiting;
	return read({
		held: held.value.map(layout.heldRow),
		stacks: stacks.value.map(layout.stackRow),
		waiting: waiting.value.map(layout.waitingRow),
		counters: countersOf(tables, pools),
		nowNs: process.hrtime.bigint(),
	});
}
