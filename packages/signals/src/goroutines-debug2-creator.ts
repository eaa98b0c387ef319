/** The tail of a `created by` line since Go 1.21: ` in goroutine 77`. */
import { ascii, isDigit, startsWith } from "./goroutines-debug2-bytes.ts";

const IN_GOROUTINE = ascii(" in goroutine ");

/** The index past ` in goroutine N` if it stands at `at`, else -1. */
export function creatorSuffix(bytes: Uint8Array, at: number): number {
	if (!startsWith(bytes, at, IN_GOROUTINE)) return -1;
	let p = at + IN_GOROUTINE.length;
	if (!isDigit(bytes[p])) return -1;
	while (isDigit(bytes[p])) p++;
	return p;
}

/** Where the function name of a `created by` line ends: before the suffix, if there is one. */
export function creatorNameEnd(bytes: Uint8Array, start: number, end: number): number {
	let p = end;
	while (p > start && isDigit(bytes[p - 1])) p--;
	const suffix = p - IN_GOROUTINE.length;
	return suffix > start && creatorSuffix(bytes, suffix) === end ? suffix : end;
}

/** The id at the end of a `created by` line, 0 if it has none. */
export function creatorGoid(bytes: Uint8Array, start: number, end: number): number {
	const suffix = creatorNameEnd(bytes, start, end);
	if (suffix === end) return 0;
	let goid = 0;
	for (let p = suffix + IN_GOROUTINE.length; p < end; p++) goid = goid * 10 + ((bytes[p] ?? 0) - 0x30);
	return goid <= Number.MAX_SAFE_INTEGER ? goid : 0;
}
