/**
 * Undoes the compression that profiles come in: gzip, as net/http/pprof and every pprof writer does, or zlib.
 *
 * Half a profile is worth more than none: what could be inflated is given, with the reason why it is not all.
 */
import { constants, gunzipSync, inflateSync, type ZlibOptions } from "node:zlib";
import type { ReadBytes } from "./recorder.ts";

/** Inflated bytes kept; a million goroutines with labels of their own take about half of it. */
const INFLATED_BYTES_MAX = 256 << 20;
/** Tries to find how far a broken stream can be inflated, and how many times the bound they may inflate in all. */
const TRIES_MAX = 32;
const TRIED_BOUNDS_MAX = 4;
const TOO_LARGE = "ERR_BUFFER_TOO_LARGE";

/** Bytes that are not compressed come back as they are. Never throws. */
export function inflateBounded(bytes: Uint8Array, bytesMax = INFLATED_BYTES_MAX): ReadBytes {
	if (isGzip(bytes)) return inflate(bytes, gunzipSync, "gzip", bytesMax);
	if (isZlib(bytes)) {
		const whole = inflate(bytes, inflateSync, "zlib", bytesMax);
		// Two bytes are a weak sign: a file that merely begins like zlib inflates to nothing.
		if (whole.bytes.length > 0 || whole.truncated === undefined) return whole;
	}
	return { bytes };
}

function isGzip(bytes: Uint8Array): boolean {
	return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Deflate with a window it may have, and a header that divides by 31. */
function isZlib([method = 0, flags = 0]: Uint8Array): boolean {
	return (method & 0x0f) === 8 && method >> 4 <= 7 && ((method << 8) | flags) % 31 === 0;
}

type Undo = (bytes: Uint8Array, options: ZlibOptions) => Uint8Array;

function inflate(bytes: Uint8Array, undo: Undo, name: string, bytesMax: number): ReadBytes {
	try {
		return { bytes: undo(bytes, { maxOutputLength: bytesMax }) };
	} catch (error) {
		const why = error instanceof Error ? error.message : String(error);
		const found = longest(bytes, undo, bytesMax);
		if (codeOf(error) === TOO_LARGE) {
			return { bytes: found, truncated: `inflating was stopped at the bound of ${bytesMax} bytes` };
		}
		return { bytes: found, truncated: `the ${name} stream ends early or is broken (${why})` };
	}
}

/**
 * What the longest good beginning inflates to. zlib gives nothing at all of a stream that breaks, but all of one
 * that only ends, so the place of the fault is closed in on by halves.
 */
function longest(bytes: Uint8Array, undo: Undo, bytesMax: number): Uint8Array {
	let good = 0;
	let bad = bytes.length + 1;
	let length = bytes.length;
	let best: Uint8Array = new Uint8Array();
	let tried = 0;
	for (let tries = 0; tries < TRIES_MAX && bad - good > 1 && tried < TRIED_BOUNDS_MAX * bytesMax; tries++) {
		const inflated = beginning(bytes.subarray(0, length), undo, bytesMax);
		if (typeof inflated === "string") {
			bad = length;
			// A fault lies at one place: about as much is inflated before each time.
			tried += inflated === TOO_LARGE ? bytesMax : best.length;
		} else {
			good = length;
			best = inflated;
			tried += best.length;
		}
		length = (good + bad) >>> 1;
	}
	return best;
}

/** What it inflates to, or the code of the error. */
function beginning(bytes: Uint8Array, undo: Undo, bytesMax: number): Uint8Array | string {
	try {
		return undo(bytes, { maxOutputLength: bytesMax, finishFlush: constants.Z_SYNC_FLUSH });
	} catch (error) {
		return codeOf(error);
	}
}

function codeOf(error: unknown): string {
	return error instanceof Error && "code" in error ? String(error.code) : "";
}
