/**
 * Pieces of a message as bytes. All answer the offset after what they wrote, NO_ROOM or UNWRITABLE.
 *
 * Texts are looked at letter by letter as they become bytes, wherever they come from: no value that holds CR or LF is
 * ever written, so no header can be split by a string.
 */
import { fieldNames } from "./field-names.ts";
import { endOf, TOKEN, VALUE } from "./h1-head-bytes.ts";
import { HOP_FIELDS, isLookalike } from "./h1-head-names.ts";
import { letterAt } from "./letters.ts";
import type { FieldPairs } from "./message.ts";

/** The buffer is too small; nothing is lost, call again with a larger one. */
export const NO_ROOM = -1;
/** A name, value, path, method or host has what would end its line, or nothing of its kind may have. Reset the exchange. */
export const UNWRITABLE = -2;

const ZERO = 0x30;
const COPIED_BY_HAND_MAX = 48;
const LETTERS_BY_HAND_MAX = 24;
/** Of a string that holds none, as nearly all do, this is known without looking at its letters. */
const BEYOND_BYTES = /[^\0-\xff]/;

/** Fields that frame, route, authorize or explain a body must be known before it (RFC 9110 6.5.1). */
const NOT_IN_TRAILERS = fieldNames([
	...HOP_FIELDS.names,
	...["trailer", "authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate"],
	...["content-type", "content-encoding", "content-range", "range", "cache-control", "max-forwards"],
	...["cookie", "set-cookie", "forwarded", "if-match", "if-none-match", "if-modified-since"],
	...[
		"if-unmodified-since",
		"if-range",
		"age",
		"date",
		"expires",
		"location",
		"retry-after",
		"vary",
		"warning",
	],
]);

/** Both ways, read and written. */
export function isTrailer(name: string): boolean {
	return !NOT_IN_TRAILERS.has(name) && !name.startsWith("x-forwarded-") && !isLookalike(name);
}

/** For a chunk of `length` bytes, which is not 0: that would be the end. */
export function writeChunkHead(out: Buffer, at: number, length: number): number {
	if (length === 0) throw new RangeError("a chunk of nothing ends the body");
	const digits = length < 0x10000 ? hexDigits(length) : length.toString(16).length;
	if (out.length - at < digits + 2) return NO_ROOM;
	let rest = length;
	for (let place = at + digits - 1; place >= at; place--) {
		const digit = rest % 16;
		out[place] = digit < 10 ? ZERO + digit : 0x57 + digit;
		rest = (rest - digit) / 16;
	}
	return writeChunkEnd(out, at + digits);
}

function hexDigits(number: number): number {
	return number < 0x100 ? (number < 0x10 ? 1 : 2) : number < 0x1000 ? 3 : 4;
}

/** After the bytes of a chunk. */
export function writeChunkEnd(out: Buffer, at: number): number {
	if (out.length - at < 2) return NO_ROOM;
	out[at] = 13;
	out[at + 1] = 10;
	return at + 2;
}

/** Those that may not be trailers are left out. */
export function writeLastChunk(out: Buffer, at: number, trailers: FieldPairs | undefined): number {
	if (out.length - at < 3) return NO_ROOM;
	out[at] = ZERO;
	let next = writeChunkEnd(out, at + 1);
	if (trailers !== undefined)
		for (let index = 0; index < trailers.length && next >= 0; index += 2) {
			const name = trailers[index] as string;
			if (isTrailer(name)) next = writeField(out, next, name, trailers[index + 1] as string);
		}
	return next < 0 ? next : writeChunkEnd(out, next);
}

/** `name: value` CRLF. */
export function writeField(out: Buffer, at: number, name: string, value: string): number {
	if (out.length - at < name.length + value.length + 4) return NO_ROOM;
	if (name.length === 0) return UNWRITABLE;
	let next = writeText(out, at, name, TOKEN);
	if (next < 0) return next;
	out[next] = 0x3a;
	out[next + 1] = 0x20;
	next = writeText(out, next + 2, value, VALUE);
	return next < 0 ? next : writeChunkEnd(out, next);
}

/** Where there is room for it; each letter must be in the table. */
export function writeText(out: Buffer, at: number, text: string, allowed: Uint8Array): number {
	const { length } = text;
	const end = at + length;
	if (length > LETTERS_BY_HAND_MAX) {
		if (BEYOND_BYTES.test(text)) return UNWRITABLE;
		out.write(text, at, "latin1");
		return endOf(allowed, out, at, end) === end ? end : UNWRITABLE;
	}
	for (let index = 0; index < length; index++) {
		const code = letterAt.call(text, index);
		if (code > 0xff || allowed[code] === 0) return UNWRITABLE;
		out[at + index] = code;
	}
	return end;
}

/** Where there is room for it. */
export function writeNumber(out: Buffer, at: number, number: number): number {
	let digits = 1;
	for (let bound = 10; number >= bound; bound *= 10) digits++;
	let rest = number;
	for (let place = at + digits - 1; place >= at; place--) {
		const digit = rest % 10;
		out[place] = ZERO + digit;
		rest = (rest - digit) / 10;
	}
	return at + digits;
}

/** Where there is room for it. A call into the runtime costs as much as some dozens of bytes by hand. */
export function copyBytes(out: Buffer, at: number, from: Buffer, start: number, end: number): number {
	if (end - start > COPIED_BY_HAND_MAX) {
		from.copy(out, at, start, end);
		return at + end - start;
	}
	let next = at;
	for (let place = start; place < end; place++, next++) out[next] = from[place] as number;
	return next;
}
