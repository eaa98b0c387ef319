/** What diagnosis says: findings with their evidence, and what was not examined. */
import type { Gap, Line, Target } from "@plumbline/signals/capture";

export type FindingId =
	| "tx-open"
	| "rows-open"
	| "conn-held"
	| "ctx-residue"
	| "pool-starved"
	| "pool-deadlock"
	| "tx-begin-wait"
	| "db-lock-wait"
	| "db-per-request"
	| "http-body-open"
	| "http-body-undrained"
	| "pool-churn"
	| "time-wait-storm"
	| "close-wait-pile"
	| "server-closed-idle"
	| "dns-storm"
	| "dns-slow"
	| "dns-hijack"
	| "goroutine-leak"
	| "lock-contention"
	| "gc-pressure"
	| "cpu-spike";

export type Severity = "critical" | "warning" | "note";

/** confirmed: at least two independent lines agree. suspected: one line. */
export type Level = "confirmed" | "suspected";

/** One quoted observation. */
export interface Evidence {
	readonly line: Line;
	/** What it shows, in words: `7 goroutines wait in (*Tx).awaitDone in both samples`. */
	readonly says: string;
	/** The bytes it rests on, as captured. May have several lines. */
	readonly quote: string;
	/** Part of the capture. */
	readonly part: string;
	/** Byte offset in that part. */
	readonly offset: number;
	/** When, milliseconds from the start of the window. */
	readonly atMs: number;
	/** `atMs` says nothing: see timeless.ts. */
	readonly timeUnknown?: true;
}

/** How surely two lines speak of the same service and the same connections. */
export interface Link {
	readonly between: readonly [Line, Line];
	/** 0..1. */
	readonly confidence: number;
	/** What joins them, or what weakens the join: NAT, a proxy, a unix socket. */
	readonly reason: string;
}

/** The function, file and line that holds the resource. */
export interface Holder {
	readonly func: string;
	readonly file: string;
	readonly line: number;
	/** How it was found: `the creating goroutine is still in this call`. */
	readonly how: string;
	/** 0..1: that this is the place, given that the finding is true. */
	readonly confidence: number;
}

export interface Finding {
	readonly id: FindingId;
	readonly severity: Severity;
	readonly level: Level;
	/** 0..1. */
	readonly confidence: number;
	/** How many of the thing the finding counts: transactions, connections, waiting callers. */
	readonly count: number;
	/** One sentence a tired person can act on. */
	readonly title: string;
	/** What is going on and why it hurts, with the numbers of this case. */
	readonly story: string;
	readonly holder?: Holder;
	/** Where no single holder can be named: the places it could be, likeliest first. */
	readonly candidates: readonly Holder[];
	/** Absent when a holder is named: why no line could name it and what would. */
	readonly holderGap?: string;
	readonly evidence: readonly Evidence[];
	/** The less than certain links between the lines of its evidence; they bound the confidence. */
	readonly joins: readonly Link[];
	/** What else would look like this. */
	readonly otherwise: readonly string[];
	readonly fix: readonly string[];
	/** Commands or steps that stop the bleeding now. */
	readonly stop: readonly string[];
	/** How to see that it is cured. */
	readonly verify: readonly string[];
	/** Ids of the findings this one is a consequence of. */
	readonly causes: readonly FindingId[];
}

/** One line of the service and whether it was looked at. */
export interface Examined {
	readonly line: Line;
	readonly state: "read" | "partly" | "unexamined";
	/** What was read, in words: `2 dumps, 412 goroutines`. Empty when unexamined. */
	readonly what: string;
}

export interface Diagnosis {
	readonly target: Target;
	/** `goVersion`, `command`, `modules`: what is known of the service. */
	readonly service: {
		readonly goVersion?: string;
		readonly command?: string;
		readonly modules: readonly string[];
	};
	/** `known: false` for captures without time: then the start is when they were read (see timeless.ts). */
	readonly window: { readonly startWallMs: number; readonly durationMs: number; readonly known?: false };
	readonly examined: readonly Examined[];
	readonly gaps: readonly Gap[];
	/** Between lines that were both read. */
	readonly links: readonly Link[];
	/** Causes before consequences, then by severity, level, count. */
	readonly findings: readonly Finding[];
}
