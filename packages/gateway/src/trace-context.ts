/**
 * W3C Trace Context (Recommendation of 23 November 2021, level 1), between a client and an upstream.
 *
 *     traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *                  │  trace id, 32 hex digits          parent's span id  └ flags: bit 0 is "sampled"
 *                  └ version: ff is none; a later one may have more behind "-" and is read as far as we know it
 *     tracestate:  rojo=00f067aa0ba902b7,congo=t61rcWkgMzE
 *
 * Digits are small letters, and an id of zeros is none. What breaks a rule is as if it had not come: the trace begins
 * here then, and its tracestate goes no further.
 */
import { randomFillSync } from "node:crypto";

export interface ClientTrace {
	readonly traceId: string;
	/** The client's span: parent of ours. */
	readonly spanId: string;
	readonly sampled: boolean;
}

const PARENT_LENGTH = 55;
const DASH = 0x2d;
/** Longer than any version will be for a while. */
const PARENT_LENGTH_MAX = 256;

export function parseTraceparent(text: string): ClientTrace | undefined {
	const { length } = text;
	if (length < PARENT_LENGTH || length > PARENT_LENGTH_MAX) return undefined;
	const version = hexPair(text, 0);
	if (version < 0 || version === 0xff) return undefined;
	if (length > PARENT_LENGTH && (version === 0 || text.charCodeAt(PARENT_LENGTH) !== DASH)) return undefined;
	if (text.charCodeAt(2) !== DASH || text.charCodeAt(35) !== DASH || text.charCodeAt(52) !== DASH)
		return undefined;
	const flags = hexPair(text, 53);
	if (flags < 0 || !isId(text, 3, 35) || !isId(text, 36, 52)) return undefined;
	return { traceId: text.slice(3, 35), spanId: text.slice(36, 52), sampled: (flags & 1) === 1 };
}

/** For the upstream. `spanId` is ours: the parent of what happens there. Unknown flags of the client are dropped. */
export function traceparent(traceId: string, spanId: string, sampled: boolean): string {
	return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}

/** Level 1 wants at least so much to be passed on; longer ones are not. */
const STATE_LENGTH_MAX = 512;
const STATE_MEMBERS_MAX = 32;
const STATE_MEMBER =
	/^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/** Whether a tracestate may go on. Ask only beside a sound traceparent. */
export function isSoundTracestate(text: string): boolean {
	if (text.length > STATE_LENGTH_MAX) return false;
	const members = text
		.split(",")
		.map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ""))
		.filter((member) => member !== "");
	const keys = new Set(members.map((member) => member.slice(0, member.indexOf("="))));
	return (
		members.length <= STATE_MEMBERS_MAX &&
		keys.size === members.length &&
		members.every((member) => STATE_MEMBER.test(member))
	);
}

/**
 * New ids are cut out of a line of random digits that is drawn anew when it is used up. A cut keeps its whole line
 * alive, so the line is short: a tunnel that lives for days holds DIGITS of it and no more.
 */
const DIGITS = 1536;
const LINE_BYTES = DIGITS / 2;
/** Drawn at once for many lines: a call of the generator costs more than what it draws. */
const drawn = Buffer.alloc(LINE_BYTES * 16);
let drawnAt = drawn.length;
const ZEROS = "0".repeat(16);
let digits = "";
let at = DIGITS;

export function newTraceId(): string {
	return id(32);
}

export function newSpanId(): string {
	return id(16);
}

/** Whether a trace that begins here is among the `share` that is kept: every process says the same of one id. */
export function isInShare(traceId: string, share: number): boolean {
	if (share >= 1) return true;
	if (share <= 0) return false;
	return Number.parseInt(traceId.slice(24), 16) < share * 0x1_0000_0000;
}

function id(length: 16 | 32): string {
	if (at + length > DIGITS) refill();
	const start = at;
	at += length;
	return digits.slice(start, at);
}

function refill(): void {
	// An id of zeros is none: a line that could give one is as good as never drawn, and drawn again.
	do {
		if (drawnAt === drawn.length) {
			randomFillSync(drawn);
			drawnAt = 0;
		}
		digits = drawn.toString("hex", drawnAt, drawnAt + LINE_BYTES);
		drawnAt += LINE_BYTES;
	} while (digits.includes(ZEROS));
	at = 0;
}

/** Hex digits in small letters, not all of them zero. */
function isId(text: string, start: number, end: number): boolean {
	let some = 0;
	for (let place = start; place < end; place++) {
		const digit = hexDigit(text.charCodeAt(place));
		if (digit < 0) return false;
		some |= digit;
	}
	return some !== 0;
}

function hexPair(text: string, place: number): number {
	const high = hexDigit(text.charCodeAt(place));
	const low = hexDigit(text.charCodeAt(place + 1));
	return high < 0 || low < 0 ? -1 : (high << 4) | low;
}

function hexDigit(code: number): number {
	if (code >= 0x30 && code <= 0x39) return code - 0x30;
	return code >= 0x61 && code <= 0x66 ? code - 0x57 : -1;
}
