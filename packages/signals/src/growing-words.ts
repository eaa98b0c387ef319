/** A list of unsigned 32-bit numbers that grows as it is filled. */
export class GrowingWords {
	#words = new Uint32Array(64);
	#length = 0;

	get length(): number {
		return this.#length;
	}

	push(word: number): void {
		if (this.#length === this.#words.length) {
			const grown = new Uint32Array(this.#length * 2);
			grown.set(this.#words);
			this.#words = grown;
		}
		this.#words[this.#length++] = word;
	}

	/** 0 beyond the end. */
	at(index: number): number {
		return index < this.#length ? (this.#words[index] ?? 0) : 0;
	}

	/** The words so far, without copying. */
	words(): Uint32Array {
		return this.#words.subarray(0, this.#length);
	}
}
