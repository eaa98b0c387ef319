/**
 * Whether a process runs, where probes are to go, the code that its file has. The plan is proved on the file; a
 * program that was patched in memory, or that another tracer or a debugger has breakpoints in, may have other
 * instructions there, and a breakpoint in the middle of one destroys the service.
 *
 * Breakpoints at the very places where a ledger has its own are another ledger's: the kernel shares them.
 */
import type { GoFunction, GoSymbols } from "./go-symbols.ts";
import { offsetsOfPlan, type PlannedPool } from "./ledger-plan.ts";
import type { ProcessMemory } from "./process-memory.ts";

/** What the kernel writes: int3; brk #5. */
const BREAKPOINTS = { amd64: [0xcc], arm64: [0xa0, 0x00, 0x20, 0xd4] } as const;

export interface RunningCode {
	readonly symbols: GoSymbols;
	readonly memory: Pick<ProcessMemory, "read">;
	/** Address in the process minus address in the file. */
	readonly bias: number;
	/** Where any ledger would have its breakpoints, as offsets in the file; asked for only where code differs. */
	readonly ledgerPlaces: () => ReadonlySet<number>;
}

/** The same pools; refused are those that would be probed in code that differs. */
export function checkCode(pools: readonly PlannedPool[], code: RunningCode): PlannedPool[] {
	return pools.map((planned) => {
		if (planned.kind !== "watched") return planned;
		for (const fn of probedFunctions(offsetsOfPlan(planned.plan), code.symbols)) {
			const why = whyOdd(fn, code);
			if (why !== undefined) return { kind: "refused", pool: planned.plan.pool, why };
		}
		return planned;
	});
}

function probedFunctions(offsets: readonly number[], symbols: GoSymbols): Iterable<GoFunction> {
	const found = new Map<number, GoFunction>();
	for (const offset of offsets) {
		const fn = symbols.functionAt(symbols.addressOf(offset) ?? 0);
		if (fn !== undefined) found.set(fn.entry, fn);
	}
	return found.values();
}

function whyOdd(fn: GoFunction, { symbols, memory, bias, ledgerPlaces }: RunningCode): string | undefined {
	const wanted = symbols.code(fn);
	const found = memory.read(fn.entry + bias, wanted.length);
	if (found === undefined) return `the code of ${fn.name} cannot be read in the process's memory`;
	const breakpoint = BREAKPOINTS[symbols.arch];
	for (const [at, byte] of found.entries()) {
		if (byte === wanted[at]) continue;
		const offset = symbols.fileOffset(fn.entry + at) ?? 0;
		const into = offset % breakpoint.length;
		if (byte === breakpoint[into] && ledgerPlaces().has(offset - into)) continue;
		const where = (fn.entry + at).toString(16);
		return `the process runs other code than its file has in ${fn.name} at 0x${where}: patched, or another tracer or a debugger has a breakpoint there`;
	}
	return undefined;
}
