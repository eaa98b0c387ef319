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
import { type Bpf, loadBpf } from "./bpf-system-call.ts";
import { BudgetWatch, shareOf, withinBudget } from "./ledger-budget.ts";
import { checkCode } from "./ledger-code-check.ts";
import { readLedgerMemory, remembered } from "./ledger-memory.ts";
import { entryOf, offsetsOfPlan, type PlannedPool, planPools } from "./ledger-plan.ts";
import { POOLS, type PoolEntry } from "./ledger-pools.ts";
import { acquireProbes, releaseProbes } from "./ledger-probes.ts";
import { REGISTERS } from "./ledger-program.ts";
import { type LedgerMemory, type LedgerRows, ledgerOf } from "./ledger-reading.ts";
import { type LedgerLimits, type OpenTables, openTables } from "./ledger-tables.ts";
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
	readonly read: (options?: LedgerReadOptions) => Promise<Reading<Ledger>>;
	/**
	 * To be asked about once a second. A pool whose probes were over the budget two times in a row is let go, unless
	 * forced: its reason then, once. The readings have it as refused from now on.
	 */
	readonly overBudget: () => string | undefined;
	/** Why the target is not running any more, or not the program it was. */
	readonly whyGone: () => string | undefined;
	/** Takes the probes out. May be called twice. */
	readonly close: () => Promise<void>;
}

export interface LedgerReadOptions {
	readonly signal?: AbortSignal;
	/**
	 * Default true. Without it the target's memory and its sockets are let be, which is most of the work; what the
	 * reading before found of them is told where it still holds.
	 */
	readonly memory?: boolean;
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

/** Everything that is open, so that whatever goes wrong can be undone. */
class Opening {
	readonly #bpf: Bpf;
	readonly #target: LedgerTarget;
	readonly #request: LedgerRequest;
	readonly #attached: { readonly pool: number; readonly attachment: UprobeAttachment }[] = [];
	#tables: OpenTables | undefined;
	#pools: readonly PlannedPool[] = [];
	#last: { readonly rows: LedgerRows; readonly memory: LedgerMemory } | undefined;
	#closed: Promise<void> | undefined;

	constructor(bpf: Bpf, target: LedgerTarget, request: LedgerRequest) {
		this.#bpf = bpf;
		this.#target = target;
		this.#request = request;
	}

	async run(): Promise<Reading<LedgerSession>> {
		const { mode = "fast", pools: entries = POOLS, signal } = this.#request;
		const { symbols, memory } = this.#target;
		const planned = this.#checked(planPools(symbols, entries, mode), entries);
		const none = whyNoneWatched(planned);
		if (none !== undefined) return none;
		const tables = openTables(this.#bpf, planned.length, this.#request.limits);
		if (tables.kind === "refused") return tables;
		this.#tables = tables.value;
		const released = await this.#attachAll(planned, tables.value, releaseProbes);
		if (released !== undefined) return released;

		const rates = await this.#rates(tables.value);
		const pools = this.#request.force === true ? planned : withinBudget(planned, rates);
		const tooDear = whyNoneWatched(pools);
		if (tooDear !== undefined) return tooDear;
		this.#pools = pools;
		await this.#letGo();
		const attachedNs = process.hrtime.bigint();
		const acquired = await this.#attachAll(pools, tables.value, acquireProbes);
		const failed = acquired ?? this.#whyGone();
		if (failed !== undefined) return failed;
		signal?.throwIfAborted();
		const budget = new BudgetWatch(tables.value.counters(), performance.now());
		return read({
			forecast: {
				returnsPerSecond: rates.reduce((sum, rate) => sum + rate, 0),
				share: pools.reduce((sum, p, i) => sum + shareOf(p, rates[i] ?? 0), 0),
			},
			route: this.#attached[0]?.attachment.route ?? "multi",
			memoryGap:
				memory.kind === "refused"
					? `${memory.why}. Nor could it be checked that the code in memory is that of the file`
					: undefined,
			read: (options) => this.#read(tables.value, attachedNs, options),
			overBudget: () => this.#overBudget(budget, tables.value),
			whyGone: () => this.#target.gone()?.why,
			close: () => this.close(),
		});
	}

	/** Where memory may not be read the file has to be believed, and `memoryGap` says so. */
	#checked(planned: readonly PlannedPool[], entries: readonly PoolEntry[]): readonly PlannedPool[] {
		const { symbols, memory, bias } = this.#target;
		if (memory.kind === "refused") return planned;
		const inMode = (mode: "return" | "fast") =>
			planPools(symbols, entries, mode).flatMap((p) => (p.kind === "watched" ? offsetsOfPlan(p.plan) : []));
		let places: ReadonlySet<number> | undefined;
		const ledgerPlaces = () => {
			places ??= new Set([...inMode("return"), ...inMode("fast")]);
			return places;
		};
		return checkCode(planned, { symbols, memory: memory.value, bias, ledgerPlaces });
	}

