/**
 * Lists of sessions in pasted text: what psql and the mysql clients print, in any of their forms.
 *
 *     > pid  |        state        | query
 *     > -----+---------------------+-------------------------------
 *     > 9878 | idle in transaction | update orders set paid = true  +
 *     >      |                     |  where id = 1
 *
 * A statement goes over many lines and may look like anything, so these are not read line by line as other texts
 * are: the text as a whole is tried without each of the things it may have come in, until there is a table in
 * it. Only the lines of tables are kept.
 */
import {
	unescaped,
	withoutColours,
	withoutEntities,
	withoutOctal,
	withPlainBlanks,
} from "./paste-escapes.ts";
import { jsonTexts } from "./paste-json-line.ts";
import {
	MENDED_EMPTY_LINES,
	MENDED_ESCAPES,
	MENDED_JSON,
	MENDED_OCTAL,
	MENDED_PREFIX,
	MENDED_QUOTE_MARKS,
	MENDED_STRINGS,
	Notes,
} from "./paste-notes.ts";
import type { Piece } from "./paste-piece.ts";
import { learnPrefix } from "./paste-prefix.ts";
import { looksLikeSessionsText } from "./sessions-text.ts";
import { type TextLine, textLines } from "./sessions-text-lines.ts";
import { tableAt } from "./sessions-text-table.ts";

/** Of a text that is searched for lists of sessions; ten thousand sessions take less. */
const SESSIONS_BYTES_MAX = 16 << 20;
/** How many things are taken off, one after the other. */
const LAYERS_MAX = 3;
/** Names of columns, one of which every list has. */
const COLUMNS = /\b(?:pid|procpid|client_addr|xact_start|trx_mysql_thread_id|Command)\b/iu;
/** With a list of sessions begins: its frame, its first record, or its first column. */
const BEGINNING =
	/\+-{2,}[-+]*\+\s*$|[┌╔][─═┬╤╦]+|-\[ RECORD 1 \]|\*{5,} 1\. row|\b(?:datid|datname|pid|procpid|trx_id)\b[\s|,;]|\bId[\s|]+User\b/u;

export function sessionsPiece(bytes: Uint8Array): Piece | undefined {
	if (bytes.length > SESSIONS_BYTES_MAX) return undefined;
	let text = plainText(bytes);
	if (!COLUMNS.test(text)) return undefined;
	const notes = new Notes();
	let partly: Piece | undefined;
	for (let layer = 0; layer <= LAYERS_MAX; layer++) {
		const tables = tablesIn(new TextEncoder().encode(text));
		if (tables !== undefined) {
			const piece = {
				format: "sessions-text",
				...tables,
				atByte: 0,
				repairs: notes.repairs(),
				leftOut: 0,
			} as const;
			if (tables.losses.length === 0) return piece;
			partly ??= piece;
		}
		const next = LAYERS.map(([bit, off]) => [bit, off(text)] as const).find(
			([, inner]) => inner !== undefined,
		);
		if (next?.[1] === undefined) break;
		notes.mended(next[0]);
		text = next[1];
	}
	return partly;
}

function plainText(bytes: Uint8Array): string {
	const text = new TextDecoder().decode(bytes).replace(/\r\n?/gu, "\n");
	return withoutEntities(withPlainBlanks(text.includes("\u001b") ? withoutColours(text) : text));
}

/** The lines of tables alone; undefined where there are none. */
function tablesIn(
	bytes: Uint8Array,
): { readonly bytes: Uint8Array; readonly losses: readonly string[] } | undefined {
	if (!looksLikeSessionsText(new TextDecoder().decode(bytes))) return undefined;
	const lines = textLines(bytes);
	const kept: Uint8Array[] = [];
	let rows = 0;
	for (let at = 0; at < lines.length; ) {
		const table = tableAt(lines, at);
		if (table !== undefined) {
			kept.push(bytes.subarray(lines[table.at]?.start ?? 0, endOf(lines, table.next, bytes)));
			rows += table.records.length;
		}
		at = Math.max(table?.next ?? 0, at + 1);
	}
	const newline = new Uint8Array([0x0a]);
	const all = kept.flatMap((table, i) => (i === 0 ? [table] : [newline, table]));
	const out = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
	let size = 0;
	for (const table of all) {
		out.set(table, size);
		size += table.length;
	}
	const told = lines.reduce((sum, { text }) => sum + Number(ROWS.exec(text)?.slice(1).join("") ?? 0), 0);
	const losses = told > rows ? [`it says that it has ${told} rows, of which ${rows} could be read`] : [];
	return { bytes: out, losses };
}

/** How many rows a list says that it has. */
const ROWS = /\((\d{1,6}) rows?\)\s*$|^\s*(\d{1,6}) rows? in set\b/u;

/** Past the line that ends a table, `(3 rows)` with it. */
function endOf(lines: readonly TextLine[], next: number, bytes: Uint8Array): number {
	return lines[next]?.start ?? bytes.length;
}

/** Each gives the text without one thing it may have come in, undefined where it did not. */
const LAYERS: readonly (readonly [bit: number, off: (text: string) => string | undefined])[] = [
	[MENDED_EMPTY_LINES, withoutEmptyLines],
	[MENDED_JSON, withoutJson],
	[MENDED_QUOTE_MARKS, withoutMarks],
	[MENDED_PREFIX, withoutPrefix],
	[MENDED_STRINGS, withoutStrings],
	[MENDED_OCTAL, (text) => (/#01[12]/u.test(text) ? withoutOctal(text) : undefined)],
	[MENDED_ESCAPES, (text) => (/\\[nt]/u.test(text) ? unescaped(text) : undefined)],
];

/** Every other line is empty. */
function withoutEmptyLines(text: string): string | undefined {
	const lines = text.split("\n");
	const empty = lines.filter((line) => line.trim() === "").length;
	return empty < lines.length * 0.45 || lines.length < 4
		? undefined
		: lines.filter((line) => line.trim() !== "").join("\n");
}

function withoutJson(text: string): string | undefined {
	let opened = 0;
	const lines = text.split("\n").map((line) => {
		const [inner] = jsonTexts(line) ?? [];
		if (inner === undefined) return line;
		opened++;
		return inner.replace(/\n$/u, "");
	});
	return opened === 0 ? undefined : lines.join("\n");
}

function withoutMarks(text: string): string | undefined {
	const marked = text.match(/^[ \t]*>/gmu)?.length ?? 0;
	return marked < 2 ? undefined : text.replace(/^[ \t]*(?:> ?)+/gmu, "");
}

/** What stands before the beginning of the list, taken off all lines that have it. */
function withoutPrefix(text: string): string | undefined {
	for (const line of text.split("\n")) {
		const at = BEGINNING.exec(line)?.index ?? -1;
		if (at <= 0 || /^\s*$/u.test(line.slice(0, at))) continue;
		const prefix = learnPrefix(line.slice(0, at));
		if (prefix === undefined) continue;
		return text
			.split("\n")
			.map((each) => each.slice(Math.max(0, prefix(each))))
			.join("\n");
	}
	return undefined;
}

function withoutStrings(text: string): string | undefined {
	let opened = 0;
	const lines = text.split("\n").map((line) => {
		const inner = /^\s*"(.*)",?$/u.exec(line)?.[1];
		if (inner === undefined) return line;
		opened++;
		return unescaped(inner);
	});
	return opened < 2 ? undefined : lines.join("\n");
}
