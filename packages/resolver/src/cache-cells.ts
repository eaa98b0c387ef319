/**
 * Bytes of any length in cells of one size, chained: what is freed fits whatever comes next, so a cache that turns over
 * for months does not crumble, and its size is known to the byte.
 *
 *     page 0                         page 1
 *     ┌──────┬──────┬──────┬───      ┌──────┬───
 *     │ 64 B │ 64 B │ 64 B │ ...     │ 64 B │ ...      next: 2, end, 16384, ...
 *     └──────┴──────┴──────┴───      └──────┴───
 */
export const CELL_OCTETS = 64;
const CELLS_A_PAGE = 16_384;

interface Page {
	readonly octets: Buffer;
	/** Of each cell the one that follows in its chain, or in the list of free ones. */
	readonly next: Int32Array;
}

const END = -1;

export class CellStore {
	readonly #pages: Page[] = [];
	#free = END;
	#used = 0;

	/** Cells in use. */
	get used(): number {
		return this.#used;
	}

	/** Answers where it begins. */
	write(bytes: Uint8Array): number {
		let first = END;
		// From the end to the start, so that every cell knows its next one when it is written.
		for (let from = lastCellOf(bytes.length); from >= 0; from -= CELL_OCTETS) {
			const cell = this.#take();
			const page = this.#pageOf(cell);
			const at = (cell % CELLS_A_PAGE) * CELL_OCTETS;
			page.octets.set(bytes.subarray(from, from + CELL_OCTETS), at);
			page.next[cell % CELLS_A_PAGE] = first;
			first = cell;
		}
		return first;
	}

	read(first: number, length: number): Uint8Array {
		const out = new Uint8Array(length);
		let cell = first;
		for (let from = 0; from < length; from += CELL_OCTETS) {
			const page = this.#pageOf(cell);
			const at = (cell % CELLS_A_PAGE) * CELL_OCTETS;
			// Without a view of them, which would cost more than the octets.
			page.octets.copy(out, from, at, at + Math.min(CELL_OCTETS, length - from));
			cell = page.next[cell % CELLS_A_PAGE] ?? END;
		}
		return out;
	}

	free(first: number): void {
		for (let cell = first; cell !== END; ) {
			const { next } = this.#pageOf(cell);
			const following = next[cell % CELLS_A_PAGE] ?? END;
			next[cell % CELLS_A_PAGE] = this.#free;
			this.#free = cell;
			this.#used--;
			cell = following;
		}
	}

	#take(): number {
		if (this.#free === END) this.#addPage();
		const cell = this.#free;
		this.#free = this.#pageOf(cell).next[cell % CELLS_A_PAGE] ?? END;
		this.#used++;
		return cell;
	}

	#addPage(): void {
		const start = this.#pages.length * CELLS_A_PAGE;
		const next = new Int32Array(CELLS_A_PAGE);
		for (let i = 0; i < CELLS_A_PAGE; i++) next[i] = start + i + 1;
		next[CELLS_A_PAGE - 1] = END;
		this.#pages.push({ octets: Buffer.alloc(CELLS_A_PAGE * CELL_OCTETS), next });
		this.#free = start;
	}

	#pageOf(cell: number): Page {
		const page = this.#pages[Math.floor(cell / CELLS_A_PAGE)];
		if (page === undefined) throw new Error(`no cell ${cell}: there are ${this.#pages.length} pages`);
		return page;
	}
}

/** The offset of the last cell; one cell at least, so that all that is stored has a first one. */
function lastCellOf(length: number): number {
	return Math.max(0, Math.ceil(length / CELL_OCTETS) - 1) * CELL_OCTETS;
}
