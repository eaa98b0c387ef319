/** Words of a 64-bit little-endian process: what amd64 and arm64 both are. */
import type { ProcessMemory } from "./process-memory.ts";

export const WORD = 8;

/** An unsigned word; undefined outside, and for numbers that are no address and no count. */
export function wordAt(bytes: Uint8Array, offset: number): number | undefined {
	if (offset < 0 || offset + WORD > bytes.length) return undefined;
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const value = view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 2 ** 32;
	return Number.isSafeInteger(value) ? value : undefined;
}

/** The word at an address; undefined where nothing can be read. */
export function readWord(memory: ProcessMemory, address: number): number | undefined {
	const bytes = memory.read(address, WORD);
	return bytes && wordAt(bytes, 0);
}
