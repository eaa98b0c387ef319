/** What the readers of session tables in text make: records of named cells that know where they were written. */
import type { Piece, TextLine } from "./sessions-text-lines.ts";

/** One value: its pieces line by line, as written, and what they say together. */
export interface Cell {
	readonly value: string;
	readonly pieces: readonly Piece[];
	/** Between the pieces: a line end, or nothing where the client broke the line. */
	readonly joints: readonly string[];
}

export interface TextRecord {
	/** By the column's name in lower case. */
	readonly cells: ReadonlyMap<string, Cell>;
	readonly line: TextLine;
}

/** What a reader of one form made of the lines from where it was asked to look. */
export interface TextTable {
	readonly columns: readonly string[];
	readonly records: readonly TextRecord[];
	/** The first line behind the table. */
	readonly next: number;
	/** Index of its first line. */
	readonly at: number;
	/** The last record ends on a line that has no end of its own. */
	readonly open: boolean;
	/** Where a row begins that lacks columns. */
	readonly lost?: TextLine;
}
