/** Reads one small file of procfs, sysfs or cgroupfs. These files tell no size, so reading is bounded here. */
import { closeSync, openSync, readSync } from "node:fs";
import { explainFileError, type Reading, read, refused } from "./reading.ts";

/** Larger than any file read this way; a mountinfo of a busy container host comes to some hundred kB. */
const FILE_BYTES_MAX = 4 << 20;
const READ_BYTES = 16384;

export function readProcFile(path: string): Reading<string> {
	const chunks: Buffer[] = [];
	let size = 0;
	let fd: number | undefined;
	try {
		fd = openSync(path, "r");
		for (;;) {
			const chunk = Buffer.allocUnsafe(READ_BYTES);
			const count = readSync(fd, chunk);
			if (count === 0) break;
			size += count;
			if (size > FILE_BYTES_MAX) return refused("failed", `${path} is longer than ${FILE_BYTES_MAX} bytes`);
			chunks.push(chunk.subarray(0, count));
		}
	} catch (error) {
		return explainFileError(error, path);
	} finally {
		if (fd !== undefined) closeSync(fd);
	}
	return read(Buffer.concat(chunks).toString("utf8"));
}
