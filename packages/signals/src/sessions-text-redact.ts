/**
 * Takes the data out of the statements of pasted sessions before the text becomes part of a capture. Not a
 * byte moves, so offsets and columns stay what they were, and the text decodes to the same sessions.
 *
 *     update orders set email = 'anna@example.com' where id = 17 -- for anna
 *     update orders set email = '****************' where id = 00 --*********
 *
 * Where a row could not be read, everything behind it is treated as one statement.
 */

import { sessionTables } from "./sessions-text.ts";
import { engineOf } from "./sessions-text-columns.ts";
import { type Piece, pieceOf, type TextLine } from "./sessions-text-lines.ts";
import { dataSpans, type SqlDialect } from "./sql.ts";

const STATEMENTS = /^(?:query|current_query|info|info_binary|trx_query)$/;
const STAR = 0x2a;
const ZERO = 0x30;
const QUOTES = /["'$`]/;

/** The same bytes without the data; unchanged where there is no table of sessions. */
export function redactSessionsText(bytes: Uint8Array): Uint8Array {
	const { lines, tables, until } = sessionTables(bytes);
	if (tables.length === 0) return bytes;
	const out = Uint8Array.from(bytes);
	for (const [i, table] of tables.entries()) {
		const dialect: SqlDialect = { engine: engineOf(table.columns) ?? "postgres" };
		const seen = new Set<TextLine>();
		for (const { cells, line } of table.records) {
			seen.add(line);
			for (const [name, { pieces, joints }] of cells) {
				for (const piece of pieces) seen.add(piece.line);
				if (STATEMENTS.test(name)) mask(out, pieces, joints, dialect);
			}
		}
		blankUnseen(out, lines.slice(table.at, table.next), seen);
		if (table.lost !== undefined) {
			const next = tables[i + 1];
			const end = next === undefined ? lines.length : next.at;
			const lost = lines.slice(lines.indexOf(table.lost), end);
			const pieces = lost.map((line) => pieceOf(line, 0));
			const joints = pieces.slice(1).map(() => "\n");
			mask(out, pieces, joints, dialect);
		}
	}
	out.fill(STAR, until);
	return out;
}

/** Lines among the rows that are in no record: of statements without end, or of more rows than are kept. */
function blankUnseen(out: Uint8Array, lines: readonly TextLine[], seen: ReadonlySet<TextLine>): void {
	const first = lines.findIndex((line) => seen.has(line));
	if (first < 0) return;
	for (const line of lines.slice(first)) {
		if (seen.has(line) || !/\w/.test(line.text)) continue;
		for (let k = 0; k < line.text.length; k++) {
			if (!FRAME.test(line.text[k] ?? "")) out[line.start + k] = STAR;
		}
	}
}

const FRAME = /[\s|+-]/;

function mask(
	out: Uint8Array,
	pieces: readonly Piece[],
	joints: readonly string[],
	dialect: SqlDialect,
): void {
	let text = "";
	const places: number[] = [];
	for (const [i, piece] of pieces.entries()) {
		const joint = i === 0 ? "" : (joints[i - 1] ?? "");
		for (let k = 0; k < joint.length; k++) places.push(-1);
		for (let k = 0; k < piece.text.length; k++) places.push(piece.line.start + piece.from + k);
		text += joint + piece.text;
	}
	for (const { from, to } of dataSpans(text, dialect)) {
		const [open, close] = kept(text.slice(from, to));
		const filler = /\d/.test(text[from] ?? "") || text[from] === "." ? ZERO : STAR;
		for (let at = from + open; at < to - close; at++) {
			const place = places[at];
			if (place !== undefined && place >= 0) out[place] = filler;
		}
	}
}

/** Characters at the beginning and the end of a token that tell what it is, and nothing else. */
function kept(token: string): [number, number] {
	if (token.startsWith("--")) return [2, 0];
	if (token.startsWith("#")) return [1, 0];
	if (token.startsWith("/*")) return [2, token.endsWith("*/") && token.length >= 4 ? 2 : 0];
	const tag = /^\$\w*\$/.exec(token)?.[0].length ?? 0;
	if (tag > 0) return [tag, token.length >= 2 * tag && token.endsWith(token.slice(0, tag)) ? tag : 0];
	const quote = token.search(QUOTES);
	if (quote < 0) return [0, 0];
	const closes = token.length > quote + 1 && token.endsWith(token[quote] ?? "");
	return [quote + 1, closes ? 1 : 0];
}
