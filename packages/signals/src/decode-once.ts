/**
 * One decoding for all who ask: whoever recognises a loose file decodes it to judge it, and what is judged whole is
 * decoded again as a part of a capture, from the same bytes. A dump of 200 MB takes half a second each time, a profile
 * of a million goroutines more.
 */
import type { Decoded } from "./decoded.ts";
import { decodeGoroutinesDebug1 } from "./goroutines-debug1.ts";
import { decodeGoroutinesDebug2 } from "./goroutines-debug2.ts";
import { decodePprof } from "./profiles-pprof.ts";

export const decodeDumpOnce = once(decodeGoroutinesDebug2);
export const decodeCountsOnce = once(decodeGoroutinesDebug1);
export const decodePprofOnce = once(decodePprof);

/** By the array itself: nobody changes bytes that were given to a decoder. Forgotten with the bytes. */
function once<T>(decode: (bytes: Uint8Array) => Decoded<T>): (bytes: Uint8Array) => Decoded<T> {
	const known = new WeakMap<Uint8Array, Decoded<T>>();
	return (bytes) => {
		let decoded = known.get(bytes);
		if (decoded === undefined) {
			decoded = decode(bytes);
			known.set(bytes, decoded);
		}
		return decoded;
	};
}
