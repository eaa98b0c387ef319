/**
 * What garbage collection cost in the window, and who made the garbage.
 *
 * runtime.MemStats tells the share of the CPU that was available since the start (GOMAXPROCS x age) which went to
 * the collector, as of the last cycle. Two readings give the share of what lies between them:
 *
 * ```
 *   age 60 s: 0.05  = 3.0 s of one processor's time
 *   age 70 s: 0.10  = 7.0 s                            -> 4 s in 10 s: 0.40
 * ```
 *
 * These times are taken by the clock: where the threads of a program wait for a processor, because others have it or
 * because the CPU limit stops them, the collector's time grows with theirs. So its share of the CPU used is its time
 * over the time in which threads ran or waited to run. A CPU profile tells it, too; of both the lower is believed.
 *
 * How it misleads: the fraction is as old as the last cycle, which counts as if the time since had cost nothing; and
 * the CPU of cycles that somebody asked for is taken to be like that of the others. Two readings may be of two
 * processes (a restart, instances behind one address): counters that fall show it.
 */
import type { HeapSnapshot, MemStats } from "@plumbline/signals/heap";
import type { Sampled, Signals } from "@plumbline/signals/signals";
import { type AllocationSite, allocatedBetween, allocatedIn, livingSites } from "./allocation-sites.ts";
import type { IsApplication } from "./application.ts";
import { profiledCollector } from "./collector-share.ts";
import { ageMsAt, cpuUsed, cpuWanted, goValue, SPAN_MS_MIN } from "./cpu-time.ts";
import { profileGrowth } from "./profile-growth.ts";

export interface GcView {
	readonly spanMs: number;
	/** Cycles in the window that nobody asked for; of all, where only a metrics page tells them. */
	readonly cycles: number | undefined;
	/** CPU of these cycles over CPU available to the program, 0..1. */
	readonly shareOfAvailable: number | undefined;
	/** CPU of these cycles over CPU the program used, 0..1. */
	readonly shareOfUsed: number | undefined;
	/** Processors' worth of CPU that the program used. */
	readonly coresUsed: number | undefined;
	/** GOMEMLIMIT, where one is set; what counts towards it; and what of that is alive, where a heap profile tells. */
	readonly memoryLimit:
		| { readonly bytes: number; readonly usedBytes: number; readonly liveBytes: number | undefined }
		| undefined;
	readonly gogc: number | undefined;
	/** Size of the heap at which the next cycle begins: at the end over at the start. */
	readonly growth: number | undefined;
	/** Who allocated in the window, most bytes first, and who holds what lives at its end. */
	readonly allocating: readonly AllocationSite[];
	readonly living: readonly AllocationSite[];
	/** Readings of the heap with its counters, where there are two of one process. */
	readonly heaps: Readings | undefined;
	/** The part that the allocating sites are of. */
	readonly allocatedIn: { readonly part: string; readonly atMs: number } | undefined;
}

export interface Readings {
	readonly first: Sampled<HeapSnapshot>;
	readonly last: Sampled<HeapSnapshot>;
	readonly before: MemStats;
	readonly after: MemStats;
}

/** Go's default limit is the largest int64: none. */
const NO_LIMIT_BYTES = 2 ** 62;
/** Counters that only rise while a process lives. */
const RISING = ["numGc", "numForcedGc", "totalAllocBytes", "mallocs", "frees", "pauseTotalNs"] as const;

export function gcView(signals: Signals, isApplication: IsApplication): GcView | undefined {
	const heaps = readingsOf(signals);
	if (heaps === "of two processes") return undefined;
	const page = pageCycles(signals);
	const profiled = profiledCollector(signals);
	const spanMs = heaps === undefined ? page?.spanMs : spanOf(heaps);
	if (heaps === undefined && profiled === undefined) return undefined;
	const all = heaps && rise(heaps.before.numGc, heaps.after.numGc);
	const forced = heaps ? rise(heaps.before.numForcedGc, heaps.after.numForcedGc) : 0;
	const own = all === undefined || all === 0 ? 1 : Math.max(0, all - forced) / all;
	const available = heaps && shareBetween(signals, heaps, all ?? 0);
	const used = cpuUsed(signals);
	const sites = allocatingSites(signals, heaps, isApplication);
	return {
		spanMs: spanMs ?? signals.window.end.monoMs - signals.window.start.monoMs,
		cycles: all === undefined ? page?.cycles : all - forced,
		shareOfAvailable: available && available * own,
		shareOfUsed: scaled(lower(counted(signals, available), profiled?.share), own),
		coresUsed: used ? used.cpuMs / used.spanMs : profiled?.coresUsed,
		memoryLimit: memoryLimit(signals, heaps?.last.value),
		gogc: goValue(signals, "go_gc_gogc_percent"),
		growth: heaps && ratio(heaps.after.nextGcBytes, heaps.before.nextGcBytes),
		...sites,
		living: heaps ? livingSites(heaps.last.value, isApplication) : [],
		heaps,
	};
}

