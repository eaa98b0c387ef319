/**
 * The build info of a running Go program, read through /proc/PID/exe: that link leads to the very file
 * that runs, even if it was deleted, replaced, or lies in a container's own file system.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { findBuildinfo } from "@plumbline/signals/find-buildinfo";
import { lengthOfBuildinfo } from "@plumbline/signals/go-binary-buildinfo";
import { explainFileError, type Reading, read, refused } from "./reading.ts";

/** The bytes from the magic on; `absent` when the executable is no Go program or was built without. */
export function readGoBuildinfo(pid: number, proc = "/proc"): Reading<Uint8Array> {
	const path = `${proc}/${pid}/exe`;
	let fd: number | undefined;
	try {
		fd = openSync(path, "r");
		const file = fd;
		const readAt = (offset: number, length: number) => {
			const bytes = Buffer.alloc(length);
			return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
		};
		const found = findBuildinfo(readAt);
		if (found.kind === "absent") return refused("absent", `${path}: ${found.why}`);
		const bytes = readAt(found.offset, found.length);
		return read(bytes.subarray(0, lengthOfBuildinfo(bytes)));
	} catch (error) {
		return explainFileError(error, path);
	} finally {
		if (fd !== undefined) closeSync(fd);
	}
}
