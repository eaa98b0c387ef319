/**
 * Plumbline itself, run once more in the network namespace of a process: started by nsenter(1) of util-linux, which takes
 * CAP_SYS_ADMIN. Sockets that are opened there are of that network, whatever opens them.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { placeOfNetworkNamespace } from "@plumbline/kernel/network-namespace";
import { CommandError, EXIT_UNEXAMINED } from "./exit-code.ts";

/** A check of 64 names by three servers that are silent. */
const CHILD_MS_MAX = 180_000;
const CHILD_BYTES_MAX = 16 << 20;

export interface ChildRun {
	readonly code: number;
	readonly stdout: Uint8Array;
	/** Trimmed, without our own name before it. */
	readonly stderr: string;
}

/** Throws a CommandError for a process that is not there, or not to be seen. */
export function isElsewhere(pid: number): boolean {
	const place = placeOfNetworkNamespace(pid);
	if (place.kind === "refused") throw new CommandError(place.why, EXIT_UNEXAMINED);
	return place.value === "other";
}

/** Rejects by the signal only. What could not be run at all ended with EXIT_UNEXAMINED. */
export async function runInNetworkOf(
	pid: number,
	args: readonly string[],
	signal: AbortSignal,
): Promise<ChildRun> {
	const own = [process.execPath, join(import.meta.dirname, "main.ts")];
	const options = {
		signal,
		timeout: CHILD_MS_MAX,
		maxBuffer: CHILD_BYTES_MAX,
		encoding: "buffer" as const,
		// Nothing of ours that steers Node (NODE_OPTIONS) may reach it.
		env: { PATH: process.env.PATH },
	};
	const run = await new Promise<ChildRun>((resolve) => {
		execFile(
			"nsenter",
			["--target", String(pid), "--net", "--", ...own, ...args],
			options,
			(error, stdout, stderr) => {
				const said = stderr
					.toString("utf8")
					.trim()
					.replace(/^plumbline: /, "");
				const code = typeof error?.code === "number" ? error.code : error === null ? 0 : EXIT_UNEXAMINED;
				resolve({ code, stdout, stderr: said || (error?.message.split("\n", 1)[0] ?? "") });
			},
		);
	});
	signal.throwIfAborted();
	return run;
}
