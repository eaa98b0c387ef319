/** The columns of a goroutine table while it grows, and the one way they grow: by doubling. */

type Column = Float64Array | Uint32Array | Int32Array | Uint16Array | Uint8Array;

/** A copy of twice the size, the new half zero. */
export function doubled<T extends Column>(column: T): T {
	const Kind = column.constructor as new (length: number) => T;
	const larger = new Kind(column.length * 2);
	larger.set(column);
	return larger;
}

const ROWS_AT_START = 256;
/**
 * A goroutine of a real dump takes 700 bytes to 2 kB. Columns that begin as long as they will be leave no halves
 * behind; what is not used of them takes no memory, since no page of it is touched.
 */
const BYTES_PER_ROW_GUESS = 1024;

/** One row a goroutine. Fields not set stay 0, which is each column's "absent". */
export class GoroutineColumns {
	count = 0;
	goid: Float64Array<ArrayBuffer>;
	stackOf: Uint32Array<ArrayBuffer>;
	stateOf: Uint16Array<ArrayBuffer>;
	minutes: Uint32Array<ArrayBuffer>;
	flags: Uint8Array<ArrayBuffer>;
	creatorGoid: Float64Array<ArrayBuffer>;
	labelsOf: Uint32Array<ArrayBuffer>;
	offset: Float64Array<ArrayBuffer>;

	/** Of a dump of so many bytes. */
	constructor(bytes: number) {
		const rows = Math.max(ROWS_AT_START, Math.ceil(bytes / BYTES_PER_ROW_GUESS));
		this.goid = new Float64Array(rows);
		this.stackOf = new Uint32Array(rows);
		this.stateOf = new Uint16Array(rows);
		this.minutes = new Uint32Array(rows);
		this.flags = new Uint8Array(rows);
		this.creatorGoid = new Float64Array(rows);
		this.labelsOf = new Uint32Array(rows);
		this.offset = new Float64Array(rows);
	}

	/** Makes room for one more goroutine and returns its row. */
	add(): number {
		if (this.count === this.goid.length) this.#grow();
		return this.count++;
	}

	/** The columns cut to the rows in use; a view, so nothing is copied. */
	trimmed() {
		const { count } = this;
		return {
			count,
			goid: this.goid.subarray(0, count),
			stackOf: this.stackOf.subarray(0, count),
			stateOf: this.stateOf.subarray(0, count),
			minutes: this.minutes.subarray(0, count),
			flags: this.flags.subarray(0, count),
			creatorGoid: this.creatorGoid.subarray(0, count),
			labelsOf: this.labelsOf.subarray(0, count),
			offset: this.offset.subarray(0, count),
		};
	}

	#grow(): void {
		this.goid = doubled(this.goid);
		this.stackOf = doubled(this.stackOf);
		this.stateOf = doubled(this.stateOf);
		this.minutes = doubled(this.minutes);
		this.flags = doubled(this.flags);
		this.creatorGoid = doubled(this.creatorGoid);
		this.labelsOf = doubled(this.labelsOf);
		this.offset = doubled(this.offset);
	}
}
