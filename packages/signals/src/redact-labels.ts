/**
 * Takes secrets out of label values, in bytes, so that a dump of hundreds of megabytes without labels
 * costs one search and no copy.
 *
 * Goroutine dumps (a value may hold any escaped text, key and value may be bare):
 *
 *     goroutine 8 [running labels:{"user": "anna", "token": "eyJhbGciOi..."}]:       debug=2, Go 1.26
 *     goroutine 8 [running] {user: anna, token: eyJhbGciOi...}:                      debug=2, Go 1.27
 *     # labels: {"user":"anna"}                                                      debug=1
 *
 * Metrics (Prometheus 0.0.4, OpenMetrics 1.0 with exemplar, quoted names since Prometheus 3):
 *
 *     http_requests_total{path="/v1",api_key="abc"} 7 # {trace_id="77aa"} 1
 *     {"http.requests", path="/v1"} 7
 *
 *     LABELS := "{" [PAIR {"," PAIR}] "}"     PAIR := KEY [SEPARATOR VALUE]
 *     KEY    := QUOTED | bare text            VALUE := QUOTED | bare text
 *
 * A set that breaks off or does not follow this is redacted as far as it goes and otherwise left alone.
 */
import { redactUrl } from "./redact-url.ts";
import { looksSecret, namesSecret, REDACTED } from "./secret.ts";

const [TAB, LF, CR, SPACE, QUOTE, HASH, COMMA, COLON, EQUALS, BACKSLASH, OPEN, CLOSE] = [
	9, 10, 13, 32, 34, 35, 44, 58, 61, 92, 123, 125,
] as const;

/** Redacts the profiler labels of a goroutine dump or profile. Gives the same array when nothing was found. */
export function redactLabels(bytes: Uint8Array): Uint8Array {
	const edits: Edit[] = [];
	for (const needle of NEEDLES) {
		for (let at = find(needle, bytes, 0); at >= 0; ) {
			let open = at + needle.open;
			while (bytes[open] === SPACE) open++;
			const end = bytes[open] === OPEN ? redactSet(bytes, open, COLON, edits) : open;
			at = find(needle, bytes, end);
		}
	}
	return apply(
		bytes,
		edits.sort((a, b) => a.from - b.from),
	);
}

/** Redacts the label values of Prometheus or OpenMetrics text. Gives the same array when nothing was found. */
export function redactMetricLabels(bytes: Uint8Array): Uint8Array {
	const edits: Edit[] = [];
	let open = bytes.indexOf(OPEN);
	while (open >= 0) {
		const comment = bytes[bytes.lastIndexOf(LF, open) + 1] === HASH;
		open = bytes.indexOf(OPEN, comment ? lineEnd(bytes, open) : redactSet(bytes, open, EQUALS, edits));
	}
	return apply(bytes, edits);
}

/** Bytes `from` to `to` become `text`. */
interface Edit {
	readonly from: number;
	readonly to: number;
	readonly text: string;
}

/** Walks one set of labels from its brace, noting what to replace. Returns where it stopped, past `open`. */
function redactSet(bytes: Uint8Array, open: number, separator: number, edits: Edit[]): number {
	let at = open + 1;
	while (at < bytes.length) {
		at = skipBlanks(bytes, at);
		const key = readWord(bytes, at, separator);
		at = skipBlanks(bytes, key.next);
		if (bytes[at] === separator) {
			at = skipBlanks(bytes, at + 1);
			const value = readWord(bytes, at, COMMA);
			redactValue(bytes, key, value, edits);
			at = skipBlanks(bytes, value.next);
		}
		if (bytes[at] !== COMMA) return at;
		at++;
	}
	return at;
}

/** Text without its quotes, and where the next thing begins. */
interface Word {
	readonly from: number;
	readonly to: number;
	readonly next: number;
}

function readWord(bytes: Uint8Array, at: number, until: number): Word {
	const quoted = bytes[at] === QUOTE;
	const from = quoted ? at + 1 : at;
	let to = from;
	for (; to < bytes.length; to++) {
		const byte = bytes[to];
		if (byte === LF || byte === CR) return { from, to, next: to };
		if (quoted && byte === BACKSLASH) to++;
		else if (quoted && byte === QUOTE) return { from, to, next: to + 1 };
		else if (!quoted && (byte === until || byte === COMMA || byte === CLOSE)) break;
	}
	const end = Math.min(to, bytes.length);
	return { from, to: end, next: end };
}

function redactValue(bytes: Uint8Array, key: Word, value: Word, edits: Edit[]): void {
	if (value.from === value.to) return;
	const name = utf8.decode(bytes.subarray(key.from, key.to));
	const text = utf8.decode(bytes.subarray(value.from, value.to));
	const shown = namesSecret(name) || looksSecret(text, name) ? REDACTED : redactUrl(text);
	if (shown !== text) edits.push({ from: value.from, to: value.to, text: shown });
}

const utf8 = new TextDecoder();

function apply(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array {
	if (edits.length === 0) return bytes;
	const encoder = new TextEncoder();
	const texts = edits.map((edit) => encoder.encode(edit.text));
	const size = edits.reduce(
		(sum, edit, i) => sum + (texts[i]?.length ?? 0) - (edit.to - edit.from),
		bytes.length,
	);
	const out = new Uint8Array(size);
	let read = 0;
	let written = 0;
	const put = (piece: Uint8Array) => {
		out.set(piece, written);
		written += piece.length;
	};
	edits.forEach((edit, i) => {
		put(bytes.subarray(read, edit.from));
		put(texts[i] ?? new Uint8Array());
		read = edit.to;
	});
	put(bytes.subarray(read));
	return out;
}

function skipBlanks(bytes: Uint8Array, at: number): number {
	let next = at;
	while (bytes[next] === SPACE || bytes[next] === TAB) next++;
	return next;
}

function lineEnd(bytes: Uint8Array, at: number): number {
	const end = bytes.indexOf(LF, at);
	return end < 0 ? bytes.length : end;
}

/** What stands right before a set of labels. */
interface Needle {
	readonly text: Uint8Array;
	/** Where in it the brace is, or may follow after blanks. */
	readonly open: number;
	/** How far a window ending in this byte may move on (Horspool): the whole length for most bytes. */
	readonly shift: Uint8Array;
}

function needle(chars: string): Needle {
	const text = new TextEncoder().encode(chars);
	const shift = new Uint8Array(256).fill(text.length);
	text.subarray(0, -1).forEach((byte, i) => {
		shift[byte] = text.length - 1 - i;
	});
	return { text, open: chars.replace("{", "").length, shift };
}

const NEEDLES: readonly Needle[] = [needle("labels:"), needle("] {")];

/** A window of fewer bytes moves on too slowly; its first byte is looked for instead, which is rare. */
const WINDOW_BYTES_MIN = 4;

/** Offset of the next `needle` from `from` on, or -1. Looks at one byte in as many as the needle has. */
function find({ text, shift }: Needle, bytes: Uint8Array, from: number): number {
	if (text.length < WINDOW_BYTES_MIN) return findShort(text, bytes, from);
	const last = text.length - 1;
	const final = text[last];
	let end = from + last;
	while (end < bytes.length) {
		const byte = bytes[end] as number;
		if (byte === final && text.every((wanted, i) => bytes[end - last + i] === wanted)) return end - last;
		end += shift[byte] as number;
	}
	return -1;
}

function findShort(text: Uint8Array, bytes: Uint8Array, from: number): number {
	const [first = 0] = text;
	for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
		if (text.every((wanted, i) => bytes[at + i] === wanted)) return at;
	}
	return -1;
}
