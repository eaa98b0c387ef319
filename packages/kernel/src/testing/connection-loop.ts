/**
 * For tests: a process in a network namespace of its own that is client and server of its connections, so that
 * every event of the namespace is ordered. Run directly it is that process: of a number on a line it makes so many
 * connections one after the other, each closed by the client first, and answers `done`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/**
 * Of a connection, the changes that are counted: SYN_SENT, ESTABLISHED, FIN_WAIT1 and CLOSE of the client's end,
 * ESTABLISHED, CLOSE_WAIT, LAST_ACK and CLOSE of the server's.
 */
export const CHANGES = 8;
/** Of these by a call: SYN_SENT, FIN_WAIT1, LAST_ACK. */
export const CALLS = 3;

export interface ConnectionLoop {
	readonly pid: number;
	readonly turn: (connections: number) => Promise<void>;
	readonly end: () => Promise<void>;
}

/** Needs root, unshare(1) and ip(8). `isContained`: in a pid namespace of its own too. */
export async function loopConnections({
	isContained,
}: {
	readonly isContained: boolean;
}): Promise<ConnectionLoop> {
	const own = isContained ? ["--net", "--pid", "--fork"] : ["--net"];
	const inside = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
	const child = spawn("unshare", [...own, ...inside, process.execPath, fileURLToPath(import.meta.url)], {
		stdio: ["pipe", "pipe", "inherit"],
	});
	const exited = once(child, "exit");
	if (child.pid === undefined) throw new Error("the child did not start");
	const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const turn = async (connections: number) => {
		child.stdin.write(`${connections}\n`);
		const { value } = await answers.next();
		if (value !== "done") throw new Error(`${connections} connections: ${value}`);
	};
	await turn(0);
	const end = async () => {
		child.stdin.end();
		await exited;
	};
	const pid = isContained
		? Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8"))
		: child.pid;
	return { pid, turn, end };
}

async function obey(): Promise<void> {
	const server = createServer((socket) => socket.resume()).listen(0, "127.0.0.1");
	await once(server, "listening");
	const address = server.address();
	if (address === null || typeof address === "string") throw new Error("no port");
	for await (const line of createInterface({ input: process.stdin })) {
		for (let i = 0; i < Number(line); i++) {
			const accepted = once(server, "connection");
			const client = connect(address.port, "127.0.0.1").resume();
			const [served]: Socket[] = await accepted;
			const closed = Promise.all([once(client, "close"), served && once(served, "close")]);
			client.end();
			await closed;
		}
		process.stdout.write("done\n");
	}
	process.exit(0);
}

if (import.meta.main) await obey();
