/**
 * Where collectors hand over what they read. A collector (goroutines.ts, sockets.ts, ...) is thin: it
 * reads, the recorder stamps both clocks and keeps the bytes; what fails becomes a gap with its reason.
 */
import type { Capture, Gap, GapLine, Instant, Part, PartFormat } from "@plumbline/signals/capture";

/** The only clock of this room; tests give their own. */
export interface Clock {
	readonly now: () => Instant;
}

/** What is about to be read. */
export interface PartPlan {
	readonly name: string;
	readonly format: PartFormat;
	readonly sample: number;
	readonly source: string;
	/** For the gap, should reading fail: the line, and the thing's name for people. */
	readonly line: GapLine;
	readonly what: string;
	/** Of that gap. Default: a loss. */
	readonly weight?: Gap["weight"];
}

/** What reading gave: bytes, already redacted, and the reason if they are not all. */
export interface ReadBytes {
	readonly bytes: Uint8Array;
	readonly truncated?: string;
}

/** Collects parts and gaps of one capture. Collectors may run concurrently. */
export class Recorder {
	readonly #clock: Clock;
	readonly #parts: Part[] = [];
	readonly #gaps: Gap[] = [];

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	now(): Instant {
		return this.#clock.now();
	}

	/**
	 * Runs `read` between two clock stamps and keeps what it gives.
	 * A rejection becomes a gap whose `why` is the error's message, and answers undefined;
	 * an abort is passed on, since an interrupted capture is no capture.
	 */
	async record(plan: PartPlan, read: () => Promise<ReadBytes> | ReadBytes): Promise<Part | undefined> {
		const start = this.#clock.now();
		try {
			const { bytes, truncated } = await read();
			const { name, format, sample, source } = plan;
			const part: Part = {
				name,
				format,
				sample,
				source,
				start,
				end: this.#clock.now(),
				...(truncated === undefined ? {} : { truncated }),
				bytes,
			};
			this.#parts.push(part);
			return part;
		} catch (error) {
			if (error instanceof Error && error.name === "AbortError") throw error;
			const why = error instanceof Error ? error.message : String(error);
			this.gap({ line: plan.line, what: plan.what, why, weight: plan.weight ?? "loss" });
			return undefined;
		}
	}

	/** Keeps a gap; the same one is kept once. */
	gap(gap: Gap): void {
		const known = this.#gaps.some((g) => g.line === gap.line && g.what === gap.what && g.why === gap.why);
		if (!known) this.#gaps.push(gap);
	}

	/** What was collected, parts in the order of their start. */
	collected(): Pick<Capture, "parts" | "gaps"> {
		const parts = this.#parts.toSorted((a, b) => a.start.monoMs - b.start.monoMs);
		return { parts, gaps: [...this.#gaps] };
	}
}
