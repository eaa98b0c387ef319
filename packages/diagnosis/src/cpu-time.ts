/** CPU and age of the service's process between the ends of the window, by the kernel, else by its metrics page. */
import type { Sampled, Signals } from "@plumbline/signals/signals";

/** CPU time of all threads over a span of the clock. */
export interface CpuTime {
	readonly cpuMs: number;
	readonly spanMs: number;
}

/** Nothing can be said of a shorter time. */
export const SPAN_MS_MIN = 1_000;

/** Of the last metrics page that has it. */
export function goValue({ metrics }: Pick<Signals, "metrics">, name: string): number | undefined {
	return metrics.findLast(({ value }) => value.go[name] !== undefined)?.value.go[name];
}

export function cpuUsed({ process, metrics }: Signals): CpuTime | undefined {
	return (
		between(process, ({ cpuMs }) => cpuMs) ??
		between(metrics, ({ go }) => {
			const seconds = go.process_cpu_seconds_total;
			return seconds === undefined ? undefined : seconds * 1000;
		})
	);
}

/**
 * Time in which threads of the program ran or waited to run. The kernel tells it of living threads only: what those
 * ran that ended meanwhile is in the count of the whole process.
 */
export function cpuWanted({ process }: Signals): CpuTime | undefined {
	const ran = between(process, ({ runMs }) => runMs);
	const waited = between(process, ({ runDelayMs }) => runDelayMs);
	if (ran === undefined || waited === undefined) return undefined;
	const used = between(process, ({ cpuMs }) => cpuMs);
	return { cpuMs: Math.max(ran.cpuMs, used?.cpuMs ?? 0) + waited.cpuMs, spanMs: ran.spanMs };
}

/**
 * How long the program had run at a moment of the window's clock. The start that a metrics page tells is by the wall
 * clock of its host; it is compared once, so that a clock that is set meanwhile does no harm.
 */
export function ageMsAt({ process, metrics, window }: Signals, monoMs: number): number | undefined {
	const known = process.find(({ value }) => value.ageMs !== undefined);
	if (known?.value.ageMs !== undefined) return known.value.ageMs + monoMs - known.part.start.monoMs;
	const startS = goValue({ metrics }, "process_start_time_seconds");
	return startS === undefined
		? undefined
		: window.start.wallMs - startS * 1000 + (monoMs - window.start.monoMs);
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
	return { cpuMs: Math.max(0, (told(last.value) ?? 0) - (told(first.value) ?? 0)), spanMs };
}
