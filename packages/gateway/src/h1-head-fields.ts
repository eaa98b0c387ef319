/**
 * What heads of requests and responses have alike: their fields, as places in the bytes they came in.
 *
 *     Accept:  text/html \r\n
 *     name  colon value  valueEnd             four offsets a field, from the first byte of the head
 */

import { isNameAt } from "./field-names.ts";
import type { H1Fault } from "./h1-fault.ts";
import { ORDINARY } from "./h1-head-names.ts";

export interface HeadLimits {
	readonly headBytesMax: number;
	readonly fieldsMax: number;
	/** Requests only. */
	readonly targetBytesMax: number;
}

/** Options that Connection brought. */
export const SAYS_CLOSE = 1;
export const SAYS_KEEP_ALIVE = 2;
export const SAYS_UPGRADE = 4;
/** Names of fields to strip. */
export const SAYS_NAMES = 8;

/** Of `lineAt`: nothing of this head has been read. */
export const NOT_BEGUN = -1;
const PLACES_A_FIELD = 4;
const FIELDS_AT_FIRST = 16;
const NO_BYTES = Buffer.alloc(0);

/** Public here is what the parsers and writers of h1-* fill and read; others keep to message.ts. */
export class H1Fields {
	/** What Content-Length says, also where no body comes with it (HEAD, 304); 0 without body; undefined for chunked and until close. */
	bodyLength: number | undefined = 0;
	/** Why `parse…Head` answered -1. */
	fault: H1Fault | undefined = undefined;

	bytes: Buffer = NO_BYTES;
	base = 0;
	/** From base to the byte after the empty line. */
	headBytes = 0;
	/** From base: the first line, after an empty one that may come before it; and the first field. */
	firstLine = 0;
	firstField = 0;
	count = 0;
	places = new Int32Array(FIELDS_AT_FIRST * PLACES_A_FIELD);
	kinds = new Uint8Array(FIELDS_AT_FIRST);

	/** Of a head that is not whole yet, from base: the line to go on with, and where its LF was looked for. */
	lineAt = NOT_BEGUN;
	scanned = 0;

	/** Of the fields that are about this hop; -1: none. */
	hostField = -1;
	lengthField = -1;
	upgradeField = -1;
	contentLength = -1;
	isChunked = false;
	connection = 0;
	acceptsTrailers = false;
	expectsContinue = false;

	/** First value by this name in lower case. */
	value(name: string): string | undefined {
		const { bytes, base, places, count, kinds } = this;
		for (let index = 0, place = 0; index < count; index++, place += PLACES_A_FIELD) {
			if (kinds[index] !== ORDINARY) continue;
			const start = places[place] as number;
			if ((places[place + 1] as number) - start !== name.length) continue;
			if (isNameAt(bytes, base + start, name)) return this.valueAt(index);
		}
		return undefined;
	}

	each(visit: (name: string, value: string) => void): void {
		for (let index = 0; index < this.count; index++)
			if (this.kinds[index] === ORDINARY) visit(this.nameAt(index), this.valueAt(index));
	}

	/** Copies the head away from bytes that will be used again. */
	detach(): void {
		const { base, headBytes } = this;
		this.bytes = Buffer.from(this.bytes.subarray(base, base + headBytes));
		this.base = 0;
	}

	/** Lets go of the bytes, whole head or not; the view can be used for the next. */
	release(): void {
		this.bytes = NO_BYTES;
		this.base = 0;
		this.headBytes = 0;
		this.count = 0;
		this.lineAt = NOT_BEGUN;
	}

	nameAt(index: number): string {
		const { base, places } = this;
		const place = index * PLACES_A_FIELD;
		return this.bytes
			.toString("latin1", base + (places[place] as number), base + (places[place + 1] as number))
			.toLowerCase();
	}

	valueAt(index: number): string {
		const { base, places } = this;
		const place = index * PLACES_A_FIELD;
		return this.bytes.toString(
			"latin1",
			base + (places[place + 2] as number),
			base + (places[place + 3] as number),
		);
	}

	/** From base: where the line of field `index` begins; of `count`, the empty line. */
	lineOf(index: number): number {
		return index < this.count ? (this.places[index * PLACES_A_FIELD] as number) : this.headBytes - 2;
	}

	/** Written `Name: value` and nothing else, so that its line may be passed on as it is though others act on it. */
	isPlain(index: number): boolean {
		const { bytes, base, places } = this;
		const place = index * PLACES_A_FIELD;
		const colon = places[place + 1] as number;
		return (
			bytes[base + colon + 1] === 0x20 &&
			places[place + 2] === colon + 2 &&
			(places[place + 3] as number) + 2 === this.lineOf(index + 1)
		);
	}

	/** Before the first byte of a head. */
	begin(): void {
		this.fault = undefined;
		this.bodyLength = 0;
		this.headBytes = 0;
		this.firstLine = 0;
		this.firstField = 0;
		this.count = 0;
		this.lineAt = 0;
		this.scanned = 0;
		this.hostField = -1;
		this.lengthField = -1;
		this.upgradeField = -1;
		this.contentLength = -1;
		this.isChunked = false;
		this.connection = 0;
		this.acceptsTrailers = false;
		this.expectsContinue = false;
	}

	/** Refused; the next call begins anew. */
	refuse(fault: H1Fault): -1 {
		this.fault = fault;
		this.lineAt = NOT_BEGUN;
		return -1;
	}

	/** More room for places; `fieldsMax` of the caller bounds it. */
	grow(): void {
		const places = new Int32Array(this.places.length * 2);
		places.set(this.places);
		this.places = places;
		const kinds = new Uint8Array(this.kinds.length * 2);
		kinds.set(this.kinds);
		this.kinds = kinds;
	}
}
