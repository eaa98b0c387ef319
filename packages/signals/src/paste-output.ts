/** Text being written, as bytes: in blocks, so that a long piece is copied once. */

const BLOCK_CHARS = 65_536;

export class Output {
	readonly #encoder = new TextEncoder();
	#blocks: Uint8Array[] = [];
	#pending: string[] = [];
	#chars = 0;
	#bytes = 0;

	line(text: string): void {
		this.#pending.push(text, "\n");
		this.#chars += text.length + 1;
		if (this.#chars >= BLOCK_CHARS) this.#flush();
	}

	/** A last line whose end is not known to have come. */
	end(text: string): void {
		this.#pending.push(text);
		this.#chars += text.length;
	}

	/** All that was written; the output is empty afterwards. */
	take(): Uint8Array {
		this.#flush();
		const all = new Uint8Array(this.#bytes);
		let at = 0;
		for (const block of this.#blocks) {
			all.set(block, at);
			at += block.length;
		}
		this.#blocks = [];
		this.#bytes = 0;
		return all;
	}

	#flush(): void {
		if (this.#chars === 0) return;
		const block = this.#encoder.encode(this.#pending.join(""));
		this.#blocks.push(block);
		this.#bytes += block.length;
		this.#pending = [];
		this.#chars = 0;
	}
}
