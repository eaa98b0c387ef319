/**
 * A capture: the raw bytes of the lines taken in one window, with their times and gaps.
 *
 * Everything Plumbline says is a pure function of one of these. The file form is in capture-file.ts
 * and docs/capture-format.md.
 */

/** Milliseconds since the Unix epoch, as the capturing host's wall clock told. May jump. */
export type WallMs = number & { readonly unit: "wall-ms" };
/** Milliseconds on the capturing process's monotonic clock. Only differences mean anything. */
export type MonoMs = number & { readonly unit: "mono-ms" };

/** One moment, on both clocks. */
export interface Instant {
	readonly wallMs: WallMs;
	readonly monoMs: MonoMs;
}

/** The three independent views of a service. Pool counters and database sessions are one line. */
export type Line = "sockets" | "runtime" | "pool";

/** What a gap can lie in: one of the three lines, or the facts about the process itself. */
export type GapLine = Line | "process";

/** The encodings a part may have. Each has one decoder, which declares it (see decode.ts). */
export type PartFormat =
	| "go-debug2"
	| "go-debug1"
	| "go-heap-debug1"
	| "go-contention-debug1"
	| "pprof"
	| "sock-diag"
	| "ss"
	| "netstat"
	| "proc-net-tcp"
	| "fd-table"
	| "tcp-life"
	| "ledger"
	| "go-trace"
	| "go-trace-v2"
	| "prometheus"
	| "postgres-sessions"
	| "mysql-sessions"
	| "sessions-text"
	| "go-buildinfo"
	| "dns-check"
	| "process";

/** One thing read from the world, exactly as it came (after redaction). */
export interface Part {
	/** Name inside the capture file, without folder: `goroutines.0.debug2.txt`. Unique. */
	readonly name: string;
	readonly format: PartFormat;
	/** Which sampling round it belongs to: 0 at the start of the window, rising to its end. */
	readonly sample: number;
	/** Where it was read: a URL without credentials, or a path such as `/proc/4711/fd`. */
	readonly source: string;
	readonly start: Instant;
	readonly end: Instant;
	/** Present when the bytes are not all there was: the reason. */
	readonly truncated?: string;
	readonly bytes: Uint8Array;
}

/** What could not be read, and why. Never read as health. */
export interface Gap {
	readonly line: GapLine;
	/** What is missing, as the user knows it: `goroutines`, `sockets`, `database sessions`. */
	readonly what: string;
	/** Why, and where possible the next step: `connection refused by 127.0.0.1:6060`. */
	readonly why: string;
	/** Where in a part the trouble lies: `goroutines.0.debug2.txt byte 40960`. */
	readonly at?: string;
	/** A note costs no finding (`pprof args absent`); a loss makes rules of this line unexamined. */
	readonly weight: "loss" | "note";
}

/** Who was examined. Only what is known is present. */
export interface Target {
	readonly pid?: number;
	readonly pprof?: string;
	readonly metrics?: string;
	readonly db?: string;
	/** For captures made from loose files. */
	readonly files?: readonly string[];
}

export interface Capture {
	/** Version of Plumbline that took it. */
	readonly takenBy: string;
	readonly target: Target;
	readonly window: { readonly start: Instant; readonly end: Instant };
	readonly parts: readonly Part[];
	readonly gaps: readonly Gap[];
}
