/** The heap of a Go process at one moment, as `/debug/pprof/heap?debug=1` tells: its sites and its counters. */
import type { Frame } from "./goroutines.ts";

/** Objects and bytes of one allocating stack, estimated from samples: scaled up as `go tool pprof` does. */
export interface HeapSite {
	readonly frames: readonly Frame[];
	readonly liveObjects: number;
	readonly liveBytes: number;
	/** Since the start of the process. */
	readonly allocObjects: number;
	readonly allocBytes: number;
	/** Byte offset of the record in the part. */
	readonly offset: number;
}

/** `runtime.MemStats` as printed below the profile; what an old or a cut page lacks is absent. */
export interface MemStats {
	readonly heapAllocBytes?: number;
	readonly heapSysBytes?: number;
	readonly nextGcBytes?: number;
	readonly totalAllocBytes?: number;
	readonly sysBytes?: number;
	readonly mallocs?: number;
	readonly frees?: number;
	/** Cycles since the start, of which `numForcedGc` were asked for by the program or a profile. */
	readonly numGc?: number;
	readonly numForcedGc?: number;
	readonly pauseTotalNs?: number;
	/** Share (0..1) of the CPU available since the start that went to the collector. */
	readonly gcCpuFraction?: number;
	/** Byte offset of the first counter in the part, to quote from. */
	readonly offset: number;
}

export interface HeapSnapshot {
	/** Bytes between two samples on average; 0 if not told. */
	readonly sampleBytes: number;
	readonly sites: readonly HeapSite[];
	readonly memStats?: MemStats;
}
