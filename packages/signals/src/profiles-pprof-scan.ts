/**
 * The first reading of a profile: where each of its records lies. A profile's fields come in any order, and
 * its strings mostly last, so nothing can be understood before all of it was seen.
 */
import type { Flaws } from "./flaws.ts";
import { GrowingWords } from "./growing-words.ts";
import { Ids } from "./profiles-pprof-ids.ts";
import { BYTES, VARINT, Wire } from "./protobuf-wire.ts";

/** Fields of the message Profile. */
const SAMPLE_TYPE = 1;
const SAMPLE = 2;
const MAPPING = 3;
const LOCATION = 4;
const FUNCTION = 5;
const STRING = 6;
const TIME_NANOS = 9;
const DURATION_NANOS = 10;
const PERIOD_TYPE = 11;
const PERIOD = 12;
const COMMENT = 13;
const DEFAULT_TYPE = 14;
/** The first field of a profile may be any up to this, doc_url. */
const FIELD_LAST = 15;

/** Kinds of values in a profile; Go's heap profile has 4. */
const TYPES_MAX = 32;
/** Comments kept; `go tool pprof` writes a handful. */
const COMMENTS_MAX = 1000;
/** Records kept of each sort. A million goroutines have a million samples; programs of 500,000 locations are known. */
const SAMPLES_MAX = 1 << 24;
const STRINGS_MAX = 1 << 22;
const LOCATIONS_MAX = 1 << 21;
const FUNCTIONS_MAX = 1 << 21;
const MAPPING_NAMES_MAX = 1 << 16;
/** An index that no table of strings reaches. */
export const NO_STRING = 0xffff_ffff;

export interface TypeRecord {
	/** Indexes of strings. */
	readonly type: number;
	readonly unit: number;
}

/** Columns of `Function`: indexes of strings, and the line. */
class FunctionColumns {
	readonly ids = new Ids();
	readonly name = new GrowingWords();
	readonly systemName = new GrowingWords();
	readonly file = new GrowingWords();
	readonly startLine = new GrowingWords();
}

/** Columns of `Location`; its lines are read where they lie. */
class LocationColumns {
	readonly ids = new Ids();
	readonly starts = new GrowingWords();
	readonly ends = new GrowingWords();
}

export class ProfileScan {
	readonly types: TypeRecord[] = [];
	/** Where the message of each sample, and each string, begins and ends. */
	readonly sampleStarts = new GrowingWords();
	readonly sampleEnds = new GrowingWords();
	readonly stringStarts = new GrowingWords();
	readonly stringEnds = new GrowingWords();
	readonly functions = new FunctionColumns();
	readonly locations = new LocationColumns();
	readonly comments: number[] = [];
	/** Names of mapped files: nothing uses them, but that they are there shows that the strings are whole. */
	readonly mappingNames: number[] = [];
	periodType: TypeRecord | undefined;
	period = 0n;
	timeNanos = 0n;
	durationNanos = 0n;
	defaultType = 0;
	/** Why the bytes cannot be a profile at all. */
	foreign = false;
	readonly #wire: Wire;
	readonly #flaws: Flaws;

	constructor(bytes: Uint8Array, flaws: Flaws) {
		this.#wire = new Wire(bytes);
		this.#flaws = flaws;
		this.#scan(bytes.length);
		this.#index();
		this.foreign ||= this.types.length === 0;
	}

