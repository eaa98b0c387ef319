/**
 * Where the probes go in one executable: for each pool of the table the places where connections are taken,
 * given back and waited for, as offsets in the file. Pure.
 *
 * A pool is watched whole or not at all. If one of its functions is missing, or was inlined into its callers, or
 * one return of it cannot be told for sure from its machine code, then borrows or returns would be missed, and
 * missed returns look like leaks: it is refused, with the reason.
 */
import { fastSites } from "./go-fast-sites.ts";
import { returnSites, stackCheckBranch } from "./go-return-sites.ts";
import type { GoFunction, GoSymbols } from "./go-symbols.ts";
import type { PoolEntry } from "./ledger-pools.ts";
import { type Reading, read, refused } from "./reading.ts";

export interface ReleasePlan {
	readonly arguments: readonly number[];
	/** At the stack check's branch, where a call that must get more stack first passes twice; else at the entry. */
	readonly atBranch: boolean;
	readonly offsets: readonly number[];
}

/** Offsets are in the executable's file. */
export interface PoolPlan {
	readonly pool: PoolEntry;
	readonly mode: "return" | "fast";
	readonly acquire: readonly number[];
	readonly release: readonly ReleasePlan[];
	/** Empty where nobody waits in the acquiring function. */
	readonly wait: readonly number[];
}

export type PlannedPool =
	| { readonly kind: "watched"; readonly plan: PoolPlan }
	/** The program does not have this pool. */
	| { readonly kind: "absent"; readonly pool: PoolEntry }
	| { readonly kind: "refused"; readonly pool: PoolEntry; readonly why: string };

export function entryOf(planned: PlannedPool): PoolEntry {
	return planned.kind === "watched" ? planned.plan.pool : planned.pool;
}

/** All its places. */
export function offsetsOfPlan({ acquire, release, wait }: PoolPlan): number[] {
	return [...acquire, ...wait, ...release.flatMap(({ offsets }) => offsets)];
}

/** `fast` where it is proved for a pool, else its returns. In the order of `pools`. */
export function planPools(
	symbols: GoSymbols,
	pools: readonly PoolEntry[],
	mode: "return" | "fast",
): PlannedPool[] {
	const inlined = symbols.inlined(pools.flatMap(functionsOf));
	return pools.map((pool): PlannedPool => {
		const has = (name: string) => symbols.functionsNamed(name).length > 0;
		const set = pool.acquire.find((names) => names.every((name) => has(name) && !inlined.has(name)));
		if (set === undefined && !pool.acquire.flat().some((name) => inlined.has(name))) {
			return { kind: "absent", pool };
		}
		const taking = set === undefined ? pool.acquire.flat() : [...set, ...(pool.acquireToo ?? [])];
		const name = [...taking, ...pool.release.map((r) => r.func)].find((func) => inlined.has(func));
		if (name !== undefined) {
			const why = `${name} is inlined into ${inlined.get(name)}: its calls there would not be seen`;
			return { kind: "refused", pool, why };
		}
		const acquiring = taking.flatMap((func) => symbols.functionsNamed(func));
		const planned = planOf(symbols, pool, acquiring, mode);
		if (planned.kind === "refused") return { kind: "refused", pool, why: planned.why };
		return { kind: "watched", plan: planned.value };
	});
}

function functionsOf(pool: PoolEntry): string[] {
	return [...pool.acquire.flat(), ...(pool.acquireToo ?? []), ...pool.release.map((r) => r.func)];
}

function planOf(
	symbols: GoSymbols,
	pool: PoolEntry,
	acquiring: readonly GoFunction[],
	mode: "return" | "fast",
): Reading<PoolPlan> {
	const release = releasePlans(symbols, pool);
	if (release.kind === "refused") return release;
	const fast = mode === "fast" ? fastAcquire(symbols, pool, acquiring) : undefined;
	const acquire = fast ?? returnsOf(symbols, acquiring);
	if (acquire.kind === "refused") return acquire;
	const wait = pool.waits ? entriesOf(symbols, acquiring) : read([]);
	if (wait.kind === "refused") return wait;
	return read({
		pool,
		mode: fast === undefined ? "return" : "fast",
		acquire: acquire.value,
		release: release.value,
		wait: wait.value,
	});
}

