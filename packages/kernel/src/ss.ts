/**
 * Runs ss(8) of iproute2: the second-best way to the sockets, when netlink cannot be spoken from here.
 *
 * `-t` TCP, `-a` all states, `-n` numbers, `-O` one line a socket, `-i` tcp_info, `-e` inode and cookie.
 * Never `-p`: it walks over every process of the host and takes four times as long. The header line is
 * kept (no `-H`), so that a namespace without sockets still gives a recognisable table.
 */
import { spawn } from "node:child_process";
import { errnoCode, type Reading, read, refused } from "./reading.ts";

const SS_ARGUMENTS = ["-tanOie"];
const SS_MS_MAX = 20_000;
const STDERR_CHARS_MAX = 2000;

export interface SocketText {
	readonly bytes: Uint8Array;
	/** Present when rows are missing: the reason. */
	readonly truncated?: string;
}

export interface SocketTextQuery {
	readonly bytesMax: number;
	readonly signal?: AbortSignal;
}

/** The command line, also for the part's source. `namespaceOf`: whose network namespace, if not ours. */
export function ssCommand(namespaceOf?: number): readonly string[] {
	const inside = namespaceOf === undefined ? [] : ["nsenter", "--target", String(namespaceOf), "--net", "--"];
	return [...inside, "ss", ...SS_ARGUMENTS];
}

/** Rejects only when `signal` says stop; the child is ended first. */
export async function runSs(query: SocketTextQuery, namespaceOf?: number): Promise<Reading<SocketText>> {
	query.signal?.throwIfAborted();
	const [command = "", ...args] = ssCommand(namespaceOf);
	const child = spawn(command, args, {
		stdio: ["ignore", "pipe", "pipe"],
		env: { ...process.env, LC_ALL: "C" },
		killSignal: "SIGKILL",
		...(query.signal === undefined ? {} : { signal: query.signal }),
	});
	const chunks: Uint8Array[] = [];
	let size = 0;
	let stderr = "";
	let truncated: string | undefined;
	child.stdout.on("data", (chunk: Buffer) => {
		if (truncated !== undefined) return;
		chunks.push(chunk.subarray(0, query.bytesMax - size));
		size += chunk.length;
		if (size > query.bytesMax) {
			truncated = `stopped at the bound of ${query.bytesMax} bytes`;
			child.kill("SIGKILL");
		}
	});
	child.stderr.setEncoding("utf8").on("data", (text: string) => {
		if (stderr.length < STDERR_CHARS_MAX) stderr += text;
	});
	// Not spawn's own timeout: its timer outlives a command that could not be started.
	const timer = setTimeout(() => child.kill("SIGKILL"), SS_MS_MAX);
	const ended = await new Promise<{ failed?: Error; code: number | null }>((resolve) => {
		child.on("error", (failed) => resolve({ failed, code: null }));
		child.on("close", (code) => resolve({ code }));
	});
	clearTimeout(timer);
	query.signal?.throwIfAborted();
	const bytes = Buffer.concat(chunks);
	if (truncated !== undefined) return read({ bytes, truncated });
	if (ended.failed !== undefined) return explainSpawn(ended.failed, command);
	if (ended.code === 0) return read({ bytes });
	const why =
		stderr.trim().split("\n", 1)[0] ||
		(ended.code === null ? `killed after ${SS_MS_MAX} ms` : "no reason given");
	return refused(/not permitted|denied/i.test(why) ? "denied" : "failed", `${command} failed: ${why}`);
}

function explainSpawn(error: Error, command: string): Reading<never> {
	if (errnoCode(error) !== "ENOENT")
		return refused("failed", `${command} could not be run: ${error.message}`);
	const from = command === "ss" ? "iproute2" : "util-linux";
	return refused("unsupported", `${command} is not installed (package ${from})`);
}
