/** echo-program.ts as a child of a test, and clients that count what is lost. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

const SAID_LINES_MAX = 100_000;

export interface EchoRun {
	readonly child: ChildProcess;
	readonly lines: readonly string[];
	/** Writes the configuration anew, by putting a new file in its place. */
	configure(text: string): void;
	/** The next line like this that was not given yet. */
	said(pattern: RegExp): Promise<string>;
	/** The first line is awaited: its port. */
	readonly port: number;
	readonly ended: Promise<number | null>;
}

export async function startEcho(t: TestContext, text: string): Promise<EchoRun> {
	const folder = mkdtempSync(join(tmpdir(), "plumbline-echo-"));
	const file = join(folder, "gateway.yaml");
	const configure = (next: string) => {
		writeFileSync(`${file}.new`, next);
		renameSync(`${file}.new`, file);
	};
	configure(text);
	const program = fileURLToPath(new URL("./echo-program.ts", import.meta.url));
	const child = spawn(process.execPath, [program, file], { stdio: ["ignore", "inherit", "pipe"] });
	const lines: string[] = [];
	const waiting: (() => void)[] = [];
	let given = 0;
	createInterface({ input: child.stderr }).on("line", (line) => {
		if (lines.length < SAID_LINES_MAX) lines.push(line);
		for (const look of waiting.splice(0)) look();
	});
	const ended = once(child, "exit").then(([code]) => code as number | null);
	const said = async (pattern: RegExp): Promise<string> => {
		while (true) {
			for (; given < lines.length; given++) {
				const line = lines[given] ?? "";
				if (pattern.test(line)) {
					given++;
					return line;
				}
			}
			await new Promise<void>((resolve, reject) => {
				waiting.push(resolve);
				void ended.then((code) => reject(new Error(`ended (${code}): ${lines.join("\n")}`)));
			});
		}
	};
	t.after(async () => {
		child.kill("SIGKILL");
		for (const pid of pidsIn(lines)) killQuietly(pid);
		await ended;
		rmSync(folder, { recursive: true });
	});
	const port = Number(/:(\d+)(?:;|,)/.exec(await said(/^listening on/))?.[1]);
	return { child, lines, configure, said, port, ended };
}

/** Successors are told by their number. */
function pidsIn(lines: readonly string[]): readonly number[] {
	return lines.flatMap((line) => {
		const pid = /^process (\d+) serves now/.exec(line)?.[1];
		return pid === undefined ? [] : [Number(pid)];
	});
}

function killQuietly(pid: number): void {
	try {
		process.kill(pid, "SIGKILL");
	} catch {
		// It has ended.
	}
}

export interface EchoFacts {
	readonly pid: number;
	readonly slot: number;
	readonly routes: readonly string[];
	readonly said: string | null;
}

/** One request on a connection of its own. */
export async function ask(port: number, path = "/"): Promise<EchoFacts> {
	const client = new EchoClient(port);
	try {
		return JSON.parse(await client.request(path)) as EchoFacts;
	} finally {
		client.close();
	}
}

/** Requests one after another; a connection that is told to be the last is followed by another. */
class EchoClient {
	readonly #port: number;
	#socket: Socket | undefined;

	constructor(port: number) {
		this.#port = port;
	}

	/** Rejects if the answer does not come whole: nothing is tried again. */
	async request(path = "/"): Promise<string> {
		const socket = this.#socket ?? (await this.#connect());
		const answered = wholeAnswer(socket);
		socket.write(`GET ${path} HTTP/1.1\r\nhost: echo\r\n\r\n`);
		const { body, isLast } = await answered;
		if (isLast) {
			socket.end();
			this.#socket = undefined;
		}
		return body;
	}

	close(): void {
		this.#socket?.destroy();
		this.#socket = undefined;
	}

	async #connect(): Promise<Socket> {
		const socket = connect(this.#port, "127.0.0.1");
		await once(socket, "connect");
		this.#socket = socket;
		return socket;
	}
}

function wholeAnswer(socket: Socket): Promise<{ readonly body: string; readonly isLast: boolean }> {
	return new Promise((resolve, reject) => {
		let text = "";
		const settle = () => {
			socket.off("data", data);
			socket.off("close", closed);
			socket.off("error", failed);
		};
		const data = (bytes: Buffer) => {
			text += bytes.toString("latin1");
			const [head = "", body] = text.split("\r\n\r\n", 2);
			const length = Number(/content-length: (\d+)/.exec(head)?.[1]);
			if (body === undefined || body.length < length) return;
			settle();
			resolve({ body, isLast: head.includes("connection: close") });
		};
		const closed = () => {
			settle();
			reject(new Error(`closed before the answer was whole: ${JSON.stringify(text)}`));
		};
		const failed = (error: Error) => {
			settle();
			reject(error);
		};
		socket.on("data", data);
		socket.on("close", closed);
		socket.on("error", failed);
	});
}

/** Clients that ask without pause until `stop`; half of them on a new connection each time. */
export function startLoad(port: number, clients: number) {
	let isOver = false;
	let requests = 0;
	const lost: string[] = [];
	const pids = new Set<number>();
	const all = Promise.all(
		Array.from({ length: clients }, async (_, index) => {
			const client = new EchoClient(port);
			while (!isOver) {
				try {
					pids.add((JSON.parse(await client.request()) as EchoFacts).pid);
					requests++;
				} catch (error) {
					lost.push(String(error));
					client.close();
				}
				if (index % 2 === 0) client.close();
			}
			client.close();
		}),
	);
	return {
		pids,
		get requests() {
			return requests;
		},
		/** What was lost, in words. */
		async stop(): Promise<readonly string[]> {
			isOver = true;
			await all;
			return lost;
		},
	};
}
