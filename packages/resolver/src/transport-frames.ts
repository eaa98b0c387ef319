/**
 * Messages on a stream: each behind its length in two octets (RFC 1035 section 4.2.2, RFC 7766 section 8).
 *
 *     00 1d │ 29 octets │ 00 5a │ 90 octets │ …          in chunks of any size
 *
 * What is kept is less than one message: a length is at most 65,535.
 */

const LENGTH_OCTETS = 2;
/** A message is not shorter than its header. */
const MESSAGE_OCTETS_MIN = 12;
/** Then they are put together: each takes some hundred octets beside its own, which may be one. */
const PARTS_MAX = 64;

export function frame(message: Uint8Array, id: number): Uint8Array {
	const framed = new Uint8Array(LENGTH_OCTETS + message.length);
	framed[0] = message.length >> 8;
	framed[1] = message.length & 0xff;
	framed.set(message, LENGTH_OCTETS);
	framed[2] = id >> 8;
	framed[3] = id & 0xff;
	return framed;
}

export class FrameReader {
	/** Parts of the message that is not whole yet. */
	#parts: Uint8Array[] = [];
	#size = 0;

	/** The messages that are whole now. Undefined: no DNS is spoken here, and nothing behind it can be read. */
	read(chunk: Uint8Array): readonly Uint8Array[] | undefined {
		this.#parts.push(chunk);
		this.#size += chunk.length;
		if (this.#parts.length > PARTS_MAX) this.#joined();
		const messages: Uint8Array[] = [];
		for (let need = this.#needed(); need !== undefined; need = this.#needed()) {
			if (need < LENGTH_OCTETS + MESSAGE_OCTETS_MIN) return undefined;
			if (this.#size < need) break;
			const all = this.#joined();
			messages.push(all.subarray(LENGTH_OCTETS, need));
			this.#parts = all.length > need ? [all.subarray(need)] : [];
			this.#size -= need;
		}
		return messages;
	}

	/** Octets of the next message with its length; undefined until that is known. */
	#needed(): number | undefined {
		if (this.#size < LENGTH_OCTETS) return undefined;
		let [first] = this.#parts;
		if (first === undefined || first.length < LENGTH_OCTETS) first = this.#joined();
		return LENGTH_OCTETS + (((first[0] ?? 0) << 8) | (first[1] ?? 0));
	}

	#joined(): Uint8Array {
		const [only, ...more] = this.#parts;
		if (only !== undefined && more.length === 0) return only;
		const all = new Uint8Array(this.#size);
		let at = 0;
		for (const part of this.#parts) {
			all.set(part, at);
			at += part.length;
		}
		this.#parts = [all];
		return all;
	}
}
