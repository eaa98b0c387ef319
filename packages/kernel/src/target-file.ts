/**
 * A small file as a process sees it, through /proc/PID/root: its mount namespace, its chroot.
 *
 * The kernel follows an absolute link there from *our* root, not the process's (path_resolution(7)), so links are
 * followed by hand. What is no regular file is not opened: a FIFO would block, a device could do anything.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, readSync } from "node:fs";
import { posix } from "node:path";
import { errnoCode, explainFileError, type Reading, read, refused } from "./reading.ts";

const BYTES_MAX = 64 << 10;
/** As the kernel does: it gives up after 40. */
const LINKS_MAX = 40;

/** `path` is absolute. */
export function readTargetFile(pid: number, path: string, proc = "/proc"): Reading<string> {
	const root = `${proc}/${pid}/root`;
	const real = realPath(root, path);
	if (real.kind === "refused") return real;
	const full = root + real.value;
	let fd: number;
	try {
		// Opening a device can already do something; what comes there between the two looks is seen by the second.
		if (!lstatSync(full).isFile()) return refused("failed", `${full} is no regular file`);
		fd = openSync(full, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
	} catch (error) {
		return explainFileError(error, full);
	}
	try {
		if (!fstatSync(fd).isFile()) return refused("failed", `${full} is no regular file`);
		const bytes = Buffer.alloc(BYTES_MAX);
		return read(bytes.toString("utf8", 0, readSync(fd, bytes, 0, BYTES_MAX, 0)));
	} catch (error) {
		return explainFileError(error, full);
	} finally {
		closeSync(fd);
	}
}

/** Every link on the way replaced by what it points to, as seen from `root`. */
function realPath(root: string, path: string): Reading<string> {
	let done = "";
	let rest = path.split("/").filter((name) => name !== "");
	for (let links = 0; rest.length > 0; ) {
		const [name = "", ...after] = rest;
		const next = posix.join("/", done, name);
		let target: string | undefined;
		try {
			target = readlinkSync(root + next);
		} catch (error) {
			// EINVAL: it is no link.
			if (errnoCode(error) !== "EINVAL") return explainFileError(error, root + next);
		}
		if (target === undefined) {
			done = next === "/" ? "" : next;
			rest = after;
			continue;
		}
		if (++links > LINKS_MAX) return refused("failed", `${root}${path} is a link to itself`);
		if (target.startsWith("/")) done = "";
		rest = [...target.split("/").filter((part) => part !== ""), ...after];
	}
	return read(done);
}
