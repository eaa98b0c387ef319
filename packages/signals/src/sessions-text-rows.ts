/** Rows of a table whose columns a separator divides: pieces of lines to cells, cells to records. */
import { statementColumn } from "./sessions-text-columns.ts";
import { type Piece, type TextLine, trimmed, writtenIn } from "./sessions-text-lines.ts";
import type { Cell, TextRecord } from "./sessions-text-record.ts";

/** Records kept of one table, and lines of one statement. */
export const RECORDS_MAX = 200_000;
export const STATEMENT_LINES_MAX = 2000;

/** A cell as it grows. */
export interface Growing {
	readonly pieces: Piece[];
	readonly joints: string[];
	/** Quotes in it are doubled. */
	readonly quoted?: true;
}

export function growing(piece: Piece): Growing {
	return { pieces: [piece], joints: [] };
}

export function grow(cell: Growing | undefined, piece: Piece, joint: string): void {
	if (cell === undefined || cell.pieces.length >= STATEMENT_LINES_MAX) return;
	cell.pieces.push(piece);
	cell.joints.push(joint);
}

function grownCell({ pieces, joints, quoted }: Growing): Cell {
	const text = pieces
		.map((piece, i) => `${i === 0 ? "" : (joints[i - 1] ?? "")}${writtenIn(piece)}`)
		.join("");
	return { value: (quoted ? text.replaceAll('""', '"') : text).trim(), pieces, joints };
}

/** `columns.length` cells, the statement's taking what is too many; undefined when they are too few. */
export function fitted(pieces: readonly Piece[], columns: readonly string[]): Piece[] | undefined {
	const surplus = pieces.length - columns.length;
	if (surplus < 0) return undefined;
	if (surplus === 0) return [...pieces];
	const statement = statementColumn(columns);
	if (statement < 0) return undefined;
	const [first, last] = [pieces[statement], pieces[statement + surplus]];
	if (first === undefined || last === undefined || first.line !== last.line) return undefined;
	const { line, from } = first;
	const whole = { text: line.text.slice(from, last.from + last.text.length), line, from };
	return [...pieces.slice(0, statement), whole, ...pieces.slice(statement + surplus + 1)];
}

export function recordOf(columns: readonly string[], cells: readonly Growing[], line: TextLine): TextRecord {
	const named = new Map<string, Cell>();
	columns.forEach((name, i) => {
		const cell = cells[i];
		if (cell !== undefined && !named.has(name)) named.set(name, grownCell(cell));
	});
	return { cells: named, line };
}

/** Names as columns are asked for: in lower case, without blanks around. */
export function namesOf(pieces: readonly Piece[]): string[] {
	return pieces.map((piece) => trimmed(piece).text.toLowerCase());
}
