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
 * over the time in which threads ran or waited to run; where that is not known, a CPU profile has to tell.
 *
 * How it misleads: the age is known to some 20 ms, and a process that has not collected since the first reading
 * tells the old share; both make an error of the share times the error in time. Marking done by processors that had
 * nothing else to do does not count.
 */
import type { HeapSnapshot } from "@plumbline/signals/heap";
import type { Profile } from "@plumbline/signals/profiles";
import type { Sampled, Signals } from "@plumbline/signals/signals";
import { type AllocationSite, allocatedBetween, livingSites } from "./allocation-sites.ts";
import type { IsApplication } from "./application.ts";
import { cumulativeShare } from "./profile-top.ts";

export interface GcView {
	readonly spanMs: number;
	/** Cycles in the window that nobody asked for. */
	readonly cycles: number;
	/** CPU of the collector over CPU available to the program, 0..1. */
	readonly shareOfAvailable: number | undefined;
	/** CPU of the collector over CPU the program used, 0..1; and what tells it. */
	readonly shareOfUsed: { readonly share: number; readonly from: "counters" | "profile" } | undefined;
	/** Processors' worth of CPU that the program used. */
	readonly coresUsed: number | undefined;
	/** GOMEMLIMIT, where one is set; and what counts towards it. */
	readonly memoryLimit: { readonly bytes: number; readonly usedBytes: number } | undefined;
	readonly gogc: number | undefined;
	readonly nextGcBytes: number | undefined;
	/** Who allocated in the window, most bytes first; and who holds what lives at its end. */
	readonly allocating: readonly AllocationSite[];
	readonly living: readonly AllocationSite[];
	readonly first: Sampled<HeapSnapshot>;
	readonly last: Sampled<HeapSnapshot>;
}

/** CPU time of all threads over a span of the clock. */
export interface CpuTime {
	readonly cpuMs: number;
	readonly spanMs: number;
}

/** Nothing can be said of a shorter time. */
const SPAN_MS_MIN = 1_000;
/** Go's default limit is the largest int64: none. */
const NO_LIMIT_BYTES = 2 ** 62;

export function gcView(signals: Signals, isApplication: IsApplication): GcView | undefined {
	const [first, last] = [signals.heaps[0], signals.heaps.at(-1)];
	const [before, after] = [first?.value.memStats, last?.value.memStats];
	if (!first || !last || !before || !after) return undefined;
	const spanMs = last.part.start.monoMs - first.part.start.monoMs;
	if (spanMs < SPAN_MS_MIN) return undefined;
	const used = cpuUsed(signals);
	const available = shareBetween(signals, first, last);
	return {
		spanMs,
		cycles: rise(before.numGc, after.numGc) - rise(before.numForcedGc, after.numForcedGc),
		shareOfAvailable: available,
		shareOfUsed: shareOfUsed(signals, available),
		coresUsed: used && used.cpuMs / used.spanMs,
		memoryLimit: memoryLimit(signals),
		gogc: goValue(signals, "go_gc_gogc_percent"),
		nextGcBytes: after.nextGcBytes,
		allocating: allocatedBetween(first.value, last.value, isApplication),
		living: livingSites(last.value, isApplication),
		first,
		last,
	};
}

function rise(before: number | undefined, after: number | undefined): number {
	return Math.max(0, (after ?? 0) - (before ?? 0));
}

/** Of the last metrics page that has it. */
export function goValue({ metrics }: Signals, name: string): number | undefined {
	return metrics.findLast(({ value }) => value.go[name] !== undefined)?.value.go[name];
}

function shareBetween(
	signals: Signals,
	first: Sampled<HeapSnapshot>,
	last: Sampled<HeapSnapshot>,
): number | undefined {
	const [before, after] = [first.value.memStats?.gcCpuFraction, last.value.memStats?.gcCpuFraction];
	const [ageBefore, ageAfter] = [ageAt(signals, first), ageAt(signals, last)];
	if (before === undefined || after === undefined || ageBefore === undefined || ageAfter === undefined)
		return undefined;
	return Math.min(1, Math.max(0, (after * ageAfter - before * ageBefore) / (ageAfter - ageBefore)));
}

/** Work of the collector: its background workers, and what requests must do for it. */
const COLLECTOR =
	/^runtime\.(gcBgMarkWorker|gcAssistAlloc|gcStart|bgsweep|bgscavenge|gcMarkTermination)(\.|$)/;

/** Of a CPU profile's samples, those in the collector. */
export function collectorShare(profile: Profile, type: number): number {
	return cumulativeShare(profile, type, (func) => COLLECTOR.test(func));
}

export function cpuType({ types }: Profile): number {
	return types.findIndex(({ type, unit }) => type === "cpu" && unit === "nanoseconds");
}

function shareOfUsed(signals: Signals, available: number | undefined): GcView["shareOfUsed"] {
	const profile = signals.profiles.findLast(({ value }) => cpuType(value) >= 0)?.value;
	if (profile !== undefined) return { share: collectorShare(profile, cpuType(profile)), from: "profile" };
	const cores = goValue(signals, "go_sched_gomaxprocs_threads");
	const runnable = cpuWanted(signals);
	if (available === undefined || cores === undefined || runnable === undefined || runnable.cpuMs === 0)
		return undefined;
	const share = (available * cores * runnable.spanMs) / runnable.cpuMs;
	return { share: Math.min(1, share), from: "counters" };
}

/** How long the program had run when the page was read. */
function ageAt({ process, metrics }: Signals, { part }: Sampled<HeapSnapshot>): number | undefined {
	const known = process.find(({ value }) => value.ageMs !== undefined);
	if (known?.value.ageMs !== undefined)
		return known.value.ageMs + part.start.monoMs - known.part.start.monoMs;
	const startS = metrics.at(-1)?.value.go.process_start_time_seconds;
	return startS === undefined ? undefined : part.start.wallMs - startS * 1000;
}

/** CPU of the whole program between the ends of the window: the kernel's count, else its metrics page's. */
export function cpuUsed({ process, metrics }: Signals): CpuTime | undefined {
	return (
		between(process, ({ cpuMs }) => cpuMs) ??
		between(metrics, ({ go }) => {
			const seconds = go.process_cpu_seconds_total;
			return seconds === undefined ? undefined : seconds * 1000;
		})
	);
}

/** Time in which threads of the program ran or waited to run. */
export function cpuWanted({ process }: Signals): CpuTime | undefined {
	return between(process, ({ runMs, runDelayMs }) =>
		runMs === undefined || runDelayMs === undefined ? undefined : runMs + runDelayMs,
	);
}

function between<T>(
	samples: readonly Sampled<T>[],
	told: (value: T) => number | undefined,
): CpuTime | undefined {
	const known = samples.filter(({ value }) => told(value) !== undefined);
	const [first, last] = [known[0], known.at(-1)];
	if (!first || !last) return undefined;
	const spanMs = last.part.start.monoMs - first.part.start.monoMs;
	if (spanMs < SPAN_MS_MIN) return undefined;
	return { cpuMs: rise(told(first.value), told(last.value)), spanMs };
}

function memoryLimit(signals: Signals): GcView["memoryLimit"] {
	const bytes = goValue(signals, "go_gc_gomemlimit_bytes");
	const sys = goValue(signals, "go_memstats_sys_bytes");
	const released = goValue(signals, "go_memstats_heap_released_bytes");
	if (bytes === undefined || bytes >= NO_LIMIT_BYTES || sys === undefined || released === undefined)
		return undefined;
	return { bytes, usedBytes: sys - released };
}
