/** What is recovered from pasted text: pieces that a decoder takes, what was mended, what is lost. */
import type { PartFormat } from "./capture.ts";

export interface Piece {
	readonly format: PartFormat;
	/** As the source would have printed it: what the decoder of `format` reads. */
	readonly bytes: Uint8Array;
	/** The line that announced it, where there was one: `SIGQUIT: quit`, `panic: out of orders`. */
	readonly title?: string;
	/** Where in the input it began. */
	readonly atByte: number;
	/** What was mended, in words. Nothing is lost by it. */
	readonly repairs: readonly string[];
	/** What cannot be had from this text, in words. */
	readonly losses: readonly string[];
	/** Lines between its own that belong to nothing. */
	readonly leftOut: number;
}

/** Pieces of one text; a log may hold a dump a minute for a day. */
export const PIECES_MAX = 2000;

export interface Unread {
	/** Lines that belong to no piece. */
	readonly lines: number;
	/** How the first of them begins, quoted. */
	readonly found: string;
}

export interface Recovered {
	/** In the order of the input. */
	readonly pieces: readonly Piece[];
	readonly unread?: Unread;
}
