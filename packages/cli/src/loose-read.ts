/**
 * Reads one loose file, or standard input: only so much of it, and only what ends. A pipe is read (`<(kubectl
 * logs ...)`), a device is not: /dev/zero has no end.
 */
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import type { Readable } from "node:stream";

/** Of one file. The Go runtime itself cuts a dump at 64 MiB; logs with several are longer. */
const LOOSE_BYTES_MAX = 512 << 20;
/** In the place of a file name. */
export const STDIN = "-";

export interface LooseBytes {
	readonly bytes: Uint8Array;
	/** Why it is not all. */
	readonly cut?: string;
}

/** Rejects with the reason in words; with an AbortError on `signal`. */
export async function readLoose(
	path: string,
	stdin: Readable,
	signal: AbortSignal,
	bytesMax = LOOSE_BYTES_MAX,
): Promise<LooseBytes> {
	if (path === STDIN) return await gather(stdin, 0, bytesMax, signal);
	let bytesGuess: number | undefined;
	try {
		const found = await stat(path);
		if (found.isDirectory()) throw new Error("it is a folder: name the files in it");
		if (!found.isFile() && !found.isFIFO()) throw new Error("it is a device or a socket, not a file");
		if (found.isFile()) bytesGuess = Math.min(found.size, bytesMax);
	} catch (error) {
		throw new Error(reasonOf(error), { cause: error });
	}
	if (bytesGuess !== undefined) return await readWhole(path, bytesGuess, bytesMax, signal);
	const file = createReadStream(path, { signal });
	try {
		return await gather(file, 0, bytesMax, signal);
	} catch (error) {
		signal.throwIfAborted();
		throw new Error(reasonOf(error), { cause: error });
	} finally {
		file.destroy();
	}
}

/** Read at once of a file, so that Ctrl-C is heard in between. */
const STEP_BYTES = 16 << 20;

/** Straight into place: a stream's pieces of a large dump would be as much garbage as the dump has bytes. */
async function readWhole(
	path: string,
	bytesGuess: number,
	bytesMax: number,
	signal: AbortSignal,
): Promise<LooseBytes> {
	try {
		const file = await open(path, "r");
		try {
			// One byte more shows whether the file ends there.
			let bytes = new Uint8Array(bytesGuess + 1);
			let size = 0;
			for (;;) {
				signal.throwIfAborted();
				if (size === bytes.length) bytes = grown(bytes, size + 1, bytesMax + 1);
				const { bytesRead } = await file.read(bytes, size, Math.min(STEP_BYTES, bytes.length - size));
				size += bytesRead;
				if (bytesRead === 0) return { bytes: bytes.subarray(0, size) };
				if (size > bytesMax) return { bytes: bytes.subarray(0, bytesMax), cut: cutAt(bytesMax) };
			}
		} finally {
			await file.close();
		}
	} catch (error) {
		signal.throwIfAborted();
		throw new Error(reasonOf(error), { cause: error });
	}
}

function cutAt(bytesMax: number): string {
	return `reading stopped at ${bytesMax} bytes, and there is more`;
}

async function gather(
	source: Readable,
	bytesGuess: number,
	bytesMax: number,
	signal: AbortSignal,
): Promise<LooseBytes> {
	const stop = () => source.destroy(abortError(signal));
	signal.addEventListener("abort", stop, { once: true });
	let bytes = new Uint8Array(bytesGuess);
	let size = 0;
	try {
		for await (const chunk of source as AsyncIterable<Uint8Array>) {
			signal.throwIfAborted();
			const room = Math.min(chunk.length, bytesMax - size);
			if (size + room > bytes.length) bytes = grown(bytes, size + room, bytesMax);
			bytes.set(room < chunk.length ? chunk.subarray(0, room) : chunk, size);
			size += room;
			if (room < chunk.length) {
				source.destroy();
				return { bytes: bytes.subarray(0, size), cut: cutAt(bytesMax) };
			}
		}
		return { bytes: bytes.subarray(0, size) };
	} finally {
		signal.removeEventListener("abort", stop);
	}
}

function abortError(signal: AbortSignal): Error {
	return signal.reason instanceof Error ? signal.reason : new DOMException("stopped", "AbortError");
}

function grown(bytes: Uint8Array<ArrayBuffer>, need: number, bytesMax: number): Uint8Array<ArrayBuffer> {
	const larger = new Uint8Array(Math.min(bytesMax, Math.max(need, bytes.length * 2, 1 << 16)));
	larger.set(bytes);
	return larger;
}

const REASONS: Readonly<Record<string, string>> = {
	ENOENT: "no such file",
	EACCES: "permission denied",
	EISDIR: "it is a folder: name the files in it",
	ENOTDIR: "its folder is a file",
	ENAMETOOLONG: "the name is too long",
	ELOOP: "its links lead in a circle",
};

function reasonOf(error: unknown): string {
	const code = error instanceof Error && "code" in error ? String(error.code) : "";
	return REASONS[code] ?? (error instanceof Error ? error.message : String(error));
}
