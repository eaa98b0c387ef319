/**
 * Tables with a rule of dashes under their header.
 *
 *      pid  |   state    | query            +----+-------+-----------------+        pid   state  query
 *     ------+------------+-------           | Id | State | Info            |       ----- ------ ---------
 *      9878 | idle in tr.| updat.           +----+-------+-----------------+        9878 idle   update o+
 *           |.ansaction  |.e o  +           |  5 |       | update o set e='|                      where
 *           |            | where            | x@example.com' |
 *     (1 row)                               +----+-------+-----------------+
 *
 * psql marks a line end in a value with `+` behind it, a break of its own with `.` on both sides; a row
 * without an id goes on with the one above. mysql marks nothing: a row is whole when it has all its columns
 * and a `|` at the end. Without frames (border 0) the rule tells where columns stand.
 */
import { engineOf, statementColumn } from "./sessions-text-columns.ts";
import { type Piece, pieceOf, splitLine, type TextLine, trimmed } from "./sessions-text-lines.ts";
import type { TextRecord, TextTable } from "./sessions-text-record.ts";
import {
	fitted,
	type Growing,
	grow,
	growing,
	namesOf,
	RECORDS_MAX,
	recordOf,
	STATEMENT_LINES_MAX,
} from "./sessions-text-rows.ts";

const RULE_CHARS = /^\s*[-+|]{3,}\s*$/;
const BARE_RULE = /^\s*-{2,}(?: -+)+\s*$/;
/** Lines of a header that a narrow table wraps. */
const HEADER_LINES_MAX = 6;
const FOOTER = /^\s*\(\d+ [^)]{1,30}\)\s*$|^\d+ rows? in set\b/;

function isRule(text: string): boolean {
	return RULE_CHARS.test(text) && text.includes("--");
}

interface Frame {
	readonly columns: readonly string[];
	/** The cells of a line, as wide as they stand; undefined when it has too few. */
	readonly split: (line: TextLine) => Piece[] | undefined;
	/** Blanks stand between a frame and the value. */
	readonly padded: boolean;
	readonly isWhole: (line: TextLine) => boolean;
}

interface Rows {
	readonly records: readonly TextRecord[];
	readonly next: number;
	readonly lost: TextLine | undefined;
}

/** A table whose header's rule is at this line, or up to HEADER_LINES_MAX lines below. */
export function readAligned(lines: readonly TextLine[], at: number): TextTable | undefined {
	const rule = ruleBelow(lines, at);
	if (rule === undefined) return undefined;
	const frame = BARE_RULE.test(lines[rule]?.text ?? "")
		? bareFrame(lines, at, rule)
		: barFrame(lines, at, rule);
	if (frame === undefined || engineOf(frame.columns) === undefined) return undefined;
	const { records, next, lost } = readRows(lines, rule + 1, frame);
	const open = lost === undefined && lines[next - 1]?.complete === false;
	return { columns: frame.columns, records, next, at, open, ...(lost === undefined ? {} : { lost }) };
}

function ruleBelow(lines: readonly TextLine[], at: number): number | undefined {
	if (isRule(lines[at]?.text ?? "")) return undefined;
	for (let i = at + 1; i <= at + HEADER_LINES_MAX && i < lines.length; i++) {
		const text = lines[i]?.text ?? "";
		if (isRule(text) || BARE_RULE.test(text)) return i;
		if (!text.includes("|")) return undefined;
	}
	return undefined;
}

function barFrame(lines: readonly TextLine[], at: number, rule: number): Frame | undefined {
	const isFramed = (lines[at]?.text ?? "").trimStart().startsWith("|");
	const split = (line: TextLine): Piece[] => {
		const { text } = line;
		const open = isFramed ? text.indexOf("|") + 1 : 0;
		const closed = isFramed && text.trimEnd().endsWith("|") ? text.lastIndexOf("|") : text.length;
		return splitLine(line, "|", open, Math.max(open, closed));
	};
	const header = lines.slice(at, rule).map((line) => split(line));
	const count = header[0]?.length ?? 0;
	if (header.some((pieces) => pieces.length !== count)) return undefined;
	const columns = Array.from({ length: count }, (_, i) =>
		header
			.map((pieces) => pieces[i]?.text.trim() ?? "")
			.map((text, k) => (header.length > 1 ? unbroken(text, k) : text))
			.join("")
			.toLowerCase(),
	);
	return {
		columns,
		split: (line) => fitted(split(line), columns),
		padded: true,
		isWhole: ({ text }) => !isFramed || text.trimEnd().endsWith("|"),
	};
}

