/**
 * What a Go execution trace (`/debug/pprof/trace`, format of Go 1.22 and later) tells of goroutines: who made
 * those born in its window, and where those that did not end are blocked. The bytes are read by go-trace-v2.ts,
 * or, as a capture keeps them, by go-trace-json.ts.
 */
import type { Frame } from "./goroutines.ts";

export interface TracedGoroutine {
	readonly goid: number;
	/** Born in the trace: nanoseconds from its start. Absent for one that was there before. */
	readonly bornNs?: number;
	/** Index in `GoTrace.stacks` of the `go` statement that made it. */
	readonly creatorStack?: number;
	/** Absent where no goroutine made it: a timer, a callback from C. */
	readonly creatorGoid?: number;
	/** The function it began in. */
	readonly entry?: string;
	/** Ended in the trace: nanoseconds from its start. */
	readonly endedNs?: number;
	/** Where it was blocked when the trace ended; absent if it ran, could run or ended. */
	readonly blocked?: {
		readonly stack?: number;
		/** As the runtime says it: `chan receive`, `select`; `syscall` in the kernel, `waiting` where it began before. */
		readonly reason: string;
		readonly sinceNs: number;
	};
	/** Byte offset in the part of what tells of it. */
	readonly offset: number;
}

/** A line that made goroutines in the trace, and how many of them. */
export interface BirthSite {
	/** Index in `GoTrace.stacks`. */
	readonly stack: number;
	/** The function they began in; "" if not told. */
	readonly entry: string;
	readonly born: number;
	/** Of those born here. */
	readonly ended: number;
	/** Byte offset in the part of what tells of it. */
	readonly offset: number;
}

export interface GoTrace {
	/** `1.26` of `go 1.26 trace`. */
	readonly version: string;
	readonly durationNs: number;
	/** Distinct stacks, innermost call first. */
	readonly stacks: readonly (readonly Frame[])[];
	/** Those alive at the end first; bounded, see `leftOut`. */
	readonly goroutines: readonly TracedGoroutine[];
	/** Goroutines counted but not listed: the ones that ended go first. */
	readonly leftOut: number;
	/** Most that did not end first. */
	readonly sites: readonly BirthSite[];
	/** Born in the trace, and ended in it wherever they were born; also those not listed. */
	readonly born: number;
	readonly ended: number;
}
