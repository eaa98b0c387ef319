/**
 * The lines of one goroutine's body, told apart by how they start:
 *
 *     main.(*Pool[...]).get(0xc000112000?, {0x1, ...})     name      [S] runtime.traceback2
 *     	/srv/app/pool.go:41 +0x1d fp=0xc0 sp=0xc0 pc=0x4     place
 *     non-Go function at pc=0x7f3c                         lone      a frame by itself
 *     ...23 frames elided...                               elided    Go >= 1.21
 *     ...additional frames elided...                       elided    Go <= 1.20, and ancestors
 *     created by main.main in goroutine 1                  created
 *     [originating from goroutine 1]:                      ancestor  GODEBUG=tracebackancestors=N
 *     	goroutine running on other thread; stack unavailable   unavailable
 */
import {
	ascii,
	COLON,
	isDigit,
	PAREN_CLOSE,
	PAREN_OPEN,
	SPACE,
	startsWith,
	TAB,
} from "./goroutines-debug2-bytes.ts";
import { GOROUTINE } from "./goroutines-debug2-header.ts";

export type BodyLine =
	| "blank"
	| "header"
	| "name"
	| "place"
	| "lone"
	| "elided"
	| "created"
	| "ancestor"
	| "unavailable";

export const NON_GO = ascii("non-Go function");
const LONE = ascii("non-Go function at pc=");
const CREATED_BY = ascii("created by ");
const DOTS = ascii("...");
const ELIDED_END = ascii("elided...");
const ANCESTOR = ascii("[originating from goroutine ");
const UNAVAILABLE = ascii("\tgoroutine running on other thread; stack unavailable");

export function bodyLine(bytes: Uint8Array, start: number, end: number): BodyLine {
	if (start === end) return "blank";
	if (bytes[start] === TAB) return startsWith(bytes, start, UNAVAILABLE) ? "unavailable" : "place";
	if (startsWith(bytes, start, CREATED_BY)) return "created";
	if (startsWith(bytes, start, GOROUTINE)) return "header";
	if (startsWith(bytes, start, DOTS) && startsWith(bytes, end - ELIDED_END.length, ELIDED_END))
		return "elided";
	if (startsWith(bytes, start, LONE)) return "lone";
	if (startsWith(bytes, start, ANCESTOR)) return "ancestor";
	return "name";
}

/** Where a function's name ends in its line: at the last parenthesis that opens; -1 if it has no arguments. */
export function argumentsStart(bytes: Uint8Array, start: number, end: number): number {
	if (bytes[end - 1] !== PAREN_CLOSE) return -1;
	let p = end - 1;
	while (p > start && bytes[p] !== PAREN_OPEN) p--;
	return p > start ? p : -1;
}

/** True if the name line [start, end) is a call: its place follows at `next`, or it has arguments. */
export function isCall(bytes: Uint8Array, start: number, end: number, next: number): boolean {
	return bytes[next] === TAB || argumentsStart(bytes, start, end) >= 0;
}

/** Where `FILE:LINE` ends in a place line, or -1. A file may hold colons and spaces: `C:/My Go/x.go:12 +0x1d`. */
export function placeEnd(bytes: Uint8Array, start: number, end: number): number {
	let colon = end - 1;
	while (colon >= start && bytes[colon] !== COLON) colon--;
	let p = colon + 1;
	while (p < end && isDigit(bytes[p])) p++;
	const whole = p === end || bytes[p] === SPACE;
	return colon >= start && p > colon + 1 && whole ? p : -1;
}
