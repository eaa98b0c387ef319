/**
 * Decodes the text form of the heap profile: /debug/pprof/heap?debug=1 and allocs?debug=1, which are the same.
 *
 *     heap profile: 170: 1903216 [489596: 2633010848] @ heap/1048576
 *     131: 704256 [489547: 2631804672] @ 0x47c74c 0x47f669 0x4dab25 0x44cbf5
 *     #	0x4dab24	main.main+0x144		/srv/app/main.go:4
 *     #	0x44cbf4	runtime.main+0x2d4	/usr/local/go/src/runtime/proc.go:290
 *
 *     # runtime.MemStats
 *     # Alloc = 6771000
 *     ...
 *     # GCCPUFraction = 0.07178809791757075
 *
 * Specification: writeHeapInternal in src/runtime/pprof/pprof.go, Go 1.19.8 to 1.27.1; the records are those of
 * debug1-records.ts.
 *
 *     PAGE := "heap profile: " SUMS " @ heap/" TWICE_RATE {RECORD blank} "# runtime.MemStats" {"# " NAME " = " VALUE}
 *     HEAD := OBJECTS ": " BYTES " [" OBJECTS ": " BYTES "] @" {" 0x" PC}      live, then allocated since the start
 *
 * How it can mislead: about one allocation in each `rate` bytes is seen. The numbers here are scaled up to all
 * allocations, as `go tool pprof` does, so a site of few samples may be far off. What was freed is known as of
 * the last collection but one.
 */
import { Debug1Reader } from "./debug1-records.ts";
import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import { ascii, lineEnd, startsWith, textEnd, textOf } from "./goroutines-debug2-bytes.ts";
import type { HeapSite, HeapSnapshot } from "./heap.ts";
import { memStatsAt } from "./heap-mem-stats.ts";
import { quoteBytes } from "./quote-bytes.ts";

const TITLE_BYTES_MAX = 300;
const TITLE =
	/^heap profile: *\d+: *\d+ \[ *\d+: *\d+\] @ (?:heap(?:_v2)?\/(\d{1,15})|heapprofile|growthz)$/u;
const HEAD = /^(\d{1,15}): (\d{1,15}) \[(\d{1,15}): (\d{1,15})\]$/u;
const MEM_STATS = ascii("# runtime.MemStats");

interface Sampled {
	readonly liveObjects: number;
	readonly liveBytes: number;
	readonly allocObjects: number;
	readonly allocBytes: number;
}

export function decodeHeapDebug1(bytes: Uint8Array): Decoded<HeapSnapshot> {
	const titleEnd = lineEnd(bytes, 0);
	const title = TITLE.exec(textOf(bytes, 0, Math.min(textEnd(bytes, 0, titleEnd), TITLE_BYTES_MAX)));
	if (title === null) return { kind: "foreign", found: quoteBytes(bytes, 0, bytes.length) };
	// Go prints twice the rate, as the first C++ heap profilers did.
	const sampleBytes = Math.floor(Number(title[1] ?? 0) / 2);
	const flaws = new Flaws();
	const last = (start: number) => startsWith(bytes, start, MEM_STATS);
	const reader = new Debug1Reader(bytes, titleEnd + 1, { head: sampledOf, last }, flaws);
	const sites = reader.records.map(({ head, frames, offset }): HeapSite => {
		const live = unsampled(head.liveObjects, head.liveBytes, sampleBytes);
		const all = unsampled(head.allocObjects, head.allocBytes, sampleBytes);
		return {
			frames,
			liveObjects: live.objects,
			liveBytes: live.bytes,
			allocObjects: all.objects,
			allocBytes: all.bytes,
			offset,
		};
	});
	const memStats = reader.stopped < bytes.length ? memStatsAt(bytes, reader.stopped, flaws) : undefined;
	if (!reader.cut() && memStats === undefined) {
		flaws.truncated("the page ends before # runtime.MemStats", bytes.length);
	}
	const value = { sampleBytes, sites, ...(memStats === undefined ? {} : { memStats }) };
	return { kind: "decoded", value, flaws: flaws.list() };
}

function sampledOf(text: string): Sampled | undefined {
	const numbers = HEAD.exec(text);
	if (numbers === null) return undefined;
	const [, liveObjects, liveBytes, allocObjects, allocBytes] = numbers.map(Number);
	return {
		liveObjects: liveObjects ?? 0,
		liveBytes: liveBytes ?? 0,
		allocObjects: allocObjects ?? 0,
		allocBytes: allocBytes ?? 0,
	};
}

/** An object of `size` bytes is seen with the chance 1 - exp(-size / rate): each that was seen stands for more. */
function unsampled(objects: number, bytes: number, rate: number): { objects: number; bytes: number } {
	if (objects === 0 || bytes === 0) return { objects: 0, bytes: 0 };
	if (rate <= 1) return { objects, bytes };
	const scale = 1 / (1 - Math.exp(-bytes / objects / rate));
	return { objects: Math.trunc(objects * scale), bytes: Math.trunc(bytes * scale) };
}
