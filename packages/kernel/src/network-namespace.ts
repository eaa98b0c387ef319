/**
 * Network namespaces: is a process in ours, and doing something from inside another one.
 *
 * A socket belongs for good to the namespace it was made in. So the visit is short: setns there, make the
 * socket (or read a sysctl), setns back, all synchronously on one thread, with no chance for other code
 * of this process to run in the wrong place.
 */
import { closeSync, openSync, readlinkSync } from "node:fs";
import type { Libc } from "./libc.ts";
import { explainFileError, type Reading, read, refused } from "./reading.ts";

const CLONE_NEWNET = 0x40000000;
const EPERM = 1;

/** Where a process is, seen from here. */
export type NamespacePlace = "ours" | "other";

/** Compares namespace ids: `net:[4026531840]`. Denied for a process of another user. */
export function placeOfNetworkNamespace(pid: number, proc = "/proc"): Reading<NamespacePlace> {
	const path = `${proc}/${pid}/ns/net`;
	try {
		return read(readlinkSync(path) === readlinkSync(`${proc}/self/ns/net`) ? "ours" : "other");
	} catch (error) {
		return explainFileError(error, path);
	}
}

/**
 * Runs `visit` in the network namespace of `pid`. `visit` must be synchronous. Needs CAP_SYS_ADMIN.
 * If the way back fails the process is aborted: from then on it would speak to the wrong network.
 */
export function inNetworkNamespace<T>(libc: Libc, pid: number, visit: () => T): Reading<T> {
	const path = `/proc/${pid}/ns/net`;
	let here: number | undefined;
	let there: number | undefined;
	try {
		here = openSync("/proc/thread-self/ns/net", "r");
		there = openSync(path, "r");
		if (libc.setns(there, CLONE_NEWNET) < 0) return explainSetns(libc, pid);
		try {
			return read(visit());
		} finally {
			if (libc.setns(here, CLONE_NEWNET) < 0) process.abort();
		}
	} catch (error) {
		return explainFileError(error, path);
	} finally {
		if (here !== undefined) closeSync(here);
		if (there !== undefined) closeSync(there);
	}
}

function explainSetns(libc: Libc, pid: number): Reading<never> {
	const errno = libc.errno();
	const why = `the network namespace of process ${pid} may not be entered: ${libc.errorName(errno)}`;
	if (errno === EPERM) return refused("denied", `${why}; it takes CAP_SYS_ADMIN (run as root)`);
	return refused("failed", why);
}
