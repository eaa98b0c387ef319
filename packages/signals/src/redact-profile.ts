/**
 * Takes secrets out of the label values of a pprof profile (its wire form: profiles-pprof.ts), gzip undone.
 *
 *     12 .. sample { 1a 04 08 05 10 06   label { key: 5, str: 6 } }      string 5 "token", string 6 "eyJhbGci..."
 *     32 03 "***"                                                        string 6 as it is kept
 *
 * A string that is a secret as a label's value is replaced wherever the profile uses it. What does not follow the
 * wire form is left alone: the decoder will refuse it too.
 */
import { GrowingWords } from "./growing-words.ts";
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
/** A string's field takes two bytes at least: so many can there be. */
const STRING_BYTES_MIN = 2;

/** Gives the same array when nothing was found. What is beyond the bound is hidden unread. `pairsMax` is for tests. */
export function redactProfile(bytes: Uint8Array, pairsMax = PAIRS_MAX): Uint8Array {
	const { valuesOf, unread, strings } = scan(bytes, pairsMax);
	const secret = new Map<number, Uint8Array>();
	for (const [keyIndex, values] of valuesOf) {
		const key = strings.text(bytes, keyIndex);
		const named = namesSecret(key);
		for (const index of values) {
			const text = strings.text(bytes, index);
			if (text === "") continue;
			const shown = named || looksSecret(text, key) ? REDACTED : redactUrl(text);
			if (shown !== text) secret.set(index, new TextEncoder().encode(shown));
		}
	}
	unread?.forEach((isUnread, index) => {
		if (isUnread === 1 && strings.text(bytes, index) !== "")
			secret.set(index, new TextEncoder().encode(REDACTED));
	});
	if (secret.size === 0) return bytes;
	return withReplaced(bytes, strings, secret);
}

/** Every string of the profile, names and paths too, as `change` has it. Gives the same array where that changes none. */
export function withStrings(bytes: Uint8Array, change: (text: string) => string): Uint8Array {
	const { strings } = scan(bytes, 0);
	const changed = new Map<number, Uint8Array>();
	for (let index = 0; index < strings.starts.length; index++) {
		const text = strings.text(bytes, index);
		const wanted = change(text);
		if (wanted !== text) changed.set(index, new TextEncoder().encode(wanted));
	}
	return changed.size === 0 ? bytes : withReplaced(bytes, strings, changed);
}

/** The strings' fields, and their texts within: columns, as a profile with trace ids has a million of them. */
class Places {
	readonly tags = new GrowingWords();
	readonly starts = new GrowingWords();
	readonly ends = new GrowingWords();

	text(bytes: Uint8Array, index: number): string {
		if (index >= this.starts.length) return "";
		return utf8.decode(bytes.subarray(this.starts.at(index), this.ends.at(index)));
	}
}

const utf8 = new TextDecoder();

/** Indexes of the texts that were seen under each key's index. */
type ValuesOf = Map<number, Set<number>>;

function scan(
	bytes: Uint8Array,
	pairsMax: number,
): { valuesOf: ValuesOf; unread: Uint8Array | undefined; strings: Places } {
	const wire = new Wire(bytes);
	const pairs = new Pairs(pairsMax, Math.ceil(bytes.length / STRING_BYTES_MIN));
	const strings = new Places();
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
		if (field === STRING) {
			strings.tags.push(tagAt);
			strings.starts.push(start);
			strings.ends.push(end);
		} else eachLabel(wire, end, pairs);
		wire.at = end;
	}
	return { valuesOf: pairs.valuesOf, unread: pairs.unread, strings };
}

class Pairs {
	readonly valuesOf: ValuesOf = new Map();
	/** By index of the text: 1 for those that came when there were too many pairs. */
	unread: Uint8Array | undefined;
	readonly #stringsMax: number;
	#left: number;

	constructor(pairsMax: number, stringsMax: number) {
		this.#left = pairsMax;
		this.#stringsMax = stringsMax;
	}

	add(key: number, text: number): void {
		let values = this.valuesOf.get(key);
		if (values?.has(text)) return;
		if (this.#left === 0) {
			this.unread ??= new Uint8Array(this.#stringsMax);
			this.unread[text] = 1;
			return;
		}
		if (values === undefined) {
			values = new Set();
			this.valuesOf.set(key, values);
		}
		values.add(text);
		this.#left--;
	}
}

function eachLabel(wire: Wire, end: number, pairs: Pairs): void {
	while (wire.at < end && wire.tag(end)) {
		if (wire.kind !== BYTES || wire.field !== SAMPLE_LABEL) {
			if (!wire.skip(end)) return;
			continue;
		}
		if (!wire.open(end)) return;
		const labelEnd = wire.end;
		notePair(wire, labelEnd, pairs);
		wire.at = labelEnd;
	}
}

/** A label without text has none to be redacted. */
function notePair(wire: Wire, end: number, pairs: Pairs): void {
	let key = 0;
	let text = 0;
	while (wire.at < end && wire.tag(end)) {
		const { field, kind } = wire;
		if (!wire.skip(end)) break;
		if (kind !== VARINT) continue;
		if (field === LABEL_KEY) key = wire.lo;
		else if (field === LABEL_TEXT) text = wire.lo;
	}
	if (text !== 0) pairs.add(key, text);
}

function withReplaced(bytes: Uint8Array, places: Places, by: ReadonlyMap<number, Uint8Array>): Uint8Array {
	const pieces: Uint8Array[] = [];
	let at = 0;
	for (const [index, text] of [...by].sort(([a], [b]) => a - b)) {
		pieces.push(
			bytes.subarray(at, places.tags.at(index)),
			Uint8Array.of((STRING << 3) | BYTES, ...varint(text.length)),
			text,
		);
		at = places.ends.at(index);
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
