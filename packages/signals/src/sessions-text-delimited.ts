/**
 * Tables whose columns a single character divides, below a line of names: `psql -A`, `--csv`, `mysql -B`,
 * and what other tools export.
 *
 *     pid|state|query|backend_type
 *     9878|idle in transaction|update orders
 *      where id = 1|client backend
 *     pid,state,query                     9879,active,"update orders set email = 'a,b' where name = ""x"""
 *
 * Quotes follow RFC 4180. Without them a row goes on until it has all its columns; lines behind the last
 * column belong to a statement that stands last.
 */
import { engineOf, statementColumn } from "./sessions-text-columns.ts";
import { pieceOf, splitLine, type TextLine } from "./sessions-text-lines.ts";
import type { TextRecord, TextTable } from "./sessions-text-record.ts";
import {
	fitted,
	type Growing,
	grow,
	growing,
	RECORDS_MAX,
	recordOf,
	STATEMENT_LINES_MAX,
} from "./sessions-text-rows.ts";

const SEPARATORS = ["|", ",", "\t", ";"] as const;
const FOOTER = /^\s*\(\d+ [^)]{1,30}\)\s*$|^\d+ rows? in set\b/;
const NAME = /^"?[?\w(). $-]{1,64}"?$/;

const HEADER_CHARS_MAX = 10_000;
/** One of these is in every header (sessions-text-columns.ts). */
const TELLING = /pid|command|info|usename|client_addr|_start|state_change|wait_event|backend_|query|trx_/i;

interface Form {
	readonly separator: string;
	readonly columns: readonly string[];
}

export function readDelimited(lines: readonly TextLine[], at: number): TextTable | undefined {
	const form = formOf(lines[at]);
	if (form === undefined) return undefined;
	const { columns } = form;
	const records: TextRecord[] = [];
	let i = at + 1;
	let lost: TextLine | undefined;
	while (i < lines.length) {
		const line = lines[i];
		if (line === undefined || FOOTER.test(line.text) || line.text.trim() === "") break;
		const row = rowAt(lines, i, form);
		if (row === undefined) {
			if (line.text.includes(form.separator) || !line.complete) lost = line;
			break;
		}
		if (records.length < RECORDS_MAX) records.push(recordOf(columns, row.cells, line));
		i = row.last + 1;
	}
	const open = lost === undefined && lines[i - 1]?.complete === false;
	return { columns, records, next: i, at, open, ...(lost === undefined ? {} : { lost }) };
}

function formOf(line: TextLine | undefined): Form | undefined {
	if (line === undefined || line.text.length > HEADER_CHARS_MAX || !TELLING.test(line.text)) return undefined;
	for (const separator of SEPARATORS) {
		const names = line.text.split(separator).map((name) => name.trim());
		if (names.length < 2 || !names.every((name) => NAME.test(name))) continue;
		const columns = names.map((name) => name.replaceAll('"', "").toLowerCase());
		if (engineOf(columns) !== undefined) return { separator, columns };
	}
	return undefined;
}

interface Row {
	readonly cells: Growing[];
	readonly last: number;
}

function rowAt(lines: readonly TextLine[], at: number, form: Form): Row | undefined {
	const { columns, separator } = form;
	const first = lines[at];
	if (first === undefined) return undefined;
	if (separator !== "|" && first.text.includes('"')) return quotedRow(lines, at, form);
	const statement = statementColumn(columns);
	const behind = columns.length - statement - 1;
	const start = splitLine(first, separator);
	// mysql -B writes line ends as \n; and a row that has exactly its columns is whole.
	const isOneLine = statement < 0 || separator === "\t" || (behind > 0 && start.length === columns.length);
	const end = isOneLine ? at : lastLineOfRow(lines, at, form, statement);
	if (end === at) {
		const whole = fitted(start, columns);
		return whole === undefined ? undefined : { cells: whole.map(growing), last: at };
	}
	const begun = start[statement];
	const final = lines[end];
	if (begun === undefined || final === undefined) return undefined;
	const text = growing(pieceOf(first, begun.from));
	for (const line of lines.slice(at + 1, end)) grow(text, pieceOf(line, 0), "\n");
	const rest = behind === 0 ? [] : splitLine(final, separator).slice(-behind);
	grow(text, pieceOf(final, 0, (rest[0]?.from ?? final.text.length + 1) - 1), "\n");
	return { cells: [...start.slice(0, statement).map(growing), text, ...rest.map(growing)], last: end };
}

/**
 * A statement brings line ends of its own, and separators: the row reaches to the last line before the next row
 * that has the columns behind the statement.
 */
function lastLineOfRow(
	lines: readonly TextLine[],
	at: number,
	{ columns, separator }: Form,
	statement: number,
): number {
	const id = columns.findIndex((name) => /^(?:pid|procpid|id)$/.test(name));
	const behind = columns.length - statement - 1;
	let last = at;
	for (let i = at + 1; i < lines.length && i < at + STATEMENT_LINES_MAX; i++) {
		const line = lines[i];
		if (line === undefined || !line.complete || FOOTER.test(line.text)) break;
		const pieces = splitLine(line, separator);
		const begins = pieces.length > statement && (id < 0 || /^\s*\d+\s*$/.test(pieces[id]?.text ?? ""));
		if (begins) break;
		if (behind === 0 ? line.text.trim() !== "" : pieces.length > behind) last = i;
	}
	return last;
}

/** A row with quoted cells, which may hold separators and line ends. */
function quotedRow(lines: readonly TextLine[], at: number, { separator, columns }: Form): Row | undefined {
	const cells: Growing[] = [];
	let open: Growing | undefined;
	for (let i = at; i < lines.length && i < at + STATEMENT_LINES_MAX; i++) {
		const line = lines[i];
		if (line === undefined) break;
		let from = 0;
		if (open !== undefined) {
			const end = quoteEnd(line.text, 0);
			grow(open, pieceOf(line, 0, end ?? line.text.length), "\n");
			if (end === undefined) continue;
			open = undefined;
			from = end + 1 + separator.length;
			if (end + 1 >= line.text.length) return rowOf(cells, columns, i);
		}
		while (from <= line.text.length) {
			const quoted = line.text[from] === '"';
			const end = quoted ? quoteEnd(line.text, from + 1) : indexOrEnd(line.text, separator, from);
			const cell = growing(pieceOf(line, quoted ? from + 1 : from, end ?? line.text.length));
			cells.push(cell);
			if (end === undefined) {
				open = cell;
				break;
			}
			from = end + (quoted ? 1 : 0) + separator.length;
		}
		if (open === undefined) return rowOf(cells, columns, i);
	}
	return undefined;
}

function rowOf(cells: Growing[], columns: readonly string[], last: number): Row | undefined {
	return cells.length >= columns.length
		? { cells: cells.map((cell) => ({ ...cell, quoted: true })), last }
		: undefined;
}

function indexOrEnd(text: string, what: string, from: number): number {
	const at = text.indexOf(what, from);
	return at < 0 ? text.length : at;
}

/** Where the quote closes; a doubled one does not. */
function quoteEnd(text: string, from: number): number | undefined {
	for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 2)) {
		if (text[at + 1] !== '"') return at;
	}
	return undefined;
}
