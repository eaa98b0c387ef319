/** Keeps a lab trial's capture and its text in captures/, from where the goldens are tested. */
import { writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { writeCapture } from "@plumbline/capture/file";
import type { Capture, PartFormat } from "@plumbline/signals/capture";
import { decodeCapture } from "@plumbline/signals/decode";
import { withStrings } from "@plumbline/signals/redact-profile";
import { CAPTURES_FOLDER, GOLDEN_PAGE } from "./captures-folder.ts";
import { renderAs } from "./result.ts";
import { verdictOf } from "./verdict.ts";

/** Writes captures/NAME.plumb and captures/NAME.txt. */
export async function recordTrial(name: string, live: Capture, signal: AbortSignal): Promise<void> {
	const capture = withoutMachine(live);
	const { diagnosis } = verdictOf(decodeCapture(capture), {});
	const path = join(CAPTURES_FOLDER, name);
	await writeCapture(`${path}.plumb`, capture, signal);
	await writeFile(`${path}.txt`, renderAs("text", diagnosis, GOLDEN_PAGE));
}

/** Text formats in which paths of files occur. */
const WITH_PATHS: ReadonlySet<PartFormat> = new Set([
	"go-debug1",
	"go-debug2",
	"go-heap-debug1",
	"go-contention-debug1",
	"ledger",
	"process",
]);

/** Where this clone and this user's Go modules lie is nobody's business: told as if in a container. */
function withoutMachine(capture: Capture): Capture {
	const places: [string, string][] = [
		[join(CAPTURES_FOLDER, ".."), "/src"],
		[join(homedir(), "go"), "/go"],
	];
	const moved = (text: string) => places.reduce((moving, [from, to]) => moving.replaceAll(from, to), text);
	const parts = capture.parts.map((part) => {
		if (part.format === "pprof") return { ...part, bytes: withStrings(part.bytes, moved) };
		if (!WITH_PATHS.has(part.format)) return part;
		let text = Buffer.from(part.bytes).toString("latin1");
		for (const [from, to] of places) text = text.replaceAll(Buffer.from(from).toString("latin1"), to);
		return { ...part, bytes: Buffer.from(text, "latin1") };
	});
	return { ...capture, parts };
}
