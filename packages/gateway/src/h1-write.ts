/** Pieces of a message as bytes. All answer the offset after what they wrote, NO_ROOM or UNWRITABLE. */
import type { FieldPairs } from "./message.ts";

/** The buffer is too small; nothing is lost, call again with a larger one. */
export const NO_ROOM = -1;
/** A name, value, path, method or host has what would end its line, or nothing of its kind may have. Reset the exchange. */
export const UNWRITABLE = -2;
/** A chunk's length and CRLF. */
export const CHUNK_HEAD_BYTES_MAX = 16;

/** For a chunk of `length` bytes, which is not 0. */
export function writeChunkHead(_out: Buffer, _at: number, _length: number): number {
	return NO_ROOM;
}

/** After the bytes of a chunk. */
export function writeChunkEnd(_out: Buffer, _at: number): number {
	return NO_ROOM;
}

/** Trailers that framing or routing hang on are left out. */
export function writeLastChunk(_out: Buffer, _at: number, _trailers: FieldPairs | undefined): number {
	return NO_ROOM;
}
