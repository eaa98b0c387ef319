/**
 * The lines of pasted text, and pieces of them that still know where in the bytes they stand.
 *
 * One character a byte, so that columns and offsets are the same; what people wrote is decoded when a value is
 * made of it. Drawn frames (three bytes a sign in UTF-8) become the ASCII ones of the same length.
 */
import { type Line, linesOf } from "./sockets-bytes.ts";

/** One line; `text` has one character a byte. */
export interface TextLine extends Line {
	readonly text: string;
	readonly bytes: Uint8Array;
	/** Blanks between a bar and what stands behind it: one, and what a drawn sign is longer than the ASCII one. */
	readonly padding: number;
}

/** A part of one line. */
export interface Piece {
	readonly text: string;
	readonly line: TextLine;
	/** Where in the line it starts. */
	readonly from: number;
}

/** Bytes of one line that are looked at: a statement on one line may be long. */
const STATEMENT_LINE_BYTES_MAX = 4 * 1024 * 1024;
/** First byte of every sign of a drawn frame. */
const FRAME_BYTE = 0xe2;

export function textLines(bytes: Uint8Array): TextLine[] {
	const latin1 = new TextDecoder("latin1");
	const lines: TextLine[] = [];
	for (const line of linesOf(bytes)) {
		const own = bytes.subarray(line.start, Math.min(line.end, line.start + STATEMENT_LINE_BYTES_MAX));
		const text = own.includes(FRAME_BYTE) ? plainFrame(own) : latin1.decode(own);
		lines.push({ ...line, text, bytes: own, padding: isDrawn(own) ? 3 : 1 });
	}
	return lines;
}

function plainFrame(bytes: Uint8Array): string {
	let text = "";
	for (let i = 0; i < bytes.length; ) {
		const sign = bytes[i] === FRAME_BYTE ? frameSign(bytes[i + 1] ?? 0, bytes[i + 2] ?? 0) : undefined;
		text += sign ?? String.fromCharCode(bytes[i] ?? 0);
		i += sign === undefined ? 1 : sign.length;
	}
	return text;
}

/** By its first sign: statements may hold such signs, too. */
function isDrawn(bytes: Uint8Array): boolean {
	const at = bytes.indexOf(FRAME_BYTE);
	return at >= 0 && (bytes[at + 1] === 0x94 || bytes[at + 1] === 0x95);
}

/** U+2500 to U+257F are boxes; psql ends a line in a value with U+21B5, breaks one with U+2026. */
function frameSign(second: number, third: number): string | undefined {
	if (second === 0x86 && third === 0xb5) return "+  ";
	if (second === 0x80 && third === 0xa6) return ".  ";
	if (second !== 0x94 && second !== 0x95) return undefined;
	const sign = ((second & 1) << 6) | (third & 0x3f);
	if (sign === 0x02 || sign === 0x03 || sign === 0x51) return "|  ";
	return sign < 0x02 || sign === 0x50 ? "---" : "+++";
}

/** What was written there, decoded. */
export function writtenIn({ text, line, from }: Piece): string {
	if (/^[ -~\t]*$/.test(text)) return text;
	return new TextDecoder().decode(line.bytes.subarray(from, from + text.length));
}

export function pieceOf(line: TextLine, from: number, to = line.text.length): Piece {
	return { text: line.text.slice(from, to), line, from };
}

/** Without the blanks around it. */
export function trimmed({ text, line, from }: Piece): Piece {
	const lead = text.length - text.trimStart().length;
	return { text: text.trim(), line, from: from + lead };
}

/** The columns of a line between separators. */
export function splitLine(line: TextLine, separator: string, from = 0, to = line.text.length): Piece[] {
	const pieces: Piece[] = [];
	for (let at = from; ; ) {
		const next = line.text.indexOf(separator, at);
		if (next < 0 || next >= to) {
			pieces.push(pieceOf(line, at, to));
			return pieces;
		}
		pieces.push(pieceOf(line, at, next));
		at = next + separator.length;
	}
}
