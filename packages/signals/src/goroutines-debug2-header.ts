/**
 * The header line of one goroutine (runtime.goroutineheader, read in Go 1.19.8 to 1.27.1):
 *
 *     goroutine 7 [chan receive (nil chan), 2 minutes, locked to thread]:
 *     goroutine 7 gp=0xc000102380 m=3 mp=0xc000100008 [select (durable), synctest bubble 4]:
 *     goroutine 7 [running labels:{"user": "anna"}]:                                    Go 1.26
 *     goroutine 7 [select (leaked)] {user: anna, path: "/v1/]:"}:                       Go 1.27
 *
 *     HEADER := "goroutine " GOID [" gp=" HEX " m=" ("nil" | N " mp=" HEX)] " [" STATUS FLAGS ATTRS
 *               [" labels:" LABELS] "]" [" " LABELS] ":"
 *     FLAGS  := {" (leaked)" | " (scan)" | " (durable)" | " (synctest)"}      (synctest) is Go 1.24
 *     ATTRS  := [", " N " minutes"] [", locked to thread"] [", synctest bubble " N] {", " future words}
 *
 * A status may have words in parentheses of its own ("select (no cases)"), so only the flags above are
 * taken off its end. An unknown status is kept as it is.
 */

import { GOROUTINE_DURABLE, GOROUTINE_LEAKED, GOROUTINE_SCAN } from "./goroutines.ts";
import { ascii, COLON, isDigit, SPACE, startsWith, textEnd } from "./goroutines-debug2-bytes.ts";
import { labelsEnd } from "./goroutines-debug2-labels.ts";

export const GOROUTINE = ascii("goroutine ");
const OPEN = 0x5b;
const CLOSE = 0x5d;
const COMMA = 0x2c;
const BRACE = 0x7b;
const GP = ascii(" gp=");
const LABELS = ascii(" labels:");
const MINUTES = ascii(" minutes");
const LOCKED = ascii(" locked to thread");
const MINUTES_MAX = 0xffff_ffff;

/** What one header says. One object is filled again and again: a dump has 100,000 headers. */
export class Header {
	goid = 0;
	/** Bounds of status and flags: `select (no cases) (scan)`. */
	statusStart = 0;
	statusEnd = 0;
	minutes = 0;
	locked = false;
	/** Bounds of the labels with their braces; equal if there are none. */
	labelsStart = 0;
	labelsEnd = 0;

	/** Reads the line [at, newline). False if it is not a whole header; the fields are then void. */
	read(bytes: Uint8Array, at: number, newline: number): boolean {
		const end = textEnd(bytes, at, newline);
		let p = this.#id(bytes, at + GOROUTINE.length);
		if (this.goid < 0) return false;
		// What gp=, m= and mp= say holds no bracket.
		if (startsWith(bytes, p, GP)) while (p < end && bytes[p] !== OPEN) p++;
		else p++;
		if (p >= end || bytes[p] !== OPEN || bytes[p - 1] !== SPACE) return false;
		this.minutes = 0;
		this.locked = false;
		this.labelsStart = 0;
		this.labelsEnd = 0;
		this.statusStart = p + 1;
		p = this.#word(bytes, p + 1, end);
		this.statusEnd = p;
		while (bytes[p] === COMMA && p < end) {
			const next = this.#word(bytes, p + 1, end);
			this.#attribute(bytes, p + 1, next);
			p = next;
		}
		if (startsWith(bytes, p, LABELS)) p = this.#labels(bytes, p + LABELS.length, end);
		if (p < 0 || p >= end || bytes[p] !== CLOSE) return false;
		p++;
		if (bytes[p] === SPACE && bytes[p + 1] === BRACE) p = this.#labels(bytes, p + 1, end);
		return p >= 0 && p < end && bytes[end - 1] === COLON;
	}

	#id(bytes: Uint8Array, at: number): number {
		let goid = 0;
		let p = at;
		for (; isDigit(bytes[p]); p++) goid = goid * 10 + ((bytes[p] ?? 0) - 0x30);
		this.goid = p > at && goid <= Number.MAX_SAFE_INTEGER ? goid : -1;
		return p;
	}

	/** Past the status or attribute at `at`. */
	#word(bytes: Uint8Array, at: number, end: number): number {
		let p = at;
		for (; p < end; p++) {
			const byte = bytes[p];
			if (byte === COMMA || byte === CLOSE) break;
			if (byte === SPACE && startsWith(bytes, p, LABELS)) break;
		}
		return p;
	}

	#attribute(bytes: Uint8Array, at: number, end: number): void {
		if (startsWith(bytes, at, LOCKED)) this.locked = true;
		let minutes = 0;
		let p = at + 1;
		for (; isDigit(bytes[p]); p++) minutes = minutes * 10 + ((bytes[p] ?? 0) - 0x30);
		if (p > at + 1 && p + MINUTES.length === end && startsWith(bytes, p, MINUTES)) {
			this.minutes = Math.min(minutes, MINUTES_MAX);
		}
	}

	#labels(bytes: Uint8Array, at: number, end: number): number {
		const past = labelsEnd(bytes, at, end);
		this.labelsStart = past < 0 ? 0 : at;
		this.labelsEnd = past < 0 ? 0 : past;
		return past;
	}
}

/** A status without its flags, and the flags as bits. */
export interface Status {
	readonly state: string;
	readonly flags: number;
}

const SUFFIXES: readonly (readonly [string, number])[] = [
	[" (leaked)", GOROUTINE_LEAKED],
	[" (scan)", GOROUTINE_SCAN],
	[" (durable)", GOROUTINE_DURABLE],
	[" (synctest)", GOROUTINE_DURABLE],
];

export function splitStatus(raw: string): Status {
	let state = raw;
	let flags = 0;
	for (let suffix: readonly [string, number] | undefined; ; ) {
		suffix = SUFFIXES.find(([word]) => state.endsWith(word));
		if (suffix === undefined) return { state, flags };
		state = state.slice(0, -suffix[0].length);
		flags |= suffix[1];
	}
}