function releasePlans(symbols: GoSymbols, pool: PoolEntry): Reading<ReleasePlan[]> {
	const plans: ReleasePlan[] = [];
	for (const entry of pool.release) {
		const functions = symbols.functionsNamed(entry.func);
		// Not linked in: nobody calls it. (Inlined everywhere was ruled out before.)
		if (functions.length === 0) continue;
		const hasBranch = (fn: GoFunction) => stackCheckBranch(symbols, fn) !== undefined;
		for (const [atBranch, alike] of Map.groupBy(functions, hasBranch)) {
			const offsets = entriesOf(symbols, alike);
			if (offsets.kind === "refused") return offsets;
			plans.push({ arguments: entry.arguments, atBranch, offsets: offsets.value });
		}
	}
	if (plans.length > 0) return read(plans);
	const names = pool.release.map((r) => r.func).join(", ");
	return refused("unsupported", `the program takes connections, but has none of ${names}`);
}

/** Undefined where fast mode is not proved; the returns then do. */
function fastAcquire(
	symbols: GoSymbols,
	pool: PoolEntry,
	acquiring: readonly GoFunction[],
): Reading<number[]> | undefined {
	const { callersIn } = pool;
	if (callersIn === undefined) return undefined;
	const callers = symbols.functionsIn(callersIn);
	const sites = acquiring.map((fn) => fastSites(symbols, fn, callers));
	if (sites.some((s) => s.kind === "refused")) return undefined;
	return offsetsOf(
		symbols,
		sites.flatMap((s) => (s.kind === "read" ? s.value : [])),
	);
}

function returnsOf(symbols: GoSymbols, functions: readonly GoFunction[]): Reading<number[]> {
	const addresses: number[] = [];
	for (const fn of functions) {
		const sites = returnSites(symbols, fn);
		if (sites.kind === "refused") return sites;
		addresses.push(...sites.value);
	}
	return offsetsOf(symbols, addresses);
}

/** At the stack check's branch where there is one: the kernel need not single-step it, a tenth of the cost. */
function entriesOf(symbols: GoSymbols, functions: readonly GoFunction[]): Reading<number[]> {
	return offsetsOf(
		symbols,
		functions.map((fn) => stackCheckBranch(symbols, fn) ?? fn.entry),
	);
}

function offsetsOf(symbols: GoSymbols, addresses: readonly number[]): Reading<number[]> {
	const offsets: number[] = [];
	for (const address of addresses) {
		const offset = symbols.fileOffset(address);
		if (offset === undefined) {
			return refused("failed", `address 0x${address.toString(16)} is in no segment of the file`);
		}
		offsets.push(offset);
	}
	return read(offsets);
}

/**
 * Byte offset of `goid` in the runtime's g, by Go version: two words came before it in 1.23 (syscallbp) and went
 * in 1.25 (gobuf.ret).
 */
export function goidOffset(goVersion: string | undefined): Reading<number> {
	const minor = goMinor(goVersion);
	if (minor === undefined || minor < GO_MINOR_MIN || minor > GO_MINOR_MAX) {
		const known = `1.${GO_MINOR_MIN} to 1.${GO_MINOR_MAX}`;
		return refused("unsupported", `built by ${goVersion ?? "an unknown Go"}; the ledger knows Go ${known}`);
	}
	return read(minor === 23 || minor === 24 ? 160 : 152);
}

/** The oldest that the ledger is tried with. */
const GO_MINOR_MIN = 19;
const GO_MINOR_MAX = 27;

/** 26 of `go1.26.8`, also of `go1.27-abcdef X:experiment`; undefined for a development version. */
export function goMinor(goVersion: string | undefined): number | undefined {
	const minor = /^go1\.(\d+)/.exec(goVersion ?? "")?.[1];
	return minor === undefined ? undefined : Number(minor);
}
