/** What one loose file holds: a capture, pieces that were recovered from it, or something else, named. */
import { inflateBounded } from "@plumbline/capture/inflate";
import { decodeCaptureFile } from "@plumbline/signals/capture-file";
import type { Piece } from "@plumbline/signals/paste-piece";
import { recoverPaste } from "@plumbline/signals/paste-recover";
import { redactArgument } from "@plumbline/signals/redact";
import type { LooseBytes } from "./loose-read.ts";

export type Recognised =
	| { readonly kind: "capture" }
	| {
			readonly kind: "pieces";
			readonly pieces: readonly Piece[];
			/** What else is to be said of the file: lines left out, an end that is missing. */
			readonly losses: readonly string[];
			readonly notes: readonly string[];
	  }
	| { readonly kind: "unknown"; readonly found: string };

/** Files people also have at hand; better named than quoted. */
const OTHER_FILES: readonly (readonly [string, string])[] = [
	["PK\u0003\u0004", "a zip archive: unpack it first"],
	["\u0028\u00b5\u002f\u00fd", "a zstd file: unpack it first"],
	["\u00fd7zXZ", "an xz file: unpack it first"],
	["BZh", "a bzip2 file: unpack it first"],
	["%PDF", "a PDF"],
	["\u0089PNG", "a picture: paste the text instead"],
	["\u00ff\u00d8\u00ff", "a picture: paste the text instead"],
	["\u007fELF", "a program"],
	["SQLite format 3", "an SQLite database"],
];

export const KNOWN_FILES =
	"goroutine dumps (debug=2, SIGQUIT, panic), profiles of Go (debug=1 or protobuf), execution traces, " +
	"ss, netstat and /proc/net/tcp, Prometheus pages, session lists, and captures";

export function recognise({ bytes, cut }: LooseBytes): Recognised {
	if (bytes.length === 0) return { kind: "unknown", found: "nothing: it is empty" };
	const inflated = inflateBounded(bytes);
	const inner = inflated.bytes;
	if (decodeCaptureFile(inner).kind !== "foreign") return { kind: "capture" };
	const losses = [cut, inflated.truncated].filter((why) => why !== undefined);
	const start = Buffer.from(inner.subarray(0, 32)).toString("latin1");
	const other = OTHER_FILES.find(([magic]) => start.startsWith(magic))?.[1];
	if (other !== undefined) return { kind: "unknown", found: other };
	const { pieces, unread } = recoverPaste(inner);
	if (pieces.length > 0) {
		const notes =
			unread === undefined
				? []
				: [
						`${lines(unread.lines)} of it left out as other text, the first "${redactArgument(unread.found)}"`,
					];
		return { kind: "pieces", pieces, losses, notes };
	}
	const found = contentOf(inner, unread?.found ?? "");
	return { kind: "unknown", found: losses.length === 0 ? found : `${found} (${losses.join("; ")})` };
}

function contentOf(bytes: Uint8Array, quoted: string): string {
	if (bytes.length === 0) return "nothing readable";
	if (bytes.every((byte) => byte === 0)) return `${bytes.length} zero bytes`;
	return `"${redactArgument(quoted)}"`;
}

function lines(count: number): string {
	return count === 1 ? "1 line" : `${count} lines`;
}
