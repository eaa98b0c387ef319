/**
 * The trailer section of a chunked body (RFC 9112 7.1.2): lines of fields up to an empty one, as strict as a head's.
 * It is rare, so it is gathered, and a line is read once its LF has come.
 *
 *     Grpc-Status: 0 CRLF  Grpc-Message: fine CRLF  CRLF
 */
import type { H1Fault } from "./h1-fault.ts";
import { LF } from "./h1-head-bytes.ts";
import { H1Fields, type HeadLimits } from "./h1-head-fields.ts";
import { readFields } from "./h1-head-lines.ts";
import { isTrailer } from "./h1-write.ts";
import type { FieldPairs } from "./message.ts";

const TRAILER_BYTES_MAX = 8 * 1024;
const TRAILERS_MAX = 32;
const LIMITS: HeadLimits = { headBytesMax: TRAILER_BYTES_MAX, fieldsMax: TRAILERS_MAX, targetBytesMax: 0 };
const GATHERED_AT_FIRST = 256;

/** Nothing in a trailer means anything to the hop: such fields are left out. */
class TrailerFields extends H1Fields {
	hopField(): H1Fault | undefined {
		return undefined;
	}
}

export class H1Trailers {
	/** Once the section is whole; undefined: none that may be a trailer. */
	fields: FieldPairs | undefined = undefined;
	readonly #lines = new TrailerFields();
	#gathered = Buffer.alloc(GATHERED_AT_FIRST);
	#length = 0;

	constructor() {
		this.#lines.begin();
	}

	get fault(): H1Fault | undefined {
		return this.#lines.fault;
	}

	/** The offset after the section; 0: it is not whole; -1: `fault`. */
	take(bytes: Buffer, start: number, end: number): number {
		const lines = this.#lines;
		for (let at = start; at < end; at++) {
			const byte = bytes[at] as number;
			if (this.#length === this.#gathered.length)
				this.#gathered = Buffer.concat([this.#gathered], this.#length * 2);
			this.#gathered[this.#length++] = byte;
			if (byte !== LF && this.#length < TRAILER_BYTES_MAX) continue;
			lines.bytes = this.#gathered;
			const read = readFields(lines, this.#gathered, lines.lineAt, this.#length, LIMITS);
			if (read < 0) return -1;
			if (read === 0) continue;
			this.fields = trailersOf(lines);
			return at + 1;
		}
		return 0;
	}
}

function trailersOf(lines: H1Fields): FieldPairs | undefined {
	const pairs: string[] = [];
	lines.each((name, value) => {
		if (isTrailer(name)) pairs.push(name, value);
	});
	return pairs.length === 0 ? undefined : pairs;
}
