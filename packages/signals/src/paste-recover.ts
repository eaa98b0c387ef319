/**
 * What engineers paste into tickets, made readable again:
 *
 *     Nov 22 10:00:00 host orders[4711]: goroutine 34 [select]:
 *     Nov 22 10:00:00 host orders[4711]: database/sql.(*DB).connectionOpener(0xc000134000)
 *     Nov 22 10:00:00 host orders[4711]: #011/usr/local/go/src/database/sql/sql.go:1261 +0x87
 *
 * gives a piece of format go-debug2 as the runtime printed it, and the words "log prefixes taken off". Every
 * format is known by its lines, never by a name. What cannot be read is told and left out; nothing is invented:
 * all that a piece holds stands in the input.
 *
 * Time is linear in the input. Memory is bounded by PASTE_BYTES_MAX: the input, a piece no longer than it, and
 * for a line that holds a whole dump that line a few times more.
 */
import type { PartFormat } from "./capture.ts";
import { cleanDumps, hasLoneReturns } from "./paste-clean.ts";
import { asUtf8 } from "./paste-encoding.ts";
import { LINE_BYTES_MAX, rawLines, type Wrapping, wrappingOf } from "./paste-lines.ts";
import { MENDED_ENCODING, MENDED_RETURNS, MENDED_WRAPS } from "./paste-notes.ts";
import type { Recovered } from "./paste-piece.ts";
import { beginsText, PasteReader } from "./paste-reader.ts";
import { sessionsPiece } from "./paste-sessions.ts";
import { unwrapped } from "./paste-unwrap.ts";
import { binaryPiece, isBinary, textPiece } from "./paste-whole.ts";
import { quoteBytes } from "./quote-bytes.ts";

/** What is mended of one text; a clean dump may be longer. */
const PASTE_BYTES_MAX = 256 << 20;
/** Of a longer text so much of both ends is looked at first: a log without anything we know is given up soon. */
const PROBE_BYTES = 16 << 20;

/** gzip must have been taken off before. Never throws, whatever the input. */
export function recoverPaste(given: Uint8Array): Recovered {
	const { bytes, utf16, bytesPerByte, markBytes } = asUtf8(given);
	if (!utf16 && isBinary(bytes)) {
		const piece = binaryPiece(bytes);
		if (piece !== undefined) return { pieces: [piece] };
		if (bytes.length > 2 * PROBE_BYTES) return { pieces: [], unread: { lines: 0, found: quoteBytes(bytes) } };
	}
	const clean = utf16 ? undefined : cleanDumps(bytes);
	if (clean !== undefined) return { pieces: clean };
	const text = bytes.subarray(0, PASTE_BYTES_MAX);
	if (text.length > 2 * PROBE_BYTES && textPiece(bytes) === undefined) {
		const ends = [text.subarray(0, PROBE_BYTES), text.subarray(-PROBE_BYTES)];
		if (ends.every((end) => holdsNothing(end, utf16))) {
			const found = `${quoteBytes(bytes)}, and nothing known in its first and last ${PROBE_BYTES >> 20} MiB`;
			return { pieces: [], unread: { lines: 0, found } };
		}
	}
	const { pieces: found, unread } = mended(text, utf16 ? MENDED_ENCODING : 0);
	const sessions = found.some(({ format }) => SESSIONS.has(format)) ? undefined : sessionsPiece(text);
	if (found.length === 0 && sessions === undefined) {
		const piece = textPiece(bytes);
		if (piece !== undefined) return { pieces: [piece] };
		return { pieces: [], unread: { lines: unread?.lines ?? 0, found: quoteBytes(bytes) } };
	}
	const cut =
		bytes.length > PASTE_BYTES_MAX
			? [`it is longer than ${PASTE_BYTES_MAX} bytes, of which no more are mended`]
			: [];
	const pieces = [...found, ...(sessions === undefined ? [] : [sessions])].map((piece) => ({
		...piece,
		atByte: piece.atByte * bytesPerByte + markBytes,
		losses: [...piece.losses, ...cut],
	}));
	// The rows of the list are among what no line reader took.
	return sessions !== undefined || unread === undefined ? { pieces } : { pieces, unread };
}

function holdsNothing(bytes: Uint8Array, utf16: boolean): boolean {
	const { pieces } = mended(bytes, utf16 ? MENDED_ENCODING : 0);
	return pieces.length === 0 && sessionsPiece(bytes) === undefined;
}

/** Lists of sessions that the collectors wrote. */
const SESSIONS: ReadonlySet<PartFormat> = new Set(["postgres-sessions", "mysql-sessions"]);

function mended(bytes: Uint8Array, whole: number): Recovered {
	const always = whole | (hasLoneReturns(bytes) ? MENDED_RETURNS : 0);
	const wrapping = wrappingOf(bytes);
	const asItIs = read(bytes, wrapping, always);
	const before = tablesOf(asItIs);
	if (before.losses === 0 && asItIs.pieces.length > 0) return asItIs;
	const joined = unwrapped(bytes, wrapping, beginsText);
	if (joined === undefined) return asItIs;
	const together = read(joined, NOT_WRAPPED, always | MENDED_WRAPS);
	const after = tablesOf(together);
	const better = before.bytes === 0 || after.losses < before.losses;
	return better && after.bytes >= before.bytes && together.pieces.length > 0 ? together : asItIs;
}

/** Formats whose rows do not tell whether they are whole. */
const TABLES: ReadonlySet<PartFormat> = new Set([
	"ss",
	"netstat",
	"proc-net-tcp",
	"postgres-sessions",
	"mysql-sessions",
]);
const NOT_WRAPPED: Wrapping = { isFull: () => false };

function read(bytes: Uint8Array, wrapping: Wrapping, always: number): Recovered {
	const reader = new PasteReader(always);
	const utf8 = new TextDecoder();
	for (const line of rawLines(bytes)) {
		const text = utf8.decode(bytes.subarray(line.start, Math.min(line.end, line.start + LINE_BYTES_MAX)));
		reader.line(text, line.start, wrapping.isFull(bytes, line), line.last);
	}
	return reader.close();
}

/** How much of tables was read, and how much was seen that could not be. */
function tablesOf({ pieces }: Recovered): { readonly bytes: number; readonly losses: number } {
	const tables = pieces.filter(({ format }) => TABLES.has(format));
	return {
		bytes: tables.reduce((sum, { bytes }) => sum + bytes.length, 0),
		losses: tables.reduce((sum, { leftOut, losses }) => sum + (losses.length > 0 ? leftOut : 0), 0),
	};
}
