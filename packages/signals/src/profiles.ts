/**
 * A pprof profile as data: what every type of it shares, whoever wrote it. The bytes are read by
 * profiles-pprof.ts.
 */
import type { Frame, Labels } from "./goroutines.ts";

/** `{"cpu", "nanoseconds"}`, `{"alloc_space", "bytes"}`, `{"goroutine", "count"}`. */
export interface ValueType {
	readonly type: string;
	readonly unit: string;
}

/** A call of a profile's stack. */
export interface ProfileFrame extends Frame {
	/** Inlined into the frame that follows it. */
	readonly inlined?: true;
	/** Start of the function, 1-based; absent where the producer did not say. */
	readonly startLine?: number;
}

/** A numeric label with its unit ("" if none). */
export interface NumericLabel {
	readonly key: string;
	readonly value: bigint;
	readonly unit: string;
}

export interface ProfileLabels {
	/** Of several strings under one key the last. */
	readonly strings: Labels;
	readonly numbers: readonly NumericLabel[];
}

/**
 * A list whose entries may be made only when they are asked for: a profile can hold a million sets of labels.
 * Each call of `at` may make a new object; a plain array is one too. Ask for each entry once.
 */
export type OnDemand<T> = Pick<readonly T[], "length" | "at">;

/** Distinct sets of text labels, the empty one first. */
export interface LabelTexts {
	readonly sets: OnDemand<Labels>;
	/** Set of each entry of `labelsOf`: 0 is without labels, otherwise its index + 1. */
	readonly setOf: Uint32Array;
}

export interface Profile {
	/** What each sample counts: one value per type, in this order. */
	readonly types: readonly ValueType[];
	/** The type that the producer wants shown first. */
	readonly defaultType?: string;
	readonly period?: ValueType & { readonly value: bigint };
	/** Wall clock of the profiled host at the start, nanoseconds since the epoch; absent if not told. */
	readonly timeNanos?: bigint;
	readonly durationNanos?: bigint;
	/** Number of samples. */
	readonly count: number;
	/** `values[sample * types.length + type]`. Exact: 64 bits, signed. */
	readonly values: BigInt64Array;
	/** Distinct stacks, innermost call first. */
	readonly stacks: OnDemand<readonly ProfileFrame[]>;
	/** Stack of each sample. */
	readonly stackOf: Uint32Array;
	/** Distinct sets of labels; `texts` lays those together that differ in numbers only. */
	readonly labels: OnDemand<ProfileLabels> & { readonly texts?: () => LabelTexts };
	/** 0 = none, otherwise index + 1 into `labels`. */
	readonly labelsOf: Uint32Array;
	readonly comments: readonly string[];
}