function readingsOf({ heaps, metrics }: Signals): Readings | "of two processes" | undefined {
	const told = heaps.filter(({ value }) => value.memStats !== undefined);
	const [first, last] = [told[0], told.at(-1)];
	const [before, after] = [first?.value.memStats, last?.value.memStats];
	if (!first || !last || !before || !after) return undefined;
	if (spanOf({ first, last }) < SPAN_MS_MIN) return undefined;
	const starts = metrics.flatMap(({ value }) => value.go.process_start_time_seconds ?? []);
	const fell = RISING.some((name) => (after[name] ?? 0) < (before[name] ?? 0));
	return fell || new Set(starts).size > 1 ? "of two processes" : { first, last, before, after };
}

function spanOf({ first, last }: Pick<Readings, "first" | "last">): number {
	return last.part.start.monoMs - first.part.start.monoMs;
}

/** All cycles, by the metrics page. */
export function pageCycles({ metrics }: Signals) {
	const name = "go_gc_duration_seconds_count";
	const pages = metrics.filter(({ value }) => value.go[name] !== undefined);
	const [first, last] = [pages[0], pages.at(-1)];
	const [before, after] = [first?.value.go[name], last?.value.go[name]];
	if (!first || !last || before === undefined || after === undefined || after < before) return undefined;
	const spanMs = last.part.start.monoMs - first.part.start.monoMs;
	return spanMs < SPAN_MS_MIN ? undefined : { name, before, after, cycles: after - before, spanMs, last };
}

function rise(before: number | undefined, after: number | undefined): number {
	return Math.max(0, (after ?? 0) - (before ?? 0));
}

function shareBetween(signals: Signals, { first, last, before, after }: Readings, cycles: number) {
	const [fractionBefore, fractionAfter] = [before.gcCpuFraction, after.gcCpuFraction];
	const ageBefore = ageMsAt(signals, first.part.start.monoMs);
	const ageAfter = ageMsAt(signals, last.part.start.monoMs);
	if (fractionBefore === undefined || fractionAfter === undefined || cycles === 0) return undefined;
	if (ageBefore === undefined || ageAfter === undefined || ageBefore < 0) return undefined;
	// The last cycle may lie a whole pause back: what the fraction says of that time is not known.
	const unknown = fractionAfter / cycles;
	const share = (fractionAfter * ageAfter - fractionBefore * ageBefore) / (ageAfter - ageBefore) - unknown;
	return Math.min(1, Math.max(0, share));
}

/** By the counters, of the CPU that was used or waited for. */
function counted(signals: Signals, available: number | undefined): number | undefined {
	const cores = goValue(signals, "go_sched_gomaxprocs_threads");
	const wanted = cpuWanted(signals);
	if (available === undefined || cores === undefined || wanted === undefined || wanted.cpuMs === 0)
		return undefined;
	return Math.min(1, (available * cores * wanted.spanMs) / wanted.cpuMs);
}

function lower(one: number | undefined, other: number | undefined): number | undefined {
	return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

function scaled(share: number | undefined, by: number): number | undefined {
	return share && share * by;
}

function ratio(after: number | undefined, before: number | undefined): number | undefined {
	return after === undefined || before === undefined || before === 0 ? undefined : after / before;
}

/** By the heap pages; where these are cut or missing, by the growth of the allocs profile. */
function allocatingSites(
	signals: Signals,
	heaps: Readings | undefined,
	isApplication: IsApplication,
): Pick<GcView, "allocating" | "allocatedIn"> {
	const { part } = heaps?.last ?? {};
	const allocating = heaps ? allocatedBetween(heaps.first.value, heaps.last.value, isApplication) : [];
	if (part !== undefined && allocating.length > 0) {
		const atMs = part.start.monoMs - signals.window.start.monoMs;
		return { allocating, allocatedIn: { part: part.name, atMs } };
	}
	const growth = profileGrowth(signals, "allocs", { type: "alloc_space", unit: "bytes" });
	return { allocating: growth ? allocatedIn(growth, isApplication) : [], allocatedIn: growth };
}

function memoryLimit(signals: Signals, heap: HeapSnapshot | undefined): GcView["memoryLimit"] {
	const bytes = goValue(signals, "go_gc_gomemlimit_bytes");
	const sys = goValue(signals, "go_memstats_sys_bytes");
	const released = goValue(signals, "go_memstats_heap_released_bytes");
	if (bytes === undefined || bytes >= NO_LIMIT_BYTES || sys === undefined || released === undefined)
		return undefined;
	const living = heap?.sites.reduce((sum, { liveBytes }) => sum + liveBytes, 0);
	return { bytes, usedBytes: sys - released, liveBytes: living || undefined };
}
