/** A text made of rows out of pasted lines: rows are kept as they are, broken ones joined, all else left out. */
import type { RowKind } from "./paste-kinds.ts";
import { MENDED_BLANKS, MENDED_OTHER_TEXT, MENDED_TABS, MENDED_WRAPS, Notes } from "./paste-notes.ts";
import { Output } from "./paste-output.ts";
import type { Piece } from "./paste-piece.ts";
import type { Opener, PastedLine, Section } from "./paste-section.ts";
import { Broken, joins } from "./paste-wrap.ts";

/** Names that are remembered of one text, to know when another begins. */
const NAMES_MAX = 100_000;

export function rowOpener(kind: RowKind): Opener {
	return { opens: kind.opens, find: kind.find, open: () => new RowSection(kind) };
}

class RowSection implements Section {
	readonly #kind: RowKind;
	readonly #pieces: Piece[] = [];
	readonly #output = new Output();
	readonly #broken = new Broken();
	#notes = new Notes();
	#names = new Set<string>();
	/** The last row: its end may still come. */
	#held: { readonly row: string; readonly line: PastedLine } | undefined;
	#rows = 0;
	#atByte = 0;

	constructor(kind: RowKind) {
		this.#kind = kind;
	}

	take(line: PastedLine): boolean {
		const row = this.#kind.row(line.text);
		if (this.#join(line, row)) return true;
		if (row === undefined) return this.#continue(line);
		this.#dropBroken();
		this.#keep(row, line);
		return true;
	}

	stray(line: PastedLine): boolean {
		if (!this.#broken.add(line)) {
			this.#dropBroken();
			this.#broken.add(line);
		}
		return true;
	}

	empty(): void {}

	close(): readonly Piece[] {
		// What the input's end cuts is for the decoder to tell.
		const { last, parts } = this.#broken;
		if (last?.last && parts.length === 1) {
			this.#write();
			this.#broken.clear();
			this.#held = { row: last.text, line: last };
		}
		this.#dropBroken();
		this.#endPiece();
		return this.#pieces;
	}

	#join(line: PastedLine, alone: string | undefined): boolean {
		const { last, first } = this.#broken;
		if (last === undefined || first === undefined || (alone !== undefined && !last.full)) return false;
		for (const text of this.#broken.joinedWith(line)) {
			const row = this.#kind.row(text);
			if (row === undefined) continue;
			const mended = this.#broken.mended() | line.mended | MENDED_WRAPS;
			this.#broken.clear();
			this.#keep(row, { ...line, text, mended, at: first.at, blankBefore: false });
			return true;
		}
		return false;
	}

	#continue(line: PastedLine): boolean {
		const held = this.#held;
		if (held === undefined || this.#broken.parts.length > 0) return false;
		if (!held.line.full && !this.#kind.ends?.(held.row, line.text)) return false;
		for (const text of joins([held.line, line])) {
			const row = this.#kind.row(text);
			if (row === undefined) continue;
			this.#notes.mended(line.mended | MENDED_WRAPS);
			this.#held = { row, line: { ...line, text } };
			return true;
		}
		return false;
	}

	#keep(row: string, line: PastedLine): void {
		this.#write();
		const name = this.#kind.once?.(row);
		if (name !== undefined) {
			if (this.#names.has(name)) this.#endPiece();
			if (this.#names.size < NAMES_MAX) this.#names.add(name);
		}
		if (this.#rows++ === 0) this.#atByte = line.at;
		const indented = line.blankBefore && !row.startsWith("\t");
		const tabs = row !== line.text && !row.startsWith("\t") && row.startsWith("#\t") ? MENDED_TABS : 0;
		this.#notes.mended(line.mended | (indented || line.blankAfter ? MENDED_BLANKS : 0) | tabs);
		this.#held = { row, line };
	}

	#write(): void {
		if (this.#held === undefined) return;
		const { row, line } = this.#held;
		this.#held = undefined;
		if (this.#kind.apart?.(row) === true) this.#output.line("");
		if (line.last) this.#output.end(row);
		else this.#output.line(row);
	}

	#dropBroken(): void {
		for (let i = 0; i < this.#broken.parts.length; i++) this.#notes.mended(MENDED_OTHER_TEXT);
		this.#broken.clear();
	}

	#endPiece(): void {
		this.#write();
		if (this.#rows === 0) return;
		this.#pieces.push({
			format: this.#kind.format,
			bytes: this.#output.take(),
			atByte: this.#atByte,
			repairs: this.#notes.repairs(),
			losses: this.#notes.losses(),
		});
		this.#notes = new Notes();
		this.#names = new Set();
		this.#rows = 0;
	}
}
