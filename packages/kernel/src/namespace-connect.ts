/**
 * A TCP connection from inside another process's network namespace: its 127.0.0.1 is not ours. A child,
 * started there by nsenter(1), connects and passes bytes between its stdio and the socket, so the caller
 * gets an ordinary duplex stream. Needs CAP_SYS_ADMIN, and nsenter of util-linux.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
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
	return read(new Relay(child));
}

type Child = ChildProcessWithoutNullStreams;

/**
 * The child's stdio as one stream that behaves like a socket: ending it early is no error. (Duplex.from
 * emits an AbortError then, which nobody may be left to hear.)
 */
class Relay extends Duplex {
	readonly #child: Child;

	constructor(child: Child) {
		// As a TCP socket in Node: when the peer ends, so do we, and the child with us.
		super({ allowHalfOpen: false });
		this.#child = child;
		child.stdout.on("data", (chunk: Buffer) => {
			if (!this.push(chunk)) child.stdout.pause();
		});
		child.stdout.on("end", () => this.push(null));
	}

	override _read(): void {
		this.#child.stdout.resume();
	}

	override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
		this.#child.stdin.write(chunk, done);
	}

	override _final(done: () => void): void {
		// The child may be gone already: then there is nothing to end, and that is no error either.
		this.#child.stdin.end(() => done());
	}

	override _destroy(error: Error | null, done: (error: Error | null) => void): void {
		this.#child.kill("SIGKILL");
		done(error);
	}
}

/** "" when connected, else what went wrong. */
function waitUntilConnected(child: Child, signal: AbortSignal | undefined): Promise<string> {
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
		child.stdin.on("error", () => {});
		child.stderr.setEncoding("utf8").on("data", (text: string) => {
			if (stderr.length < STDERR_CHARS_MAX) stderr += text;
			if (stderr.includes(CONNECTED)) settle("");
		});
	});
}