	#whyGone(): Refusal | undefined {
		const gone = this.#target.gone();
		return gone && refused("gone", gone.why);
	}

	close(): Promise<void> {
		this.#closed ??= this.#closeAll();
		return this.#closed;
	}

	async #closeAll(): Promise<void> {
		// Acquisitions before returns, for the same reason as in attaching.
		for (const { attachment } of this.#attached.reverse()) await attachment.close();
		this.#tables?.close();
		this.#target.close();
	}

	/** All or, with the reason, none: what was attached before goes with `close`. */
	async #attachAll(
		pools: readonly PlannedPool[],
		tables: OpenTables,
		probesOf: typeof releaseProbes,
	): Promise<Refusal | undefined> {
		const { signal, route = "auto" } = this.#request;
		const { path, pid, symbols, goidAt } = this.#target;
		const common = { registers: REGISTERS[symbols.arch], goidAt, tables: tables.fds };
		for (const [pool, planned] of pools.entries()) {
			if (planned.kind !== "watched") continue;
			for (const probe of probesOf(planned.plan, { ...common, pool })) {
				signal?.throwIfAborted();
				const gone = this.#whyGone();
				if (gone !== undefined) return gone;
				const attached = await attachUprobes(this.#bpf, { path, pid, route, ...probe });
				if (attached.kind === "refused") return attached;
				this.#attached.push({ pool, attachment: attached.value });
			}
		}
		return undefined;
	}

	#overBudget(budget: BudgetWatch, tables: OpenTables): string | undefined {
		// Looked at here too, so that an exec is known of even if the process then ends before it is read.
		if (this.#target.gone() !== undefined || this.#request.force === true) return undefined;
		const over = budget.look(this.#pools, tables.counters(), performance.now());
		const dear = over && this.#pools[over.pool];
		if (over === undefined || dear === undefined) return undefined;
		const { why } = over;
		this.#pools = this.#pools.map((p) => (p === dear ? { kind: "refused", pool: entryOf(p), why } : p));
		void this.#letGo();
		return `${entryOf(dear).id}: ${why}`;
	}

	/** Takes the probes out of pools that are not watched, or no more. `close` waits for it. */
	async #letGo(): Promise<void> {
		for (const { pool, attachment } of this.#attached.toReversed()) {
			if (this.#pools[pool]?.kind !== "watched") await attachment.close();
		}
	}

	/** Returns a second, pool by pool: a quiet one that is dear to watch is no reason against a busy one. */
	async #rates(tables: OpenTables): Promise<number[]> {
		const { signal } = this.#request;
		const hits = () => tables.counters().map(({ releaseHits }) => releaseHits);
		const [before, since] = [hits(), performance.now()];
		await pause(RATE_MS, undefined, signal === undefined ? {} : { signal });
		const seconds = (performance.now() - since) / 1000;
		return hits().map((now, i) => (now - (before[i] ?? 0)) / seconds);
	}

	async #read(
		tables: OpenTables,
		attachedNs: bigint,
		{ signal, memory: isWanted = true }: LedgerReadOptions = {},
	): Promise<Reading<Ledger>> {
		const rows = tables.rows();
		if (rows.kind === "refused") return rows;
		const gone = this.#target.gone();
		const pools = gone?.execed === true ? this.#pools.map((p) => afterExec(p, gone.why)) : this.#pools;
		const { symbols, bias } = this.#target;
		const last = this.#last;
		const memory =
			isWanted || last === undefined
				? await readLedgerMemory(this.#target, pools, rows.value, signal)
				: remembered(last.memory, last.rows, rows.value);
		this.#last = { rows: rows.value, memory };
		const { goVersion } = symbols;
		const framesAt = (address: number) => symbols.framesAt(address);
		return read(ledgerOf(rows.value, memory, { pools, goVersion, attachedNs, framesAt, bias }));
	}
}

/** What the former program had borrowed is no leak of the new one, and where both are of one file the rows are mixed. */
function afterExec(planned: PlannedPool, why: string): PlannedPool {
	if (planned.kind !== "watched") return planned;
	return {
		kind: "refused",
		pool: planned.plan.pool,
		why: `${why}: what was borrowed before is gone with its own`,
	};
}

/** Undefined when at least one pool can be watched. */
function whyNoneWatched(pools: readonly PlannedPool[]): Refusal | undefined {
	if (pools.some(({ kind }) => kind === "watched")) return undefined;
	const reasons = pools.flatMap((p) => (p.kind === "refused" ? [`${p.pool.id}: ${p.why}`] : []));
	if (reasons.length > 0) return refused("unsupported", reasons.join("; "));
	const names = pools.map((p) => (p.kind === "absent" ? p.pool.id : "")).join(", ");
	return refused("absent", `the program uses none of the pools the ledger knows (${names})`);
}
