/**
 * The end of a batch for HTTP/2: node:http2 does not say where one read of the socket ends, so whoever was touched in
 * one turn of the event loop is told at its end, once.
 */
export interface Touchable {
	/** Kept by the batch. */
	touched: boolean;
	batchEnd(): void;
}

export class H2Batch {
	/** At most the streams of one connection. */
	#touched: Touchable[] = [];
	/** Counts whatever is of use, so that frames which are of none can be told from it. */
	work = 0;
	readonly #run = () => {
		const touched = this.#touched;
		this.#touched = [];
		for (const each of touched) {
			each.touched = false;
			each.batchEnd();
		}
	};

	touch(each: Touchable): void {
		this.work++;
		if (each.touched) return;
		each.touched = true;
		if (this.#touched.push(each) === 1) setImmediate(this.#run);
	}
}
