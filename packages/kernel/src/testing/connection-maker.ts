/**
 * For tests: a child process that opens and closes connections to one port on demand. Run directly it is
 * that child: it reads `open 7`, `close 3`, `churn 11` (open and close, one after the other), a line each,
 * and answers `done` when the kernel has done it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface ConnectionMaker {
	readonly pid: number;
	readonly tell: (command: string) => Promise<void>;
	readonly end: () => Promise<void>;
}

export async function makeConnections(port: number): Promise<ConnectionMaker> {
	const child = spawn(process.execPath, [fileURLToPath(import.meta.url), String(port)], {
		stdio: ["pipe", "pipe", "inherit"],
	});
	const exited = once(child, "exit");
	if (child.pid === undefined) throw new Error("the child did not start");
	const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const tell = async (command: string) => {
		child.stdin.write(`${command}\n`);
		const { value } = await answers.next();
		if (value !== "done") throw new Error(`${command}: ${value}`);
	};
	await tell("open 0");
	const end = async () => {
		child.stdin.end();
		await exited;
	};
	return { pid: child.pid, tell, end };
}

async function obey(port: number): Promise<void> {
	const held: Socket[] = [];
	const open = async () => {
		const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
		await once(socket, "connect");
		// A server of the test may reset it.
		socket.on("error", () => {});
		held.push(socket.resume());
	};
	const close = async () => {
		const socket = held.shift();
		if (socket === undefined) return;
		const closed = once(socket, "close");
		socket.end();
		await closed;
	};
	for await (const line of createInterface({ input: process.stdin })) {
		const [command, count] = line.split(" ");
		for (let i = 0; i < Number(count); i++) {
			if (command !== "close") await open();
			if (command !== "open") await close();
		}
		process.stdout.write("done\n");
	}
	process.exit(0);
}

if (import.meta.main) await obey(Number(process.argv[2]));
