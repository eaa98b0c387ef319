/**
 * The memory a socket to an upstream is read into: the same for read after read, as long as nobody keeps what came. Node
 * makes 64 KiB and an ArrayBuffer for every read otherwise, and what that costs most is the collector.
 *
 *   lent ─ read ─▶ head parsed, small pieces copied, large ones given and written ─┬─ all in the kernel ─▶ lent again
 *                                                                                  └─ somebody keeps some of it ─▶
 *                                                                           given away; the next read gets new memory
 *
 * Memory that no read has touched is not resident.
 */
const READ_BYTES = 64 * 1024;
/** Larger pieces are given as they are. */
const COPIED_BYTES_MAX = 8 * 1024;

/** Reads do not nest. */
let lending: ReadMemory | undefined;

/** The kernel has all of what was given: whoever owned it has no more use for it. */
export function isOut(bytes: Uint8Array): void {
	lending?.getBack(bytes);
}

export class ReadMemory {
	#bytes = Buffer.allocUnsafeSlow(READ_BYTES);
	/** The socket has not been told yet. */
	#isNew = true;
	#given: Buffer | undefined = undefined;
	#isKept = false;

	/** Of `onread`: where to read next; undefined is the same place again. */
	readonly next = (): Buffer | undefined => {
		if (!this.#isNew) return undefined;
		this.#isNew = false;
		return this.#bytes;
	};

	/** What a read has brought, on loan until `settle`. */
	lend(length: number): Buffer {
		lending = this;
		return this.#bytes.subarray(0, length);
	}

	/** A piece of it, made the receiver's own. */
	owned(lent: Buffer): Buffer {
		if (lent.length <= COPIED_BYTES_MAX) return Buffer.from(lent);
		if (this.#given !== undefined) this.#isKept = true;
		this.#given = lent;
		return lent;
	}

	getBack(bytes: Uint8Array): void {
		if (bytes === this.#given) this.#given = undefined;
	}

	/** `isKept`: somebody still looks at it. */
	settle(isKept: boolean): void {
		lending = undefined;
		if (isKept || this.#isKept || this.#given !== undefined) {
			this.#bytes = Buffer.allocUnsafeSlow(READ_BYTES);
			this.#isNew = true;
		}
		this.#given = undefined;
		this.#isKept = false;
	}
}
