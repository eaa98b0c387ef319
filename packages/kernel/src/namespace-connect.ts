/**
 * A TCP connection from inside another process's network namespace: its 127.0.0.1 is not ours. A child,
 * started there by nsenter(1), connects and passes bytes between its stdio and the socket, so the caller
 * gets an ordinary duplex stream. Needs CAP_SYS_ADMIN, and nsenter of util-linux.
 */
import { spawn } from "node:child_process";
import { Duplex } from "node:stream";
import { type Reading, read, refused } from "./reading.ts";

/** Node starts in well under a second even on a loaded host. */
const START_MS_MAX = 5000;
const STDERR_CHARS_MAX = 2000;
const CONNECTED = "plumbline: connected\n";

/** Runs in the child, as plain JavaScript. Ends with the socket, and with its parent (end of stdin). */
const RELAY = `
const [host, port] = process.argv.slice(1);
const socket = require("node:net").connect({ host, port: Number(port) });
socket.on("error", (error) => { process.stderr.write(error.message); process.exit(1); });
socket.on("connect", () => {
	process.stderr.write(${JSON.stringify(CONNECTED)});
	process.stdin.pipe(socket).pipe(process.stdout);
});
socket.on("close", () => process.exit(0));
`;

/** The stream owns the child: destroying it ends the child. Rejects only when `signal` says stop. */
export async function connectInNamespace(
	pid: number,
	host: string,
	port: number,
	signal?: AbortSignal,
): Promise<Reading<Duplex>> {
	signal?.throwIfAborted();
	const relay = [process.execPath, "-e", RELAY, host, String(port)];
	const child = spawn("nsenter", ["--target", String(pid), "--net", "--", ...relay], {
		stdio: ["pipe", "pipe", "pipe"],
		// Nothing of ours that steers Node (NODE_OPTIONS) may reach the relay.
		env: { PATH: process.env.PATH },
	});
	const said = await waitUntilConnected(child, signal);
	if (said !== "") {
		child.kill("SIGKILL");
		signal?.throwIfAborted();
		return refused(
			"failed",
			`no connection to ${host}:${port} inside the network namespace of process ${pid}: ${said}`,
		);
	}
	const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
	stream.once("close", () => child.kill("SIGKILL"));
	return read(stream);
}

/** "" when connected, else what went wrong. */
function waitUntilConnected(
	child: ReturnType<typeof spawn>,
	signal: AbortSignal | undefined,
): Promise<string> {
	return new Promise((resolve) => {
		let stderr = "";
		const timer = setTimeout(() => settle(`no answer within ${START_MS_MAX} ms`), START_MS_MAX);
		const onAbort = () => settle("interrupted");
		const settle = (said: string) => {
			clearTimeout(timer);
			signal?.removeEventListener("abort", onAbort);
			resolve(said);
		};
		signal?.addEventListener("abort", onAbort, { once: true });
		child.on("error", (error) =>
			settle(`nsenter could not be run (${error.message}); it is part of util-linux`),
		);
		child.on("close", () => settle(stderr.trim() || "the helper ended"));
		// Without a listener, writing to a child that has ended would end this process.
		child.stdin?.on("error", () => {});
		child.stderr?.setEncoding("utf8").on("data", (text: string) => {
			if (stderr.length < STDERR_CHARS_MAX) stderr += text;
			if (stderr.includes(CONNECTED)) settle("");
		});
	});
}