function unbroken(text: string, line: number): string {
	return (line > 0 ? text.replace(/^\./, "") : text).replace(/[.+]$/, "");
}

function bareFrame(lines: readonly TextLine[], at: number, rule: number): Frame | undefined {
	if (rule !== at + 1) return undefined;
	const spans = [...(lines[rule]?.text ?? "").matchAll(/-+/g)].map(({ index, 0: dashes }) => ({
		from: index,
		to: index + dashes.length,
	}));
	const split = (line: TextLine): Piece[] =>
		spans.map(({ from }, i) => pieceOf(line, from, spans[i + 1]?.from ?? line.text.length));
	const header = lines[at];
	if (header === undefined) return undefined;
	const lastFrom = spans.at(-1)?.from ?? 0;
	const isWhole = ({ text, complete }: TextLine) => complete || text.length > lastFrom;
	return { columns: namesOf(split(header)), split, padded: false, isWhole };
}

function readRows(lines: readonly TextLine[], from: number, frame: Frame): Rows {
	const { columns } = frame;
	const id = columns.findIndex((name) => /^(?:pid|procpid|id|trx_mysql_thread_id)$/.test(name));
	const records: TextRecord[] = [];
	let open: { readonly cells: readonly Growing[]; readonly line: TextLine } | undefined;
	let lost: TextLine | undefined;
	const close = () => {
		if (open !== undefined && records.length < RECORDS_MAX)
			records.push(recordOf(columns, open.cells.map(unmarked), open.line));
		open = undefined;
	};
	let i = from;
	for (; i < lines.length; i++) {
		const line = lines[i];
		if (line === undefined || FOOTER.test(line.text) || isRule(line.text)) break;
		const joined = wholeRow(lines, i, frame);
		if (joined === undefined) {
			if (line.text.includes("|") || !line.complete) lost = line;
			break;
		}
		const { cells, last } = joined;
		if (open !== undefined && goesOn(cells, open.cells, id)) {
			const padding = frame.padded ? line.padding : 0;
			for (const [k, cell] of open.cells.entries()) append(cell, cells[k]?.pieces[0], padding);
		} else {
			close();
			open = { cells, line };
		}
		i = last;
	}
	// The text ends where a value was broken to fit its column.
	if (
		open !== undefined &&
		(i === lines.length || lost !== undefined) &&
		open.cells.some((cell) => /\.$/.test(cell.pieces.at(-1)?.text ?? ""))
	) {
		lost = open.line;
		open = undefined;
	}
	close();
	return { records, next: Math.max(i, from), lost };
}

/** The row that begins at this line; where a statement brought line ends of its own, over several. */
function wholeRow(
	lines: readonly TextLine[],
	at: number,
	frame: Frame,
): { cells: Growing[]; last: number } | undefined {
	const line = lines[at];
	if (line === undefined || line.text.trim() === "") return undefined;
	const pieces = frame.split(line);
	if (pieces !== undefined && frame.isWhole(line)) return { cells: pieces.map(growing), last: at };
	if (frame.isWhole(line)) return undefined;
	return brokenRow(lines, at, frame);
}

/**
 * A row of mysql's: it reaches to the line before the next row or the frame's end, and the columns behind the
 * statement stand on its last line. MariaDB repeats the statement in INFO_BINARY; then what is behind is left.
 */
