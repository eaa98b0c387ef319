/**
 * Decodes which process holds which socket: the links of /proc/PID/fd that point to sockets, written by
 * capture one a line.
 *
 * ```
 * # sockets among the file descriptors
 * 4711	7	90210
 * 4711	8	90233
 * ```
 * `PID<TAB>FD<TAB>INODE`, decimal; lines that start with `#` are comments. A socket shared by fork or
 * passed to another process has several rows: the first one is kept.
 */
import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import { quoteBytes } from "./quote-bytes.ts";
import type { FdTable } from "./sockets.ts";

const TAB = 9;
const NEWLINE = 10;
const HASH = 35;
const ZERO = 48;
/** Larger numbers are no pid, fd or inode. */
const NUMBER_MAX = 2 ** 40;

/** What the first line of the file says; it makes an empty table recognisable. */
export const FD_TABLE_HEADER = "# sockets among the file descriptors\n";

export function decodeFdTable(bytes: Uint8Array): Decoded<FdTable> {
	const flaws = new Flaws();
	const byInode = new Map<number, { readonly pid: number; readonly fd: number }>();
	let recognised = startsWithHeader(bytes);
	let at = 0;
	while (at < bytes.length) {
		const start = at;
		const row: [number, number, number] = [-1, -1, -1];
		if (bytes[at] === HASH) {
			const newline = bytes.indexOf(NEWLINE, at);
			at = newline < 0 ? bytes.length : newline + 1;
			continue;
		}
		at = readNumbers(bytes, at, row);
		const [pid, fd, inode] = row;
		if (at >= bytes.length) {
			flaws.truncated("the last line has no newline: it is cut and left out", start);
			break;
		}
		if (bytes[at] === NEWLINE && inode >= 0) {
			recognised = true;
			if (!byInode.has(inode)) byInode.set(inode, { pid, fd });
		} else if (bytes[at] !== NEWLINE || at > start) {
			flaws.malformed(`expected PID<TAB>FD<TAB>INODE, found "${quoteBytes(bytes, start)}"`, start);
		}
		const newline = bytes.indexOf(NEWLINE, at);
		at = newline < 0 ? bytes.length : newline + 1;
	}
	if (!recognised) return { kind: "foreign", found: quoteBytes(bytes) };
	return { kind: "decoded", value: { byInode }, flaws: flaws.list() };
}

/** Reads up to three decimal numbers between tabs into `row`; answers where reading stopped. */
function readNumbers(bytes: Uint8Array, start: number, row: [number, number, number]): number {
	let at = start;
	for (let column = 0; column < 3; column++) {
		let value = -1;
		for (; at < bytes.length; at++) {
			const digit = (bytes[at] ?? 0) - ZERO;
			if (digit < 0 || digit > 9 || value > NUMBER_MAX) break;
			value = (value < 0 ? 0 : value) * 10 + digit;
		}
		if (value < 0) return at;
		row[column] = value;
		if (column === 2 || bytes[at] !== TAB) return at;
		at++;
	}
	return at;
}

function startsWithHeader(bytes: Uint8Array): boolean {
	if (bytes.length < FD_TABLE_HEADER.length) return false;
	for (let i = 0; i < FD_TABLE_HEADER.length; i++) {
		if (bytes[i] !== FD_TABLE_HEADER.charCodeAt(i)) return false;
	}
	return true;
}
