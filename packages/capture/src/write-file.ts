/**
 * Writes a file so that nobody ever sees half of it: beside its final name, renamed when whole. It is readable by its
 * owner only, because stacks and statements tell much about a service.
 */
import { randomBytes } from "node:crypto";
import { createWriteStream, type Stats } from "node:fs";
import { lstat, rename, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** A file that cannot be read or written, or holds something else. The message is for people. */
export class FileError extends Error {
	override readonly name = "FileError";
}

export interface WriteOptions {
	/** What the bytes pass through, such as gzip. */
	readonly through?: NodeJS.ReadWriteStream;
	readonly signal?: AbortSignal;
}

export async function writeWhole(
	path: string,
	chunks: Iterable<Uint8Array | string>,
	{ through, signal }: WriteOptions = {},
): Promise<void> {
	const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
	const stop = signal ? [{ signal }] : [];
	try {
		// A rename replaces a link, not what it leads to; and /dev/stdout is one.
		refuseSpecial(await lstat(path).catch(() => undefined));
		const source = Readable.from(chunks, { objectMode: true });
		const file = createWriteStream(temporary, { flags: "wx", mode: 0o600 });
		await (through === undefined
			? pipeline(source, file, ...stop)
			: pipeline(source, through, file, ...stop));
		await rename(temporary, path);
	} catch (error) {
		// Where it could not be made it cannot be removed either; the first failure is the one to tell.
		await rm(temporary, { force: true }).catch(() => undefined);
		if (signal?.aborted) throw error;
		throw new FileError(`cannot write ${path}: ${fileTrouble(error)}`, { cause: error });
	}
}

/**
 * Only files are files: to open a pipe nobody writes to would wait for ever, deaf to Ctrl-C, and a rename
 * over /dev/null would replace it. What does not exist yet is nobody's harm.
 */
export function refuseSpecial(found: Stats | undefined): void {
	if (found === undefined || found.isFile() || found.isDirectory()) return;
	const kind = found.isSymbolicLink() ? "link" : found.isFIFO() ? "pipe" : "device";
	throw new Error(`it is a ${kind}, not a file`);
}

/** Why a file could not be read or written, for people. */
export function fileTrouble(error: unknown): string {
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
