/**
 * For tests: a child process in a network namespace of its own, with few ports, that makes sockets in
 * TIME_WAIT and holds live connections to the same server. Run directly it is that child: it takes a
 * command a line and answers each with a line.
 *
 *     fill HOST COUNT   makes COUNT connections and closes them, our end first: `made COUNT`, or
 *                       `EADDRNOTAVAIL after N` when no port is left
 *     hold HOST [PORT]  a connection that stays, from that port: `held PORT`, or the error's code
 *     echo              a byte there and back over every held connection: `alive COUNT of COUNT`
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Addresses on the child's loopback: private, private of IPv6, and one of TEST-NET-2 (RFC 5737). */
export const MAKER = {
	private4: "10.11.0.1",
	private6: "fd11::1",
	public4: "198.51.100.7",
	serverPort: 5432,
	portFirst: 20_000,
	/** Even: of an odd number the kernel's search leaves one port out now and then. */
	ports: 4000,
} as const;

export interface Maker {
	readonly pid: number;
	readonly ask: (command: string) => Promise<string>;
	/** Resolves when the process is gone. */
	readonly end: () => Promise<void>;
}

const SETUP = [
	"ip link set lo up",
	`ip addr add ${MAKER.private4}/32 dev lo`,
	`ip addr add ${MAKER.public4}/32 dev lo`,
	`ip addr add ${MAKER.private6}/128 dev lo nodad`,
	`echo ${MAKER.portFirst} ${MAKER.portFirst + MAKER.ports - 1} > /proc/sys/net/ipv4/ip_local_port_range`,
	"echo 0 > /proc/sys/net/ipv4/tcp_tw_reuse",
	'exec "$@"',
].join(" && ");

/** Needs root, unshare(1) and ip(8). */
export async function startMaker(): Promise<Maker> {
	const itself = [process.execPath, fileURLToPath(import.meta.url)];
	const child = spawn("unshare", ["--net", "sh", "-c", SETUP, "sh", ...itself], {
		stdio: ["pipe", "pipe", "inherit"],
	});
	const exited = once(child, "exit");
	const lines = createInterface({ input: child.stdout });
	const nextLine = async () => {
		const early = exited.then(() => Promise.reject(new Error("the maker of TIME_WAIT ended early")));
		const [line] = await Promise.race([once(lines, "line"), early]);
		return String(line);
	};
	if (child.pid === undefined || (await nextLine()) !== "ready") throw new Error("unshare did not start");
	return {
		pid: child.pid,
		ask(command) {
			const answer = nextLine();
			child.stdin.write(`${command}\n`);
			return answer;
		},
		async end() {
			child.stdin.end();
			await exited;
		},
	};
}

const TOGETHER = 50;
const held: Socket[] = [];

async function serve(): Promise<void> {
	const server = createServer((socket) => socket.on("error", () => {}).pipe(socket));
	server.listen({ host: "::", port: MAKER.serverPort, backlog: 4096 });
	await once(server, "listening");
	console.log("ready");
	for await (const line of createInterface({ input: process.stdin })) {
		const [command, host = "", number] = line.split(" ");
		if (command === "fill") console.log(await fill(host, Number(number)));
		else if (command === "hold") console.log(await hold(host, number));
		else console.log(await echo());
	}
	process.exit(0);
}

async function fill(host: string, count: number): Promise<string> {
	let begun = 0;
	let made = 0;
	let failure: string | undefined;
	const work = async () => {
		while (begun < count && failure === undefined) {
			begun++;
			const error = await connectAndClose(host);
			if (error === undefined) made++;
			else failure = error;
		}
	};
	await Promise.all(Array.from({ length: TOGETHER }, work));
	return failure === undefined ? `made ${made}` : `${failure} after ${made}`;
}

/** Resolves with what went wrong, once both ends are closed. */
function connectAndClose(host: string): Promise<string | undefined> {
	return new Promise((resolve) => {
		const socket = connect({ host, port: MAKER.serverPort }, () => socket.end());
		let failure: string | undefined;
		socket.on("error", (error: NodeJS.ErrnoException) => {
			failure = error.code ?? error.message;
		});
		socket.resume().on("close", () => resolve(failure));
	});
}

async function hold(host: string, localPort: string | undefined): Promise<string> {
	const from = localPort === undefined ? {} : { localPort: Number(localPort) };
	const socket = connect({ host, port: MAKER.serverPort, ...from });
	try {
		await once(socket, "connect");
	} catch (error) {
		return error instanceof Error && "code" in error ? String(error.code) : String(error);
	}
	held.push(socket.on("error", () => {}));
	return `held ${socket.localPort}`;
}

async function echo(): Promise<string> {
	const alive = await Promise.all(
		held.map(async (socket) => {
			if (socket.destroyed) return false;
			const back = Promise.race([
				once(socket, "data").then(() => true),
				once(socket, "close").then(() => false),
			]);
			socket.write("x");
			return back;
		}),
	);
	return `alive ${alive.filter(Boolean).length} of ${held.length}`;
}

if (import.meta.main) await serve();
