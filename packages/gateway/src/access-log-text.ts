/**
 * Text of clients in a line of a log, so that it stays inside its quotes whatever it holds. Both forms give plain ASCII:
 *
 *     json      "  \  U+0000-U+001F  U+007F and above   as  \u00HH        (fields come as latin1: one character a byte)
 *     common    the same                                as  \xHH          (as nginx does)
 */

/** Of one value of a client, as it is logged; the rest is cut, and three dots say so. */
const VALUE_BYTES_MAX = 4096;
/** All of it, though each character became six. */
const LENGTH_UNCUT = VALUE_BYTES_MAX / 6;

const PLAIN = /^[ !#-[\]-~]*$/;
const ODD = /[^ !#-[\]-~]/g;

export function jsonText(text: string): string {
	if (text.length <= LENGTH_UNCUT) return PLAIN.test(text) ? text : text.replace(ODD, asJson);
	return cut(text.slice(0, VALUE_BYTES_MAX).replace(ODD, asJson), text.length, JSON_ESCAPE_CUT);
}

export function commonText(text: string): string {
	if (text.length <= LENGTH_UNCUT) return PLAIN.test(text) ? text : text.replace(ODD, asCommon);
	return cut(text.slice(0, VALUE_BYTES_MAX).replace(ODD, asCommon), text.length, COMMON_ESCAPE_CUT);
}

/** The beginning of an escape, where a cut may fall; a pair of backslashes is one whole escape. */
const JSON_ESCAPE_CUT = /(?<=(?:^|[^\\])(?:\\\\)*)\\(?:u[\da-f]{0,3})?$/;
const COMMON_ESCAPE_CUT = /\\(?:x[\dA-F]?)?$/;

function cut(escaped: string, length: number, escapeCut: RegExp): string {
	if (escaped.length <= VALUE_BYTES_MAX && length <= VALUE_BYTES_MAX) return escaped;
	return `${escaped.slice(0, VALUE_BYTES_MAX).replace(escapeCut, "")}...`;
}

function asJson(char: string): string {
	if (char === '"') return '\\"';
	if (char === "\\") return "\\\\";
	return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function asCommon(char: string): string {
	const code = char.charCodeAt(0);
	// Above a byte: nothing of a client comes so, but a name in a configuration may.
	return code > 0xff ? "?" : `\\x${code.toString(16).toUpperCase().padStart(2, "0")}`;
}
