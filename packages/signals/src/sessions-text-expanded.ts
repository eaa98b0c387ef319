/**
 * One value a line, one block a row: psql's \x and mysql's \G.
 *
 *     -[ RECORD 2 ]----+---------------        *************************** 2. row ***************************
 *     pid              | 9878                        Id: 5
 *     query            | update orders    +        Info: update o set e='x
 *                      |  where id = 1               and so' where id=1
 *
 * The word RECORD is translated. With border 2 a `|` stands at both ends. Keys of mysql end in one column.
 */
import { engineOf, statementColumn } from "./sessions-text-columns.ts";
import { type Piece, pieceOf, type TextLine, trimmed } from "./sessions-text-lines.ts";
import type { TextRecord, TextTable } from "./sessions-text-record.ts";
import { type Growing, grow, growing, RECORDS_MAX, recordOf } from "./sessions-text-rows.ts";

const PSQL_MARK = /^[-+\s]*\[ [^\]\d]{1,40} \d+ \][-+\s]*$/;
const MYSQL_MARK = /^\*{5,} \d+\. row \*{5,}\s*$/;
const KEY_CHARS_MAX = 64;

export function readExpanded(lines: readonly TextLine[], at: number): TextTable | undefined {
	const mark = [PSQL_MARK, MYSQL_MARK].find((pattern) => pattern.test(lines[at]?.text ?? ""));
	if (mark === undefined) return undefined;
	const records: TextRecord[] = [];
	let columns: readonly string[] = [];
	let i = at;
	while (i < lines.length && mark.test(lines[i]?.text ?? "")) {
		const block = mark === PSQL_MARK ? psqlBlock(lines, i + 1) : mysqlBlock(lines, i + 1);
		const names = [...block.cells.keys()];
		const line = lines[i];
		if (names.length > columns.length) columns = names;
		if (names.length > 0 && line !== undefined && records.length < RECORDS_MAX)
			records.push(recordOf(names, [...block.cells.values()], line));
		i = block.next;
	}
	if (engineOf(columns) === undefined) return undefined;
	const open = lines[i - 1]?.complete === false;
	const last = records.at(-1);
	// A block whose end is cut off; of a single one only the statement, which stands last, tells that it is whole.
	const alone = records.length === 1 && i === lines.length && statementColumn(columns) < 0;
	if (last === undefined || (last.cells.size >= columns.length && !alone))
		return { columns, records, next: i, at, open };
	return { columns, records: records.slice(0, -1), next: i, at, open: false, lost: last.line };
}

interface Block {
	readonly cells: ReadonlyMap<string, Growing>;
	readonly next: number;
}

function psqlBlock(lines: readonly TextLine[], from: number): Block {
	const cells = new Map<string, Growing>();
	let last: Growing | undefined;
	let i = from;
	for (; i < lines.length; i++) {
		const line = lines[i];
		if (line === undefined || PSQL_MARK.test(line.text)) break;
		const open = line.text.startsWith("|") ? 1 : 0;
		const bar = line.text.indexOf("|", open);
		if (bar < 0) break;
		const key = line.text.slice(open, bar).trim().toLowerCase();
		const closed = open === 1 && line.text.endsWith("|") ? line.text.length - 1 : line.text.length;
		// One blank stands before the value.
		const value = pieceOf(line, Math.min(bar + 1 + line.padding, closed), closed);
		if (key === "") {
			const continued = /^(.*)\+\s?$/s.exec(last?.pieces.at(-1)?.text ?? "");
			if (last !== undefined && continued !== null) {
				last.pieces[last.pieces.length - 1] = withoutMark(last.pieces.at(-1) ?? value);
			}
			grow(last, value, "\n");
		} else if (key.length <= KEY_CHARS_MAX) {
			last = growing(value);
			cells.set(key, last);
		}
	}
	return { cells, next: i };
}

function withoutMark(piece: Piece): Piece {
	return { ...piece, text: piece.text.trimEnd().replace(/\s*\+$/, "") };
}

function mysqlBlock(lines: readonly TextLine[], from: number): Block {
	const cells = new Map<string, Growing>();
	const colon = lines[from]?.text.indexOf(":") ?? -1;
	let last: Growing | undefined;
	let i = from;
	for (; i < lines.length && colon > 0; i++) {
		const line = lines[i];
		if (line === undefined || MYSQL_MARK.test(line.text)) break;
		const key = line.text.slice(0, colon).trim();
		if (line.text[colon] === ":" && /^[\w() .*@+-]{1,64}$/.test(key)) {
			last = growing(trimmed(pieceOf(line, colon + 1)));
			cells.set(key.toLowerCase(), last);
		} else if (line.text.trim() === "" || /^\d+ rows? in set|^mysql>|^MariaDB \[/.test(line.text)) {
			break;
		} else if (line.complete) grow(last, pieceOf(line, 0), "\n");
	}
	return { cells, next: Math.max(i, from) };
}
