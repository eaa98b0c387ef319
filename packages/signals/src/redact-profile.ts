/**
 * Takes secrets out of the label values of a pprof profile (its wire form: profiles-pprof.ts), gzip undone.
 *
 *     12 .. sample { 1a 04 08 05 10 06   label { key: 5, str: 6 } }      string 5 "token", string 6 "eyJhbGci..."
 *     32 03 "***"                                                        string 6 as it is kept
 *
 * A string that is a secret as a label's value is replaced wherever the profile uses it. What does not follow the
 * wire form is left alone: the decoder will refuse it too.
 */
import { BYTES, VARINT, Wire } from "./protobuf-wire.ts";
import { redactUrl } from "./redact-url.ts";
import { looksSecret, namesSecret, REDACTED } from "./secret.ts";

const SAMPLE = 2;
const STRING = 6;
const SAMPLE_LABEL = 3;
const LABEL_KEY = 1;
const LABEL_TEXT = 2;
/** Distinct pairs of key and value looked at; a program that labels by request has many. */
const PAIRS_MAX = 1_000_000;
const PAIR = 0x1_0000_0000;

/** Gives the same array when nothing was found. */
export function redactProfile(bytes: Uint8Array): Uint8Array {
	const { pairs, strings } = scan(bytes);
	const secret = new Map<number, Uint8Array>();
	for (const pair of pairs) {
		const [key, value] = [textOf(bytes, strings[Math.floor(pair / PAIR)]), strings[pair % PAIR]];
		const text = textOf(bytes, value);
		if (value === undefined || text === "") continue;
		const shown = namesSecret(key) || looksSecret(text, key) ? REDACTED : redactUrl(text);
		if (shown !== text) secret.set(value.tagAt, new TextEncoder().encode(shown));
	}
	if (secret.size === 0) return bytes;
	return withReplaced(
		bytes,
		strings.filter(({ tagAt }) => secret.has(tagAt)),
		secret,
	);
}

/** A string's field, and its text within. */
interface Place {
	readonly tagAt: number;
	readonly start: number;
	readonly end: number;
}

function scan(bytes: Uint8Array): { pairs: Set<number>; strings: Place[] } {
	const wire = new Wire(bytes);
	const pairs = new Set<number>();
	const strings: Place[] = [];
	while (wire.at < bytes.length) {
		const tagAt = wire.at;
		if (!wire.tag(bytes.length)) break;
		if (wire.kind !== BYTES || (wire.field !== SAMPLE && wire.field !== STRING)) {
			if (!wire.skip(bytes.length)) break;
			continue;
		}
		const { field } = wire;
		if (!wire.open(bytes.length)) break;
		const { at: start, end } = wire;
		if (field === STRING) strings.push({ tagAt, start, end });
		else eachLabel(wire, end, pairs);
		wire.at = end;
	}
	return { pairs, strings };
}

function eachLabel(wire: Wire, end: number, pairs: Set<number>): void {
	while (wire.at < end && wire.tag(end)) {
		if (wire.kind !== BYTES || wire.field !== SAMPLE_LABEL) {
			if (!wire.skip(end)) return;
			continue;
		}
		if (!wire.open(end)) return;
		const labelEnd = wire.end;
		const pair = labelPair(wire, labelEnd);
		if (pair !== undefined && pairs.size < PAIRS_MAX) pairs.add(pair);
		wire.at = labelEnd;
	}
}

/** The indexes of key and text in one number; undefined for a label without text. */
function labelPair(wire: Wire, end: number): number | undefined {
	const index = { key: 0, text: 0 };
	while (wire.at < end && wire.tag(end)) {
		const { field, kind } = wire;
		if (!wire.skip(end)) break;
		if (kind !== VARINT) continue;
		if (field === LABEL_KEY) index.key = wire.lo;
		else if (field === LABEL_TEXT) index.text = wire.lo;
	}
	return index.text === 0 ? undefined : index.key * PAIR + index.text;
}

function textOf(bytes: Uint8Array, place: Place | undefined): string {
	return place === undefined ? "" : new TextDecoder().decode(bytes.subarray(place.start, place.end));
}

function withReplaced(
	bytes: Uint8Array,
	places: readonly Place[],
	by: ReadonlyMap<number, Uint8Array>,
): Uint8Array {
	const pieces: Uint8Array[] = [];
	let at = 0;
	for (const { tagAt, end } of places) {
		const text = by.get(tagAt) ?? new Uint8Array();
		pieces.push(
			bytes.subarray(at, tagAt),
			Uint8Array.of((STRING << 3) | BYTES, ...varint(text.length)),
			text,
		);
		at = end;
	}
	pieces.push(bytes.subarray(at));
	const out = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
	let written = 0;
	for (const piece of pieces) {
		out.set(piece, written);
		written += piece.length;
	}
	return out;
}

function varint(value: number): number[] {
	const low = value & 0x7f;
	return value < 0x80 ? [low] : [low | 0x80, ...varint(value >>> 7)];
}
