/**
 * One decoding of a dump for all who ask: whoever recognises a pasted text decodes it to judge it, and what is judged
 * whole is decoded again as a part of a capture, from the same bytes. A dump of 200 MB takes half a second each time.
 */
import type { Decoded } from "./decoded.ts";
import type { GoroutineTable } from "./goroutines.ts";
import { decodeGoroutinesDebug2 } from "./goroutines-debug2.ts";

/** By the array itself: nobody changes bytes that were given to a decoder. Forgotten with the bytes. */
const known = new WeakMap<Uint8Array, Decoded<GoroutineTable>>();

export function decodeDumpOnce(bytes: Uint8Array): Decoded<GoroutineTable> {
	let decoded = known.get(bytes);
	if (decoded === undefined) {
		decoded = decodeGoroutinesDebug2(bytes);
		known.set(bytes, decoded);
	}
	return decoded;
}
