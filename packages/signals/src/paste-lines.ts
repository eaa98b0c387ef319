/** The lines of pasted text, whatever ends them, and where it was wrapped. */

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const TAB = 0x09;
const SPACE = 0x20;
const TAB_COLUMNS = 8;
/** The longest line that is read; what goes beyond is lost and told. */
export const LINE_BYTES_MAX = 64 << 20;
/** Nobody wraps at a column beyond. */
const WRAP_COLUMNS_MAX = 400;
const WRAP_COLUMNS_MIN = 30;

export interface RawLine {
	readonly start: number;
	readonly end: number;
	/** No line end follows. */
	readonly last: boolean;
}

/** LF, CRLF and a lone CR end a line. */
export function* rawLines(bytes: Uint8Array): Generator<RawLine> {
	let start = 0;
	let newline = bytes.indexOf(NEWLINE);
	let back = bytes.indexOf(RETURN);
	while (start < bytes.length) {
		if (newline >= 0 && newline < start) newline = bytes.indexOf(NEWLINE, start);
		if (back >= 0 && back < start) back = bytes.indexOf(RETURN, start);
		const lf = newline < 0 ? bytes.length : newline;
		const end = back < 0 ? lf : Math.min(lf, back);
		yield { start, end, last: end === bytes.length };
		start = end === back && end + 1 === newline ? end + 2 : end + 1;
	}
}

/** The columns at which the text was wrapped, if it was: as characters and as a terminal counts, tabs as eight. */
export interface Wrapping {
	readonly isFull: (bytes: Uint8Array, line: RawLine) => boolean;
}

/** A text is taken for wrapped where its longest lines are several and of one length. */
export function wrappingOf(bytes: Uint8Array): Wrapping {
	const lengths = new Uint32Array(WRAP_COLUMNS_MAX + 2);
	const columns = new Uint32Array(WRAP_COLUMNS_MAX + 2);
	for (const raw of rawLines(bytes)) {
		const line = withoutPadding(bytes, raw);
		bump(lengths, charactersOf(bytes, line));
		bump(columns, columnsOf(bytes, line));
	}
	const length = longest(lengths);
	const column = longest(columns);
	if (length === undefined && column === undefined) return { isFull: () => false };
	return {
		isFull: (text, raw) => {
			const line = withoutPadding(text, raw);
			return charactersOf(text, line) === length || columnsOf(text, line) === column;
		},
	};
}

function withoutPadding(bytes: Uint8Array, line: RawLine): RawLine {
	let { end } = line;
	while (end > line.start && bytes[end - 1] === SPACE) end--;
	return { ...line, end };
}

function bump(counts: Uint32Array, at: number): void {
	const slot = Math.min(at, WRAP_COLUMNS_MAX + 1);
	counts[slot] = (counts[slot] ?? 0) + 1;
}

function longest(counts: Uint32Array): number | undefined {
	const at = counts.findLastIndex((count) => count > 0);
	return at >= WRAP_COLUMNS_MIN && at <= WRAP_COLUMNS_MAX && (counts[at] ?? 0) >= 2 ? at : undefined;
}

function columnsOf(bytes: Uint8Array, { start, end }: RawLine): number {
	if (end - start > WRAP_COLUMNS_MAX * 4) return WRAP_COLUMNS_MAX + 1;
	let columns = 0;
	for (let at = start; at < end; at++) {
		if (isContinuation(bytes[at])) continue;
		columns = bytes[at] === TAB ? columns + TAB_COLUMNS - (columns % TAB_COLUMNS) : columns + 1;
	}
	return columns;
}

function charactersOf(bytes: Uint8Array, { start, end }: RawLine): number {
	// Four bytes are the most that UTF-8 takes for a character.
	if (end - start > WRAP_COLUMNS_MAX * 4) return WRAP_COLUMNS_MAX + 1;
	let characters = 0;
	for (let at = start; at < end; at++) if (!isContinuation(bytes[at])) characters++;
	return characters;
}

/** A further byte of a character. */
function isContinuation(byte: number | undefined): boolean {
	return byte !== undefined && (byte & 0xc0) === 0x80;
}
