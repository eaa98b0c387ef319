/** Cuts quoted evidence to what fits under a finding, keeping a frame's file:line, which is what it is for. */
import { visibleLines } from "./visible.ts";
import { columnsOf, splitAtColumn } from "./width.ts";
import { wrap } from "./wrap.ts";

const QUOTE_LINES_MAX = 9;
/** Characters of one quoted line that are looked at. */
const LINE_CHARS_MAX = 2_000;
/** Screen lines that one quoted line may take. */
const LINE_ROWS_MAX = 4;
const HANG = "  ";
const ELLIPSIS = "...";
/** The end of a frame's second line: `orders/create.go:42 +0x1d`. */
const FILE_LINE_TAIL = /[^/\\]*:\d+(?: \+0x[0-9a-f]+)?$/;

/** A frame loses the beginning of its path. A file name wider than the line stays whole. */
function trimFrame(line: string, tail: string, columns: number): string {
	const indent = /^ */.exec(line)?.[0] ?? "";
	const room = columns - columnsOf(indent) - ELLIPSIS.length - 1 - columnsOf(tail);
	if (room < 0) return `${indent}${tail}`;
	let kept = line.slice(indent.length, line.length - tail.length - 1);
	while (columnsOf(kept) > room)
		kept = kept.slice(kept.indexOf("/") < 0 ? kept.length : kept.indexOf("/") + 1);
	return `${indent}${ELLIPSIS}/${kept === "" ? "" : `${kept}/`}${tail}`;
}

function trimEnd(line: string, columns: number): string {
	return columnsOf(line) <= columns
		? line
		: `${splitAtColumn(line, columns - ELLIPSIS.length)[0]}${ELLIPSIS}`;
}

/** A row of a table or a statement goes on in the next lines, for as many as it may. */
function fitLine(line: string, columns: number): readonly string[] {
	if (columnsOf(line) <= columns) return [line];
	const tail = FILE_LINE_TAIL.exec(line)?.[0];
	if (tail !== undefined) return [trimFrame(line, tail, columns)];
	const rows = wrap(line, columns - HANG.length).map((row) => trimEnd(row, columns - HANG.length));
	const shown = rows.slice(0, LINE_ROWS_MAX).map((row, at) => (at === 0 ? row : HANG + row));
	const last = shown.pop() ?? "";
	return [...shown, rows.length > LINE_ROWS_MAX ? trimEnd(`${last} ${ELLIPSIS}`, columns) : last];
}

/** The quote's lines, safe to print, trimmed; a last line says how many were left out. */
export function quoteLines(quote: string, columns: number): readonly string[] {
	const lines = visibleLines(quote.trimEnd());
	const shown = lines
		.slice(0, QUOTE_LINES_MAX)
		.flatMap((line) => fitLine(line.slice(0, LINE_CHARS_MAX).trimEnd(), columns));
	const left = Math.max(0, lines.length - QUOTE_LINES_MAX);
	return left === 0 ? shown : [...shown, `(${left} more ${left === 1 ? "line" : "lines"})`];
}
