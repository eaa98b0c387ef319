/**
 * What an entry of the cache weighs. The bound of the cache is in these bytes; they were checked against the memory of
 * a whole process (`bench/src/dns-cache-memory.ts`) and stay above it.
 */
import { CELL_OCTETS } from "./cache-cells.ts";

export const CACHE_BYTES_DEFAULT = 64 * 1024 * 1024;
/** Less holds no useful answer. */
export const CACHE_BYTES_MIN = 64 * 1024;

/** With its link to the next. */
const CELL_BYTES = CELL_OCTETS + 4;
/** The numbers of an entry, with the room that grows ahead of need. */
const SLOT_BYTES = 96;
/** A string, its place in the table of names, and the reference by the entry. */
const NAME_BYTES = 80;

/** `octets`: of the message in wire form. */
export function entryBytes(nameLength: number, octets: number): number {
	return SLOT_BYTES + NAME_BYTES + nameLength + Math.max(1, Math.ceil(octets / CELL_OCTETS)) * CELL_BYTES;
}
