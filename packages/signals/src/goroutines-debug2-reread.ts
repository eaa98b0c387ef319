/** What is read from a dump again only when a finding asks for it: arguments and quotations. */
import { lineEnd, textEnd, textOf } from "./goroutines-debug2-bytes.ts";
import { argumentsStart, bodyLine, isCall } from "./goroutines-debug2-lines.ts";

/** Longest quotation of one goroutine; 100 frames of real code are about 15 kB. */
const QUOTE_BYTES_MAX = 65_536;

/** First argument word of a frame of the goroutine whose header is at `offset`. */
export function firstArgument(
	bytes: Uint8Array,
	offset: number | undefined,
	frame: number,
): string | undefined {
	if (offset === undefined) return undefined;
	let at = lineEnd(bytes, offset) + 1;
	for (let seen = 0; at < bytes.length; ) {
		const newline = lineEnd(bytes, at);
		const end = textEnd(bytes, at, newline);
		const kind = bodyLine(bytes, at, end);
		if (kind === "blank" || kind === "header" || kind === "created" || kind === "ancestor") return undefined;
		const isFrame = kind === "lone" || (kind === "name" && isCall(bytes, at, end, newline + 1));
		if (isFrame && seen++ === frame) return firstWord(bytes, at, end);
		at = newline + 1;
	}
	return undefined;
}

function firstWord(bytes: Uint8Array, start: number, end: number): string | undefined {
	const open = argumentsStart(bytes, start, end);
	if (open < 0) return undefined;
	// A string, slice or interface prints as {word, word}: its first word is its pointer.
	return /^\(\{*(0x[\da-f]+)\??[,})]/.exec(textOf(bytes, open, end))?.[1];
}

/** The goroutine's text, header first, at most `lines` lines. */
export function quoteGoroutine(bytes: Uint8Array, offset: number | undefined, lines: number): string {
	if (offset === undefined) return "";
	const limit = Math.min(bytes.length, offset + QUOTE_BYTES_MAX);
	const quoted: string[] = [];
	for (let at = offset; at < limit && quoted.length < lines; ) {
		const newline = lineEnd(bytes, at);
		const end = textEnd(bytes, at, newline);
		const kind = bodyLine(bytes, at, end);
		if (kind === "blank" || (kind === "header" && at > offset)) break;
		quoted.push(textOf(bytes, at, Math.min(end, limit)));
		at = newline + 1;
	}
	return quoted.join("\n");
}
