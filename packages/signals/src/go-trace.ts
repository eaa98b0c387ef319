/**
 * What a Go execution trace (`/debug/pprof/trace`, format of Go 1.22 and later) tells of goroutines: who made
 * those born in its window, and where those that did not end are blocked. The bytes are read by go-trace-v2.ts.
 */
import type { Frame } from "./goroutines.ts";

export interface TracedGoroutine {
	readonly goid: number;
	/** Born in the trace: nanoseconds from its start. Absent for one that was there before. */
	readonly bornNs?: number;
	/** Index in `GoTrace.stacks` of the `go` statement that made it. */
	readonly creatorStack?: number;
	readonly creatorGoid?: number;
	/** Ended in the trace: nanoseconds from its start. */
	readonly endedNs?: number;
	/** Where it was blocked when the trace ended; absent if it ran or ended. */
	readonly blocked?: { readonly stack?: number; readonly reason: string; readonly sinceNs: number };
}

export interface GoTrace {
	/** `1.26` of `go 1.26 trace`. */
	readonly version: string;
	readonly durationNs: number;
	readonly stacks: readonly (readonly Frame[])[];
	readonly goroutines: readonly TracedGoroutine[];
	/** Born and ended within the trace, counted even where they are not listed. */
	readonly born: number;
	readonly ended: number;
}