function brokenRow(
	lines: readonly TextLine[],
	at: number,
	{ columns }: Frame,
): { cells: Growing[]; last: number } | undefined {
	const first = lines[at];
	const statement = statementColumn(columns);
	const end = lastLineOfRow(lines, at);
	const final = lines[end];
	if (first === undefined || final === undefined || end === at || statement < 0) return undefined;
	const start = splitLine(first, "|", first.text.indexOf("|") + 1);
	const begun = start[statement];
	if (begun === undefined) return undefined;
	const lastBar = final.text.lastIndexOf("|");
	const behind = columns.length - statement - 1;
	const tail = splitLine(final, "|", 0, lastBar);
	const cells = start.slice(0, statement).map(growing);
	const text = growing(pieceOf(first, begun.from));
	if (columns.includes("info_binary")) {
		const rest = growStatement(text, lines.slice(at + 1, end + 1));
		return { cells: [...cells, text, ...columns.slice(statement + 1).map(() => rest)], last: end };
	}
	if (tail.length <= behind) return undefined;
	const rest = behind === 0 ? [] : tail.slice(-behind);
	for (const line of lines.slice(at + 1, end)) grow(text, pieceOf(line, 0), "\n");
	grow(text, pieceOf(final, 0, (rest[0]?.from ?? lastBar + 1) - 1), "\n");
	return { cells: [...cells, text, ...rest.map(growing)], last: end };
}

/** Up to the first `|` below its first line; what stands behind it comes back, in one piece. */
function growStatement(text: Growing, lines: readonly TextLine[]): Growing {
	const at = lines.findIndex((line) => line.text.includes("|"));
	for (const line of lines.slice(0, at)) grow(text, pieceOf(line, 0), "\n");
	const line = lines[at] ?? text.pieces[0]?.line;
	if (line === undefined) return text;
	const bar = Math.max(0, line.text.indexOf("|"));
	grow(text, pieceOf(line, 0, bar), "\n");
	const rest = growing(pieceOf(line, bar));
	for (const more of lines.slice(at + 1)) grow(rest, pieceOf(more, 0), "\n");
	return rest;
}

/** `at` where the row's end does not come. */
function lastLineOfRow(lines: readonly TextLine[], at: number): number {
	for (let i = at + 1; i < lines.length && i < at + STATEMENT_LINES_MAX; i++) {
		const [line, next] = [lines[i]?.text ?? "", lines[i + 1]?.text];
		if (isRule(line)) return at;
		const ends = next === undefined || isRule(next) || /^\s*\|\s*\d*\s*(?:\||$)/.test(next);
		if (ends && line.trimEnd().endsWith("|")) return i;
	}
	return at;
}

/** Nothing but what continues the values above. */
function goesOn(cells: readonly Growing[], above: readonly Growing[], id: number): boolean {
	const textOf = (cell: Growing | undefined) => cell?.pieces[0]?.text ?? "";
	const more = (cell: Growing | undefined) => textOf(cell).trim() === "" || textOf(cell).startsWith(".");
	if (id >= 0) return more(cells[id]);
	return cells.every((cell, i) => more(cell) || ENDS_IN_MARK.test(above[i]?.pieces.at(-1)?.text ?? ""));
}

const ENDS_IN_MARK = /[+.]\s*$/;

/** `+` behind a value ends a line of it; `.` on both sides breaks one to fit the column. */
function append(cell: Growing, piece: Piece | undefined, padding: number): void {
	const last = cell.pieces.at(-1);
	if (piece === undefined || last === undefined || piece.text.trim() === "") return;
	const broken = piece.text.startsWith(".") && /\.\s*$/.test(last.text);
	const text = last.text.replace(ENDS_IN_MARK, "");
	cell.pieces[cell.pieces.length - 1] = { ...last, text: broken ? text : text.trimEnd() };
	const skipped = broken ? 1 : Math.min(padding, piece.text.length - piece.text.trimStart().length);
	grow(cell, { ...piece, text: piece.text.slice(skipped), from: piece.from + skipped }, broken ? "" : "\n");
}

/** Blanks that only fill the columns are no text: those in front of every value, and behind. */
function unmarked({ pieces, joints }: Growing): Growing {
	const [first, ...rest] = pieces;
	if (first === undefined) return { pieces, joints };
	const all = [trimmed(first), ...rest];
	const last = all.at(-1);
	// Where the text ends in the middle of a statement its mark is left.
	if (last !== undefined) all[all.length - 1] = { ...last, text: last.text.replace(/\s\s*\+$/, "") };
	return { pieces: all, joints };
}
