/** A file of goroutines as a capture: one that plumbline took, or one made of a lone dump or profile. */
import { readFile, stat } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { readCapture } from "@plumbline/capture/file";
import type { Capture, MonoMs, PartFormat, WallMs } from "@plumbline/signals/capture";
import { decodeCaptureFile } from "@plumbline/signals/capture-file";
import { CommandError, EXIT_UNEXAMINED } from "./exit-code.ts";
import { VERSION } from "./version.ts";

/** As large as a capture may be. */
const FILE_BYTES_MAX = 1 << 30;
/** Where a text shows what it is; a log may have a long beginning. */
const OPENING_BYTES = 1 << 20;

export async function captureOfFile(path: string, signal: AbortSignal): Promise<Capture> {
	const bytes = await bytesOf(path, signal);
	if (decodeCaptureFile(bytes).kind === "decoded") return await readCapture(path, signal);
	const format = formatOf(bytes);
	if (format === undefined) {
		throw new CommandError(`${path} is no goroutine dump, profile or capture`, EXIT_UNEXAMINED);
	}
	const start = { wallMs: 0 as WallMs, monoMs: 0 as MonoMs };
	const part = { name: path, format, sample: 0, source: path, start, end: start, bytes };
	return {
		takenBy: VERSION,
		target: { files: [path] },
		window: { start, end: start },
		parts: [part],
		gaps: [],
	};
}

async function bytesOf(path: string, signal: AbortSignal): Promise<Uint8Array> {
	try {
		const { size } = await stat(path);
		if (size > FILE_BYTES_MAX) throw new Error(`it has ${size} bytes, more than ${FILE_BYTES_MAX}`);
		const bytes = await readFile(path, { signal });
		const zipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
		return zipped ? await promisify(gunzip)(bytes, { maxOutputLength: FILE_BYTES_MAX }) : bytes;
	} catch (error) {
		signal.throwIfAborted();
		const why = error instanceof Error ? error.message : String(error);
		throw new CommandError(`cannot read ${path}: ${why}`, EXIT_UNEXAMINED, error);
	}
}

function formatOf(bytes: Uint8Array): PartFormat | undefined {
	const opening = new TextDecoder("latin1").decode(bytes.subarray(0, OPENING_BYTES));
	if (/^goroutine(?:leak)? profile: total \d/.test(opening)) return "go-debug1";
	if (/^goroutine \d+ .*\[/m.test(opening)) return "go-debug2";
	// The first field of a profile is its first sample type.
	return bytes[0] === 0x0a ? "pprof" : undefined;
}
