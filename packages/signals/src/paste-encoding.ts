/** Text in another encoding than UTF-8 as UTF-8: UTF-16 with its mark, or without where every other byte is zero. */

const SAMPLE_BYTES = 4096;

export interface Encoded {
	readonly bytes: Uint8Array;
	readonly utf16: boolean;
	/** Bytes of the input for one of the output, to tell where things were. */
	readonly bytesPerByte: number;
	/** A byte order mark that was taken off. */
	readonly markBytes: number;
}

export function asUtf8(bytes: Uint8Array): Encoded {
	if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
		return { bytes: bytes.subarray(3), utf16: false, bytesPerByte: 1, markBytes: 3 };
	}
	const order = byteOrder(bytes);
	if (order === undefined) return { bytes, utf16: false, bytesPerByte: 1, markBytes: 0 };
	const text = new TextDecoder(order).decode(bytes);
	return { bytes: new TextEncoder().encode(text), utf16: true, bytesPerByte: 2, markBytes: 0 };
}

function byteOrder(bytes: Uint8Array): "utf-16le" | "utf-16be" | undefined {
	if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
	if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
	const end = Math.min(bytes.length, SAMPLE_BYTES) & ~1;
	if (end < 8) return undefined;
	let even = 0;
	let odd = 0;
	for (let at = 0; at < end; at += 2) {
		if (bytes[at] === 0) even++;
		if (bytes[at + 1] === 0) odd++;
	}
	const pairs = end / 2;
	if (odd > pairs * 0.8 && even < pairs * 0.05) return "utf-16le";
	return even > pairs * 0.8 && odd < pairs * 0.05 ? "utf-16be" : undefined;
}
