/**
 * The raw text that evidence rests on: some lines of the capture around each quoted place, as they came, so that a
 * reader need not take the report's word for it.
 */
import type { Evidence } from "@plumbline/diagnosis/finding";
import type { Part } from "@plumbline/signals/capture";

export interface Excerpt {
	readonly part: string;
	readonly format: Part["format"];
	readonly source: string;
	/** Byte offset of the quoted place. */
	readonly offset: number;
	readonly lines: readonly ExcerptLine[];
	/** The part's bytes are a table that only a program reads: they are shown in hexadecimal. */
	readonly binary: boolean;
}

export interface ExcerptLine {
	/** Byte offset in the part. */
	readonly offset: number;
	readonly text: string;
	/** Belongs to what is quoted, rather than to its surroundings. */
	readonly quoted: boolean;
}

const EXCERPTS_MAX = 48;
/** Bytes before and after the quoted place that are looked at. */
const BEFORE_BYTES_MAX = 2_048;
const AFTER_BYTES_MAX = 8_192;
const BEFORE_LINES_MAX = 2;
const AFTER_LINES_MAX = 2;
/** A goroutine of a hundred frames is two hundred lines; its inner half tells. */
const QUOTED_LINES_MAX = 40;
const LINE_CHARS_MAX = 800;
/** Of one excerpt; lines beyond are left away. */
const EXCERPT_CHARS_MAX = 8_000;
const HEX_BYTES = 96;
const HEX_ROW_BYTES = 16;
const NEWLINE = 0x0a;

/** Formats whose records are paragraphs that end with an empty line, or at the next one. */
const PARAGRAPHS: ReadonlySet<Part["format"]> = new Set(["go-debug2", "go-debug1"]);

export function excerptKey({ part, offset }: Pick<Evidence, "part" | "offset">): string {
	return `${offset} ${part}`;
}

/** By key, in the order of the evidence; evidence on a part that is not in the capture has none. */
export function excerptsOf(
	evidence: readonly Evidence[],
	parts: readonly Part[],
): ReadonlyMap<string, Excerpt> {
	const partOf = new Map(parts.map((part) => [part.name, part]));
	const excerpts = new Map<string, Excerpt>();
	for (const each of evidence) {
		const part = partOf.get(each.part);
		const key = excerptKey(each);
		if (part === undefined || excerpts.has(key) || !(each.offset < part.bytes.length)) continue;
		if (excerpts.size >= EXCERPTS_MAX) break;
		excerpts.set(key, excerptAt(part, Math.max(0, Math.trunc(each.offset))));
	}
	return excerpts;
}

function excerptAt(part: Part, offset: number): Excerpt {
	const { name, format, source, bytes } = part;
	const binary = bytes.subarray(offset, offset + HEX_BYTES).includes(0);
	const lines = binary ? hexRows(bytes, offset) : textLines(bytes, offset, PARAGRAPHS.has(format));
	return { part: name, format, source, offset, lines, binary };
}

function textLines(bytes: Uint8Array, at: number, paragraphs: boolean): ExcerptLine[] {
	const from = Math.max(0, at - BEFORE_BYTES_MAX);
	const starts = lineStarts(bytes, from, Math.min(bytes.length, at + AFTER_BYTES_MAX));
	const place = starts.findLastIndex((start) => start <= at);
	const texts = starts.map((start, i) => textOf(bytes, start, starts[i + 1]));
	let end = place + 1;
	if (paragraphs) while (end < texts.length && end - place < QUOTED_LINES_MAX && texts[end] !== "") end++;
	const first = Math.max(0, place - BEFORE_LINES_MAX);
	const lines: ExcerptLine[] = [];
	let chars = 0;
	for (const [i, text] of texts.slice(first, end + AFTER_LINES_MAX).entries()) {
		const line = first + i;
		chars += text.length;
		if (chars > EXCERPT_CHARS_MAX && line > place) break;
		lines.push({ offset: starts[line] ?? at, text, quoted: line >= place && line < end });
	}
	return lines;
}

/** The first may be in the middle of a line, where the line before the place is longer than is looked at. */
function lineStarts(bytes: Uint8Array, from: number, to: number): number[] {
	const starts = [from];
	for (let i = bytes.indexOf(NEWLINE, from); i >= 0 && i + 1 < to; i = bytes.indexOf(NEWLINE, i + 1))
		starts.push(i + 1);
	return starts;
}

function textOf(bytes: Uint8Array, start: number, next: number | undefined): string {
	const end = Math.min(next === undefined ? bytes.length : next - 1, start + LINE_CHARS_MAX * 4);
	const newline = bytes.subarray(start, end).indexOf(NEWLINE);
	const text = new TextDecoder("utf-8").decode(bytes.subarray(start, newline < 0 ? end : start + newline));
	return text.length > LINE_CHARS_MAX ? `${text.slice(0, LINE_CHARS_MAX)} …` : text;
}

function hexRows(bytes: Uint8Array, at: number): ExcerptLine[] {
	const rows: ExcerptLine[] = [];
	for (let row = at; row < Math.min(bytes.length, at + HEX_BYTES); row += HEX_ROW_BYTES) {
		const cells = [...bytes.subarray(row, Math.min(row + HEX_ROW_BYTES, at + HEX_BYTES))];
		const hex = cells.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
		const ascii = cells
			.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "."))
			.join("");
		rows.push({ offset: row, text: `${hex.padEnd(HEX_ROW_BYTES * 3)} ${ascii}`, quoted: true });
	}
	return rows;
}
