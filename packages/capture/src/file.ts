/** Capture files on disk: the tar of signals/capture-file.ts inside gzip. */
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { createGunzip, createGzip } from "node:zlib";
import type { Capture, Gap } from "@plumbline/signals/capture";
import { captureChunks, decodeCaptureFile } from "@plumbline/signals/capture-file";
import { FileError, fileTrouble, refuseSpecial, writeWhole } from "./write-file.ts";

/** Uncompressed: four of the largest dumps. Reading stops there, so a bomb stays small. */
const CAPTURE_BYTES_MAX = 1 << 30;
/** Above this, compressing fast matters more than a file a third smaller. */
const FAST_GZIP_BYTES_MIN = 32 << 20;
/** gzip cannot shrink by more; what a trailer claims beyond that is false. */
const GZIP_RATIO_MAX = 1032;

export async function writeCapture(path: string, capture: Capture, signal?: AbortSignal): Promise<void> {
	const bytes = capture.parts.reduce((sum, part) => sum + part.bytes.length, 0);
	const through = createGzip({ level: bytes >= FAST_GZIP_BYTES_MIN ? 1 : 6 });
	await writeWhole(path, captureChunks(capture), { through, ...(signal ? { signal } : {}) });
}

/**
 * Reads a capture, gzip'd or plain tar. What a damaged file still holds is kept, and the damage is among
 * the gaps; a file that holds no capture at all rejects with FileError.
 */
export async function readCapture(path: string, signal?: AbortSignal): Promise<Capture> {
	const { tar, damage } = await inflate(path, signal);
	const decoded = decodeCaptureFile(tar);
	if (decoded.kind === "foreign") {
		const also = damage === undefined ? "" : ` (${damage})`;
		throw new FileError(`${path} is no capture: it holds ${decoded.found}${also}`);
	}
	const why = [...(damage === undefined ? [] : [damage]), ...decoded.flaws.map((flaw) => flaw.why)];
	const gaps = why.map((text): Gap => ({ line: "process", what: "capture file", why: text, weight: "note" }));
	return { ...decoded.value, gaps: [...decoded.value.gaps, ...gaps] };
}

interface Inflated {
	readonly tar: Uint8Array;
	/** Why this is not all. */
	readonly damage?: string;
}

async function inflate(path: string, signal: AbortSignal | undefined): Promise<Inflated> {
	const { zipped, bytesGuess } = await peek(path);
	const file = createReadStream(path);
	const source = zipped ? file.pipe(createGunzip()) : file;
	// A failing file must end the gunzip that reads from it, and the loop below with it.
	file.on("error", (error) => source.destroy(error));
	let tar = new Uint8Array(bytesGuess);
	let size = 0;
	try {
		for await (const chunk of source as AsyncIterable<Uint8Array>) {
			signal?.throwIfAborted();
			if (size + chunk.length > CAPTURE_BYTES_MAX) {
				return { tar: tar.subarray(0, size), damage: `reading stopped at ${CAPTURE_BYTES_MAX} bytes` };
			}
			if (size + chunk.length > tar.length) tar = grown(tar, size + chunk.length);
			tar.set(chunk, size);
			size += chunk.length;
		}
		return { tar: tar.subarray(0, size) };
	} catch (error) {
		if (signal?.aborted) throw error;
		return { tar: tar.subarray(0, size), damage: `the file is damaged: ${fileTrouble(error)}` };
	} finally {
		file.destroy();
	}
}

/** Whether it is gzip, and how large it says it is: the trailer's last word, modulo 2^32. */
async function peek(path: string): Promise<{ zipped: boolean; bytesGuess: number }> {
	try {
		refuseSpecial(await stat(path).catch(() => undefined));
		const file = await open(path, "r");
		try {
			const { size } = await file.stat();
			const edge = new DataView(new ArrayBuffer(4));
			await file.read(edge, 0, 2, 0);
			const zipped = edge.getUint16(0) === 0x1f8b;
			if (!zipped) return { zipped, bytesGuess: Math.min(size, CAPTURE_BYTES_MAX) };
			await file.read(edge, 0, 4, Math.max(0, size - 4));
			const claimed = edge.getUint32(0, true);
			return { zipped, bytesGuess: Math.min(claimed, size * GZIP_RATIO_MAX, CAPTURE_BYTES_MAX) };
		} finally {
			await file.close();
		}
	} catch (error) {
		throw new FileError(`cannot read ${path}: ${fileTrouble(error)}`, { cause: error });
	}
}

function grown(bytes: Uint8Array<ArrayBuffer>, need: number): Uint8Array<ArrayBuffer> {
	const larger = new Uint8Array(Math.min(CAPTURE_BYTES_MAX, Math.max(need, bytes.length * 2, 1 << 16)));
	larger.set(bytes);
	return larger;
}
