/**
 * A dump or grouped profile that needs no mending is taken as it is: the decoder itself is the judge. Several dumps one after the
 * other are cut apart.
 */

import { decodeCountsOnce, decodeDumpOnce } from "./decode-once.ts";
import type { GoroutineTable } from "./goroutines.ts";
import type { Piece } from "./paste-piece.ts";

/** What may stand before a dump's first goroutine without making it a pasted text. */
const PREFACE_BYTES_MAX = 4096;
const PREFACE =
	/^(?:\s*|(?:panic: |\tpanic: |fatal error: |\[signal |SIG[A-Z]+: |PC=|runtime: |signal arrived during ).*|\[recovered\].*)$/u;

const COUNTS_TITLE = /^\S{1,100} profile: total \d/u;

const ESC = 0x1b;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Undefined where the text needs mending, or is no dump. */
export function cleanDumps(bytes: Uint8Array): readonly Piece[] | undefined {
	if (COUNTS_TITLE.test(opening(bytes))) return cleanCounts(bytes);
	if (!beginsClean(bytes) || bytes.includes(ESC) || hasLoneReturns(bytes)) return undefined;
	const decoded = decodeDumpOnce(bytes);
	if (decoded.kind === "foreign" || decoded.flaws.some(({ kind }) => kind === "malformed")) return undefined;
	if (hasEntities(bytes)) return undefined;
	const starts = dumpStarts(decoded.value).map((row) => decoded.value.offset[row] ?? 0);
	const title = firstLine(bytes, decoded.value.offset[0] ?? 0);
	return starts.map((start, i) => ({
		format: "go-debug2",
		// What a panic said before its first goroutine is no part of the dump, and may hold anything.
		bytes: starts.length === 1 && start === 0 ? bytes : bytes.subarray(start, starts[i + 1]),
		...(i === 0 && title !== "" ? { title } : {}),
		atByte: start,
		repairs: [],
		losses: decoded.value.count === 1 && title.startsWith("panic: ") ? [ONE_GOROUTINE] : [],
		leftOut: 0,
	}));
}

export const ONE_GOROUTINE = "a panic prints only the goroutine that panicked, unless GOTRACEBACK=all is set";

/** A grouped profile as Go printed it, whole: none of its lines is anything else. */
function cleanCounts(bytes: Uint8Array): readonly Piece[] | undefined {
	const decoded = decodeCountsOnce(bytes);
	if (decoded.kind === "foreign" || decoded.flaws.length > 0 || hasEntities(bytes)) return undefined;
	return [{ format: "go-debug1", bytes, atByte: 0, repairs: [], losses: [], leftOut: 0 }];
}

/** Rows with which a dump begins: the first, and where goroutines come again. */
function dumpStarts({ count, goid, stateOf, states }: GoroutineTable): number[] {
	const starts = [0];
	if (areDistinct(goid)) return starts;
	let seen = new Set<number>();
	for (let row = 0; row < count; row++) {
		const id = goid[row] ?? 0;
		if (seen.has(id)) {
			seen = new Set();
			// A dump begins with the goroutine that wrote it, which is running and in no dump before.
			const before = row - 1;
			const begins =
				before > (starts.at(-1) ?? 0) && states[stateOf[before] ?? 0] === "running" ? before : row;
			starts.push(begins);
			if (begins === before) seen.add(goid[before] ?? 0);
		}
		seen.add(id);
	}
	return starts;
}

/** Without a set: of the hundred thousand ids of a large dump it would be the largest thing beside the dump. */
function areDistinct(ids: Float64Array): boolean {
	const sorted = ids.toSorted();
	for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) return false;
	return true;
}

function opening(bytes: Uint8Array): string {
	return new TextDecoder().decode(bytes.subarray(0, PREFACE_BYTES_MAX));
}

function beginsClean(bytes: Uint8Array): boolean {
	for (const line of opening(bytes).split("\n")) {
		if (/^goroutine \d/u.test(line)) return true;
		if (!PREFACE.test(line)) return false;
	}
	return false;
}

function firstLine(bytes: Uint8Array, end: number): string {
	return (
		new TextDecoder()
			.decode(bytes.subarray(0, Math.min(end, PREFACE_BYTES_MAX)))
			.trim()
			.split("\n", 1)[0] ?? ""
	);
}

/** Whether the text passed through a web page. */
function hasEntities(bytes: Uint8Array): boolean {
	for (let at = bytes.indexOf(0x26); at >= 0; at = bytes.indexOf(0x26, at + 1)) {
		if (/^&(?:lt|gt|amp|quot|#\d+);/u.test(new TextDecoder().decode(bytes.subarray(at, at + 8)))) return true;
	}
	return false;
}

/** Whether lines end in returns alone, as they did on old Macs and do in terminals' logs. */
export function hasLoneReturns(bytes: Uint8Array): boolean {
	for (let at = bytes.indexOf(RETURN); at >= 0; at = bytes.indexOf(RETURN, at + 1)) {
		if (bytes[at + 1] !== NEWLINE) return true;
	}
	return false;
}
