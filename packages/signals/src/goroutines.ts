/**
 * Goroutines as data, whichever text they came from: the full dump (goroutines-debug2.ts) with ids,
 * states and arguments, or the grouped profile (goroutines-debug1.ts) with counts and labels only.
 */

/** One call in a stack. Rules match on `func` alone: lines move between Go releases. */
export interface Frame {
	/** Full function name as the runtime prints it: `database/sql.(*DB).beginDC.func1`. */
	readonly func: string;
	/** Source file as compiled in; "" where the dump has none. */
	readonly file: string;
	/** 1-based; 0 where unknown. */
	readonly line: number;
}

/** One distinct stack; innermost call first. Shared by every goroutine that has it. */
export interface Stack {
	/** Index in `GoroutineTable.stacks`. */
	readonly id: number;
	readonly frames: readonly Frame[];
	/** The `created by` frame, where printed. */
	readonly createdBy?: Frame;
	/** Frames the runtime left out, after `frames[after]`; `count` absent in Go <= 1.20. */
	readonly elided?: { readonly after: number; readonly count?: number };
}

export type Labels = Readonly<Record<string, string>>;

/** Bits of `GoroutineTable.flags`. */
export const GOROUTINE_LEAKED = 1;
export const GOROUTINE_SCAN = 2;
export const GOROUTINE_DURABLE = 4;
export const GOROUTINE_LOCKED_TO_THREAD = 8;
/** The stack was not printed: `goroutine running on other thread; stack unavailable`. */
export const GOROUTINE_STACK_UNAVAILABLE = 16;

/**
 * A full dump, one column entry a goroutine, one object a distinct stack.
 * Goroutine ids are below 2^53 in any process that can exist, so float64 holds them exactly.
 */
export interface GoroutineTable {
	readonly count: number;
	readonly stacks: readonly Stack[];
	/** Distinct state strings, raw, without flags: `select`, `chan receive (nil chan)`. */
	readonly states: readonly string[];
	readonly labels: readonly Labels[];
	readonly goid: Float64Array;
	readonly stackOf: Uint32Array;
	readonly stateOf: Uint16Array;
	/** The "N minutes" hint. NOT the wait time (wrong by one GC interval either way); 0 if absent. */
	readonly minutes: Uint32Array;
	readonly flags: Uint8Array;
	/** Id after `in goroutine`; 0 if absent (Go < 1.21). */
	readonly creatorGoid: Float64Array;
	/** 0 = no labels, otherwise index + 1 into `labels`. */
	readonly labelsOf: Uint32Array;
	/** Byte offset of the header line in the part: where evidence is quoted from. */
	readonly offset: Float64Array;
	/**
	 * First argument word of one frame of one goroutine, as printed in hex without `?`
	 * (`0xc000112000`), or undefined where not printed. Read back from the dump's bytes on demand.
	 */
	readonly firstArgument: (goroutine: number, frame: number) => string | undefined;
	/** The goroutine's text as dumped (header and frames), for quoting; at most `lines` lines. */
	readonly quote: (goroutine: number, lines: number) => string;
}

/** One record of a debug=1 profile: `count` goroutines with this stack and these labels. */
export interface ProfileRecord {
	readonly count: number;
	readonly frames: readonly Frame[];
	readonly labels: Labels;
	/** Byte offset of the record's first line in the part. */
	readonly offset: number;
}

export interface GoroutineProfile {
	/** From `goroutine profile: total N`. */
	readonly total: number;
	readonly records: readonly ProfileRecord[];
}
