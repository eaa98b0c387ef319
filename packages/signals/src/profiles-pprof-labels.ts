/**
 * The labels of a sample: `Label` has a key and a string, or a key, a number and the number's unit. One with
 * neither is no label, as for `go tool pprof`: the wire form leaves out what is zero or empty.
 */

import type { NumericLabel, ProfileLabels } from "./profiles.ts";
import { NO_STRING } from "./profiles-pprof-scan.ts";
import type { Strings } from "./profiles-pprof-strings.ts";
import { BYTES, VARINT, type Wire } from "./protobuf-wire.ts";

const LABEL = 3;

/** Labels kept of one sample. Go's own code adds one to four. */
const LABELS_MAX = 256;

/** One label as it lies there: indexes of strings, and the number in two words. */
interface LabelRecord {
	key: number;
	text: number;
	unit: number;
	lo: number;
	hi: number;
}

/** Labels between `start` and `end`, which lie within a sample and begin and end with whole fields. */
export function labelsIn(wire: Wire, start: number, end: number, strings: Strings): ProfileLabels {
	const texts: [string, string][] = [];
	const numbers: NumericLabel[] = [];
	eachLabel(wire, start, end, ({ key, text, unit, lo, hi }) => {
		if (text !== 0) texts.push([strings.at(key), strings.at(text)]);
		else if (lo !== 0 || hi !== 0 || unit !== 0) {
			const value = BigInt.asIntN(64, (BigInt(hi) << 32n) | BigInt(lo));
			numbers.push({ key: strings.at(key), value, unit: strings.at(unit) });
		}
	});
	// Not by assignment: a label may be called __proto__.
	return { strings: Object.fromEntries(texts), numbers };
}

/** The indexes of each label that has a text. */
export function eachText(
	wire: Wire,
	start: number,
	end: number,
	tell: (key: number, text: number) => void,
): void {
	eachLabel(wire, start, end, ({ key, text }) => {
		if (text !== 0) tell(key, text);
	});
}

/** Why these labels are not whole; "" if they are. Indexes beyond the strings are told by `strings`. */
export function labelsFault(wire: Wire, start: number, end: number, strings: Strings): string {
	return eachLabel(wire, start, end, ({ key, text, unit }) => {
		strings.check(key, start);
		strings.check(text, start);
		strings.check(unit, start);
	});
}

function eachLabel(wire: Wire, start: number, end: number, tell: (label: LabelRecord) => void): string {
	let count = 0;
	const label: LabelRecord = { key: 0, text: 0, unit: 0, lo: 0, hi: 0 };
	wire.at = start;
	while (wire.at < end) {
		if (!wire.tag(end)) return wire.fault;
		if (wire.field !== LABEL || wire.kind !== BYTES) {
			if (!wire.skip(end)) return wire.fault;
			continue;
		}
		if (!wire.open(end)) return wire.fault;
		if (count++ === LABELS_MAX) return `more than ${LABELS_MAX} labels`;
		const next = wire.end;
		if (!readLabel(wire, label, next)) return wire.fault;
		tell(label);
		wire.at = next;
	}
	return "";
}

function readLabel(wire: Wire, label: LabelRecord, end: number): boolean {
	label.key = label.text = label.unit = label.lo = label.hi = 0;
	while (wire.at < end) {
		if (!wire.tag(end)) return false;
		const { field, kind } = wire;
		if (!wire.skip(end)) return false;
		if (kind !== VARINT) continue;
		const index = wire.hi === 0 ? wire.lo : NO_STRING;
		if (field === 1) label.key = index;
		else if (field === 2) label.text = index;
		else if (field === 3) {
			label.lo = wire.lo;
			label.hi = wire.hi;
		} else if (field === 4) label.unit = index;
	}
	return true;
}