	#scan(end: number): void {
		const wire = this.#wire;
		while (wire.at < end) {
			const start = wire.at;
			const known = wire.tag(end);
			if (start === 0 && (!known || wire.field > FIELD_LAST)) this.foreign = true;
			if (this.foreign) return;
			if (!known || !this.#field(wire.field, end)) {
				this.#flaws.truncated(`the profile ends here: expected a field, found ${wire.fault}`, start);
				return;
			}
		}
	}

	/** False if the field is not whole. */
	#field(field: number, end: number): boolean {
		const wire = this.#wire;
		if (wire.kind === BYTES) {
			if (!wire.open(end)) return false;
			const next = wire.end;
			this.#message(field, wire.at, next);
			wire.at = next;
			return true;
		}
		const kind = wire.kind;
		if (!wire.skip(end)) return false;
		if (kind === VARINT) this.#number(field);
		return true;
	}

	#message(field: number, start: number, end: number): void {
		switch (field) {
			case SAMPLE:
				if (!this.#room(this.sampleStarts, SAMPLES_MAX, "samples", start)) break;
				this.sampleStarts.push(start);
				this.sampleEnds.push(end);
				break;
			case STRING:
				if (!this.#room(this.stringStarts, STRINGS_MAX, "strings", start)) break;
				this.stringStarts.push(start);
				this.stringEnds.push(end);
				break;
			case MAPPING:
				this.#mapping(start, end);
				break;
			case LOCATION:
				this.#location(start, end);
				break;
			case FUNCTION:
				this.#function(start, end);
				break;
			case SAMPLE_TYPE:
				this.#sampleType(start, end);
				break;
			case PERIOD_TYPE:
				this.periodType = this.#valueType(start, end) ?? this.periodType;
				break;
			case COMMENT:
				this.#packedComments(end);
				break;
		}
	}

	#room(list: { readonly length: number }, max: number, what: string, at: number): boolean {
		if (list.length < max) return true;
		this.#flaws.truncated(`more than ${max} ${what}: the others are left out`, at);
		return false;
	}

	#number(field: number): void {
		switch (field) {
			case TIME_NANOS:
				this.timeNanos = this.#signed();
				break;
			case DURATION_NANOS:
				this.durationNanos = this.#signed();
				break;
			case PERIOD:
				this.period = this.#signed();
				break;
			case DEFAULT_TYPE:
				this.defaultType = this.#stringIndex();
				break;
			case COMMENT:
				if (this.comments.length < COMMENTS_MAX) this.comments.push(this.#stringIndex());
				break;
		}
	}

	#packedComments(end: number): void {
		const wire = this.#wire;
		while (wire.at < end && this.comments.length < COMMENTS_MAX && wire.varint(end)) {
			this.comments.push(this.#stringIndex());
		}
	}

	#sampleType(start: number, end: number): void {
		const type = this.#valueType(start, end);
		if (type === undefined) return;
		if (this.types.length < TYPES_MAX) this.types.push(type);
		else this.#flaws.malformed(`more than ${TYPES_MAX} kinds of values: the others are left out`, start);
	}

	#valueType(start: number, end: number): TypeRecord | undefined {
		const found = { type: 0, unit: 0 };
		const whole = this.#fields(start, end, "a type of values", (field) => {
			if (field === 1) found.type = this.#stringIndex();
			else if (field === 2) found.unit = this.#stringIndex();
		});
		return whole ? found : undefined;
	}

	#mapping(start: number, end: number): void {
		this.#fields(start, end, "a mapping", (field) => {
			const isName = field === 5 || field === 6;
			if (isName && this.mappingNames.length < MAPPING_NAMES_MAX) this.mappingNames.push(this.#stringIndex());
		});
	}

	#location(start: number, end: number): void {
		let lo = 0;
		let hi = 0;
		const whole = this.#fields(start, end, "a location", (field) => {
			if (field !== 1) return;
			lo = this.#wire.lo;
			hi = this.#wire.hi;
		});
		if (!whole || !this.#room(this.locations.starts, LOCATIONS_MAX, "locations", start)) return;
		this.locations.ids.push(lo, hi);
		this.locations.starts.push(start);
		this.locations.ends.push(end);
	}

	#function(start: number, end: number): void {
		const wire = this.#wire;
		const row = { lo: 0, hi: 0, name: 0, systemName: 0, file: 0, startLine: 0 };
		const whole = this.#fields(start, end, "a function", (field) => {
			if (field === 1) [row.lo, row.hi] = [wire.lo, wire.hi];
			else if (field === 2) row.name = this.#stringIndex();
			else if (field === 3) row.systemName = this.#stringIndex();
			else if (field === 4) row.file = this.#stringIndex();
			else if (field === 5) row.startLine = lineOf(wire);
		});
		const { functions } = this;
		if (!whole || !this.#room(functions.name, FUNCTIONS_MAX, "functions", start)) return;
		functions.ids.push(row.lo, row.hi);
		functions.name.push(row.name);
		functions.systemName.push(row.systemName);
		functions.file.push(row.file);
		functions.startLine.push(row.startLine);
	}

	/** Tells `number` of every number of a message; false, and a flaw, if the message is broken. */
	#fields(start: number, end: number, what: string, number: (field: number) => void): boolean {
		const wire = this.#wire;
		wire.at = start;
		while (wire.at < end) {
			const known = wire.tag(end);
			const { field, kind } = wire;
			if (!known || !wire.skip(end)) {
				this.#flaws.malformed(`expected ${what}, found ${wire.fault}`, start);
				return false;
			}
			if (kind === VARINT) number(field);
		}
		return true;
	}

	#index(): void {
		for (const place of this.locations.ids.build()) {
			this.#flaws.malformed(
				"two locations with the same id: the first is used",
				this.locations.starts.at(place),
			);
		}
		const twice = this.functions.ids.build().length;
		if (twice > 0) this.#flaws.malformed(`${twice} functions with the id of another: the first is used`, 0);
	}

	#stringIndex(): number {
		return this.#wire.hi === 0 ? this.#wire.lo : NO_STRING;
	}

	#signed(): bigint {
		return BigInt.asIntN(64, (BigInt(this.#wire.hi) << 32n) | BigInt(this.#wire.lo));
	}
}

/** A line number: anything that cannot be one is 0, unknown. */
export function lineOf({ lo, hi }: { readonly lo: number; readonly hi: number }): number {
	return hi === 0 && lo < 0x8000_0000 ? lo : 0;
}
