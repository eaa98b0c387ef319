/**
 * Fields that a hop adds, written from what was written before: most of them are the same in request after request.
 *
 *   x-forwarded-proto  http          written as the bytes of the last time
 *   traceparent        00-4bf92…     another each time: only its name is
 */

import { VALUE } from "./h1-head-bytes.ts";
import { isHopField } from "./h1-head-names.ts";
import { copyBytes, NO_ROOM, writeField, writeText } from "./h1-write.ts";
import type { FieldPairs } from "./message.ts";

/** More names are written without. */
const KNOWN_MAX = 256;
/** Longer fields are not kept. */
const KEPT_BYTES_MAX = 512;
const NONE = Buffer.alloc(0);
/** CRLF, and colon and space. */
const LINE_END_BYTES = 2;
const LABEL_END_BYTES = 2;

/** A name that may be written, which the hop does not decide on. */
class KnownName {
	/** `name: ` */
	readonly label: Buffer;
	/** Of the last time. */
	value: string | undefined = undefined;
	/** The whole line with this value, once it has come twice in a row. */
	line = NONE;

	constructor(label: Buffer) {
		this.label = label;
	}
}

const known = new Map<string, KnownName>();

/** The offset after them, NO_ROOM or UNWRITABLE; fields the hop decides on are left out. */
export function writeSet(out: Buffer, at: number, set: FieldPairs): number {
	let next = at;
	for (let index = 0; index < set.length && next >= 0; index += 2)
		next = writeKnown(out, next, set[index] as string, set[index + 1] as string);
	return next;
}

function writeKnown(out: Buffer, at: number, name: string, value: string): number {
	const before = known.get(name);
	if (before === undefined) return writeFirst(out, at, name, value);
	const isSame = before.value === value;
	if (isSame && before.line.length > 0) {
		if (out.length - at < before.line.length) return NO_ROOM;
		return copyBytes(out, at, before.line, 0, before.line.length);
	}
	const { label } = before;
	if (out.length - at < label.length + value.length + LINE_END_BYTES) return NO_ROOM;
	const valueAt = copyBytes(out, at, label, 0, label.length);
	const end = writeText(out, valueAt, value, VALUE);
	if (end < 0) return end;
	out[end] = 13;
	out[end + 1] = 10;
	const next = end + LINE_END_BYTES;
	before.line = isSame && next - at <= KEPT_BYTES_MAX ? Buffer.from(out.subarray(at, next)) : NONE;
	before.value = value.length <= KEPT_BYTES_MAX ? value : undefined;
	return next;
}

function writeFirst(out: Buffer, at: number, name: string, value: string): number {
	if (isHopField(name)) return at;
	const next = writeField(out, at, name, value);
	// Only a name that could be written is known: its letters are not looked at again.
	if (next < 0 || known.size >= KNOWN_MAX || name.length > KEPT_BYTES_MAX) return next;
	known.set(name, new KnownName(Buffer.from(out.subarray(at, at + name.length + LABEL_END_BYTES))));
	return next;
}
