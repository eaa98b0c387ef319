/** A text made of rows out of pasted lines: rows are kept as they are, broken ones joined, all else left out. */
import type { RowKind } from "./paste-kinds.ts";
import { MENDED_BLANKS, MENDED_OTHER_TEXT, MENDED_TABS, MENDED_WRAPS, Notes } from "./paste-notes.ts";
import { Output } from "./paste-output.ts";
import { PIECES_MAX, type Piece } from "./paste-piece.ts";
import type { Opener, PastedLine, Section } from "./paste-section.ts";
import { Broken, joins, mendedOf } from "./paste-wrap.ts";

/** Names that are remembered of one text, to know when another begins. */
const NAMES_MAX = 100_000;
/** A row that was put together so far gets no longer. */
const JOINED_CHARS_MAX = 16_384;

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
		if (row === undefined) return false;
		const { last } = this.#broken;
		if (last?.full && this.#kind.whole !== true && this.#join(line)) return true;
		if (row.startsWith("\t") && (this.#continue(line) || this.#amend(row.slice(1), line))) return true;
		this.#dropBroken();
		this.#keep(row, line);
		return true;
	}

	stray(line: PastedLine): boolean {
		if (this.#join(line) || this.#continue(line)) return true;
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
			this.#broken.take(0);
			this.#held = { row: last.text, line: last };
		}
		this.#dropBroken();
		this.#endPiece();
		return this.#pieces;
	}

	#join(line: PastedLine): boolean {
		for (const { from, texts } of this.#broken.joinedWith(line)) {
			for (const text of texts) {
				const row = this.#kind.row(text);
				// A row behind something else is another row than the broken one.
				if (row === undefined || (this.#kind.whole === true && row !== text)) continue;
				const { before, parts } = this.#broken.take(from);
				this.#leaveOut(before);
				const mended = mendedOf(parts) | line.mended | MENDED_WRAPS;
				this.#keep(row, { ...line, text, mended, at: parts[0]?.at ?? line.at, blankBefore: false });
				return true;
			}
		}
		return false;
	}

	#continue(line: PastedLine): boolean {
		const held = this.#held;
		if (held === undefined || this.#broken.parts.length > 0) return false;
		const ends = this.#kind.ends?.(held.row, line.text);
		if (ends !== true && (this.#kind.whole === true || !held.line.full)) return false;
		if (held.row.length > JOINED_CHARS_MAX) return false;
		for (const text of joins([held.line, line])) {
			const row = this.#kind.row(text);
			if (row === undefined) continue;
			this.#notes.mended(line.mended | MENDED_WRAPS);
			this.#held = { row, line: { ...line, text } };
			return true;
		}
		return false;
	}

	/** Details of a row that stand below it, in its own line. */
	#amend(details: string, line: PastedLine): boolean {
		const held = this.#held;
		if (held === undefined || held.row.length > JOINED_CHARS_MAX) return false;
		if (this.#kind.once?.(held.row) !== undefined) return false;
		this.#dropBroken();
		this.#held = { row: `${held.row} ${details}`, line };
		this.#notes.mended(line.mended);
		return true;
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
		this.#leaveOut(this.#broken.take(0).parts);
	}

	#leaveOut(lines: readonly PastedLine[]): void {
		for (const { text } of lines) {
			this.#notes.mended(MENDED_OTHER_TEXT);
			if (this.#kind.remains?.test(text)) {
				this.#notes.lost("{n} lines that look like parts of rows could not be read");
			}
		}
	}

	#endPiece(): void {
		this.#write();
		if (this.#rows === 0) return;
		if (this.#pieces.length < PIECES_MAX)
			this.#pieces.push({
				format: this.#kind.format,
				bytes: this.#output.take(),
				atByte: this.#atByte,
				repairs: this.#notes.repairs(),
				losses: this.#notes.losses(),
				leftOut: this.#notes.leftOut(),
			});
		this.#notes = new Notes();
		this.#names = new Set();
		this.#rows = 0;
	}
}
