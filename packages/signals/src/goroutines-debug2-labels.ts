/**
 * The profiler labels of a goroutine, in the three ways Go prints them:
 *
 *     {"user": "anna", "path": "/v1/\"x\""}     debug=2, Go 1.26 with GODEBUG=tracebacklabels=1
 *     {user: anna, path: "/v1/\"x\""}           debug=2, Go 1.27: quoted only where it must be
 *     {"path":"/v1/\"x\"", "user":"anna"}       debug=1, every Go
 *
 *     LABELS := "{" [PAIR {", " PAIR}] "}"    PAIR := TOKEN ":" [" "] TOKEN
 *     TOKEN  := '"' {char | escape} '"' | {anything but '"' ':' ',' '}'}
 *
 * Values may hold every character of the grammar inside quotes, so this walks tokens and never
 * searches for a brace.
 */
import type { Labels } from "./goroutines.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** The index past the closing brace of the labels that open at `at`, or -1 if they do not close before `end`. */
export function labelsEnd(bytes: Uint8Array, at: number, end: number): number {
	if (bytes[at] !== OPEN) return -1;
	let quoted = false;
	for (let p = at + 1; p < end; p++) {
		const byte = bytes[p];
		if (quoted && byte === BACKSLASH) p++;
		else if (byte === QUOTE) quoted = !quoted;
		else if (!quoted && byte === CLOSE) return p + 1;
	}
	return -1;
}

const PAIR = /\s*("(?:[^"\\]|\\.)*"|[^":,}]*):\s*("(?:[^"\\]|\\.)*"|[^",}]*)\s*([,}])/suy;

/** Longest label set that is read; a matcher over megabytes of hostile text could exhaust its stack. */
const LABELS_CHARS_MAX = 65_536;

/** The labels of a text from its brace on; undefined where it does not follow the grammar. */
export function parseLabels(text: string): Labels | undefined {
	if (text.length > LABELS_CHARS_MAX) return undefined;
	const pairs: [string, string][] = [];
	if (!/^\{\s*\}$/u.test(text)) {
		PAIR.lastIndex = 1;
		for (let separator = ","; separator === ","; ) {
			const pair = PAIR.exec(text);
			if (pair === null) return undefined;
			pairs.push([unquote(pair[1] ?? ""), unquote(pair[2] ?? "")]);
			separator = pair[3] ?? "";
		}
		if (PAIR.lastIndex !== text.length) return undefined;
	}
	// Not by assignment: a label may be called __proto__.
	return Object.fromEntries(pairs);
}

const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))/gsu;
const NAMED: Readonly<Record<string, string>> = {
	n: "\n",
	r: "\r",
	t: "\t",
	a: "\x07",
	b: "\b",
	f: "\f",
	v: "\v",
};
const CODE_POINT_MAX = 0x10_ffff;

function unquote(token: string): string {
	if (!token.startsWith('"')) return token;
	return token.slice(1, -1).replace(ESCAPE, (printed, x?: string, u?: string, U?: string, char?: string) => {
		if (char !== undefined) return NAMED[char] ?? char;
		const code = Number.parseInt(x ?? u ?? U ?? "", 16);
		// \x80 and above is a byte that was not UTF-8: there is no character for it, so it stays as printed.
		if ((x !== undefined && code >= 0x80) || code > CODE_POINT_MAX) return printed;
		return String.fromCodePoint(code);
	});
}
