/**
 * Counts of what happened in the last `windowMs`, in a ring of buckets.
 *
 *     bucket     14   15   16   17   18        now is in bucket 18; with 5 buckets, 13 has just been forgotten
 *     column 0    3    0    9    2    1   → total 15
 *     column 1    1    0    4    0    0   → total  5
 *
 * A whole bucket is forgotten at once, so the window is between `windowMs - bucketMs` and `windowMs` long. Adding and
 * reading cost the same however much happened. Time that goes backwards counts as standing still.
 */

/** Of one ring: more would make forgetting after a pause dear. */
export const BUCKETS_MAX = 1000;

export class SlidingCounts {
	readonly #columns: number;
	readonly #buckets: number;
	readonly bucketMs: number;
	readonly #counts: Float64Array;
	readonly #totals: Float64Array;
	/** Number of the newest bucket since time 0. */
	#newest: number;
	/** Where the newest lies in the ring. */
	#at = 0;

	constructor(columns: number, windowMs: number, buckets: number, nowMs: number) {
		this.#columns = columns;
		this.#buckets = buckets;
		this.bucketMs = windowMs / buckets;
		this.#counts = new Float64Array(buckets * columns);
		this.#totals = new Float64Array(columns);
		this.#newest = Math.floor(nowMs / this.bucketMs);
	}

	/** Forgets what is too old at `nowMs`. Call it before `add` and `total`. */
	moveTo(nowMs: number): void {
		const bucket = Math.floor(nowMs / this.bucketMs);
		if (!(bucket > this.#newest)) return;
		const steps = Math.min(bucket - this.#newest, this.#buckets);
		this.#newest = bucket;
		for (let step = 0; step < steps; step++) {
			this.#at = this.#at + 1 === this.#buckets ? 0 : this.#at + 1;
			for (let column = 0; column < this.#columns; column++) {
				const cell = this.#at * this.#columns + column;
				this.#totals[column] = (this.#totals[column] ?? 0) - (this.#counts[cell] ?? 0);
				this.#counts[cell] = 0;
			}
		}
	}

	/** Adds to the newest bucket, or to one that is `bucketsAgo` older; what is older than the window is dropped. */
	add(column: number, count: number, bucketsAgo = 0): void {
		if (bucketsAgo >= this.#buckets) return;
		const bucket = this.#at - bucketsAgo;
		const cell = (bucket < 0 ? bucket + this.#buckets : bucket) * this.#columns + column;
		this.#counts[cell] = (this.#counts[cell] ?? 0) + count;
		this.#totals[column] = (this.#totals[column] ?? 0) + count;
	}

	total(column: number): number {
		return this.#totals[column] ?? 0;
	}

	/** A row of counts a bucket, the newest first. */
	rows(): number[][] {
		return Array.from({ length: this.#buckets }, (_, ago) => {
			const bucket = (this.#at - ago + this.#buckets) % this.#buckets;
			return Array.from(this.#counts.subarray(bucket * this.#columns, (bucket + 1) * this.#columns));
		});
	}
}
