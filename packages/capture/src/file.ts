/**
 * Capture files on disk: the tar of signals/capture-file.ts inside gzip.
 *
 * A file is written beside its final name and renamed, so nobody ever sees half a capture; it is readable
 * by its owner only, because stacks and statements tell much about a service.
 */
import { randomBytes } from "node:crypto";
import { createReadStream, createWriteStream, type Stats } from "node:fs";
import { lstat, open, rename, rm, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import type { Capture, Gap } from "@plumbline/signals/capture";
import { captureChunks, decodeCaptureFile } from "@plumbline/signals/capture-file";

/** Uncompressed: four of the largest dumps. Reading stops there, so a bomb stays small. */
const CAPTURE_BYTES_MAX = 1 << 30;
/** Above this, compressing fast matters more than a file a third smaller. */
const FAST_GZIP_BYTES_MIN = 32 << 20;
/** gzip cannot shrink by more; what a trailer claims beyond that is false. */
const GZIP_RATIO_MAX = 1032;

/** A file that is no capture, or cannot be read at all. The message is for people. */
class CaptureFileError extends Error {
	override readonly name = "CaptureFileError";
}

export async function writeCapture(path: string, capture: Capture, signal?: AbortSignal): Promise<void> {
	const bytes = capture.parts.reduce((sum, part) => sum + part.bytes.length, 0);
	const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
	try {
		// A rename replaces a link, not what it leads to; and /dev/stdout is one.
		refuseSpecial(await statOf(lstat, path));
		await pipeline(
			Readable.from(captureChunks(capture), { objectMode: true }),
			createGzip({ level: bytes >= FAST_GZIP_BYTES_MIN ? 1 : 6 }),
			createWriteStream(temporary, { flags: "wx", mode: 0o600 }),
			...(signal ? [{ signal }] : []),
		);
		await rename(temporary, path);
	} catch (error) {
		// Where it could not be made it cannot be removed either; the first failure is the one to tell.
		await rm(temporary, { force: true }).catch(() => undefined);
		if (signal?.aborted) throw error;
		throw new CaptureFileError(`cannot write ${path}: ${reason(error)}`, { cause: error });
	}
}

/**
 * Reads a capture, gzip'd or plain tar. What a damaged file still holds is kept, and the damage is among
 * the gaps; a file that holds no capture at all rejects with CaptureFileError.
 */
export async function readCapture(path: string, signal?: AbortSignal): Promise<Capture> {
	const { tar, damage } = await inflate(path, signal);
	const decoded = decodeCaptureFile(tar);
	if (decoded.kind === "foreign") {
		const also = damage === undefined ? "" : ` (${damage})`;
		throw new CaptureFileError(`${path} is no capture: it holds ${decoded.found}${also}`);
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
		return { tar: tar.subarray(0, size), damage: `the file is damaged: ${reason(error)}` };
	} finally {
		file.destroy();
	}
}

/** Whether it is gzip, and how large it says it is: the trailer's last word, modulo 2^32. */
async function peek(path: string): Promise<{ zipped: boolean; bytesGuess: number }> {
	try {
		refuseSpecial(await statOf(stat, path));
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
		throw new CaptureFileError(`cannot read ${path}: ${reason(error)}`, { cause: error });
	}
}

/**
 * Only files are files: to open a pipe nobody writes to would wait for ever, deaf to Ctrl-C, and a rename
 * over /dev/null would replace it. What does not exist yet is nobody's harm.
 */
function refuseSpecial(found: Stats | undefined): void {
	if (found === undefined || found.isFile() || found.isDirectory()) return;
	const kind = found.isSymbolicLink() ? "link" : found.isFIFO() ? "pipe" : "device";
	throw new Error(`it is a ${kind}, not a file`);
}

function statOf(read: (path: string) => Promise<Stats>, path: string): Promise<Stats | undefined> {
	return read(path).catch(() => undefined);
}

function grown(bytes: Uint8Array<ArrayBuffer>, need: number): Uint8Array<ArrayBuffer> {
	const larger = new Uint8Array(Math.min(CAPTURE_BYTES_MAX, Math.max(need, bytes.length * 2, 1 << 16)));
	larger.set(bytes);
	return larger;
}

function reason(error: unknown): string {
	const code = error instanceof Error && "code" in error ? String(error.code) : "";
	const known: Readonly<Record<string, string>> = {
		ENOENT: "no such file or folder",
		EACCES: "permission denied",
		EISDIR: "it is a folder",
		ENOSPC: "no space left on the device",
		EROFS: "the file system is read-only",
		ENOTDIR: "its folder is a file",
		ENAMETOOLONG: "the name is too long",
		ELOOP: "its links lead in a circle",
		EDQUOT: "the disk quota is used up",
		Z_BUF_ERROR: "it ends in the middle",
	};
	return known[code] ?? (error instanceof Error ? error.message : String(error));
}
