/**
 * The counters of runtime.MemStats below a heap profile's text: `# NumGC = 542`, one a line. Those that nothing
 * asks for are passed over, those that are not there are absent.
 */
import type { Flaws } from "./flaws.ts";
import { lineEnd, textEnd, textOf } from "./goroutines-debug2-bytes.ts";
import type { MemStats } from "./heap.ts";
import { quoteBytes } from "./quote-bytes.ts";

/** Lines read; Go prints 30 and, where it can, the process's highest resident size. */
const LINES_MAX = 200;
/** Longest line that is read; two, of pauses and their ends, have 256 numbers of 20 digits. */
const LINE_BYTES_MAX = 16_384;

type Counter = Exclude<keyof MemStats, "offset">;

const COUNTERS: ReadonlyMap<string, Counter> = new Map([
	["HeapAlloc", "heapAllocBytes"],
	["HeapSys", "heapSysBytes"],
	["NextGC", "nextGcBytes"],
	["TotalAlloc", "totalAllocBytes"],
	["Sys", "sysBytes"],
	["Mallocs", "mallocs"],
	["Frees", "frees"],
	["NumGC", "numGc"],
	["NumForcedGC", "numForcedGc"],
	["PauseTotalNs", "pauseTotalNs"],
	["GCCPUFraction", "gcCpuFraction"],
]);
const LINE = /^# (\w+) = (.*)$/u;
const NUMBER = /^\d+(?:\.\d+)?(?:e[+-]?\d+)?$/u;

/** The counters from the line `# runtime.MemStats` at `start` on; undefined if none is there. */
export function memStatsAt(bytes: Uint8Array, start: number, flaws: Flaws): MemStats | undefined {
	const found: { -readonly [K in Counter]?: number } = {};
	let offset: number | undefined;
	let at = lineEnd(bytes, start) + 1;
	for (let line = 0; line < LINES_MAX && at < bytes.length; line++) {
		const newline = lineEnd(bytes, at);
		// A line that the end of the input cuts may lack digits.
		if (newline === bytes.length) break;
		const end = textEnd(bytes, at, newline);
		const parts = end - at > LINE_BYTES_MAX ? null : LINE.exec(textOf(bytes, at, end));
		const counter = COUNTERS.get(parts?.[1] ?? "");
		const value = parts?.[2] ?? "";
		if (counter !== undefined && NUMBER.test(value)) {
			offset ??= at;
			found[counter] = Number(value);
		} else if (counter !== undefined || (parts === null && end > at)) {
			flaws.malformed(`expected a counter of runtime.MemStats, found "${quoteBytes(bytes, at, end)}"`, at);
		}
		at = newline + 1;
	}
	return offset === undefined ? undefined : { ...found, offset };
}
