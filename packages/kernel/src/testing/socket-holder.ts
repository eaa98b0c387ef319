/**
 * For tests: a child process that holds a known set of sockets on loopback, in our network namespace or
 * in one of its own, until it is told to end. Run directly it is that child.
 *
 * Per port it holds 1 LISTEN, 5 + 5 ESTABLISHED, 2 CLOSE_WAIT with 2 FIN_WAIT2, and 3 TIME_WAIT; IPv4,
 * IPv4-mapped and IPv6 in turn.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export interface Holder {
	readonly pid: number;
	readonly ports: readonly number[];
	/** Resolves when the process is gone. */
	readonly end: () => Promise<void>;
}

export async function holdSockets(namespace: "ours" | "own", asUid?: number): Promise<Holder> {
	const itself = [process.execPath, fileURLToPath(import.meta.url)];
	const asUser = asUid === undefined ? [] : ["setpriv", "--reuid", String(asUid), "--clear-groups"];
	const own = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
	const [command = "", ...args] = [...(namespace === "own" ? own : []), ...asUser, ...itself];
	const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
	const exited = once(child, "exit");
	const [line] = await Promise.race([
		once(child.stdout, "data"),
		exited.then(() => Promise.reject(new Error(`${command} ended early`))),
	]);
	if (child.pid === undefined) throw new Error(`${command} did not start`);
	const ports = String(line).trim().split(" ").map(Number);
	const end = async () => {
		child.stdin.end();
		await exited;
	};
	return { pid: child.pid, ports, end };
}

const ESTABLISHED = 5;
const HALF_CLOSED = 2;
const CLOSED = 3;

async function hold(): Promise<void> {
	const kept: unknown[] = [];
	const ports: number[] = [];
	for (const [host, to] of [
		["127.0.0.1", "127.0.0.1"],
		["::", "127.0.0.1"],
		["::1", "::1"],
	] as const) {
		const server = createServer({ allowHalfOpen: true });
		server.listen({ host, port: 0 });
		await once(server, "listening");
		const address = server.address();
		if (address === null || typeof address === "string") throw new Error("no port");
		ports.push(address.port);
		kept.push(server);
		for (let i = 0; i < ESTABLISHED; i++) kept.push(await pair(server, to, address.port));
		for (let i = 0; i < HALF_CLOSED; i++) {
			const [client, served] = await pair(server, to, address.port);
			kept.push(client, served);
			served.end();
			client.resume();
			await once(client, "end");
		}
		for (let i = 0; i < CLOSED; i++) {
			const [client, served] = await pair(server, to, address.port);
			client.resume().end();
			served.resume();
			await once(served, "end");
			served.end();
			await once(client, "close");
		}
	}
	await settled(ports);
	process.stdout.write(`${ports.join(" ")}\n`);
	process.stdin.resume().on("end", () => process.exit(kept.length > 0 ? 0 : 1));
}

/** FIN_WAIT1, LAST_ACK and CLOSING, as /proc/net/tcp writes them: an acknowledgement is still to come. */
const PASSING = new Set(["04", "09", "0B"]);
const LOOKS_MAX = 10_000;

/** The peer's acknowledgement of a FIN may come 40 ms after the FIN was read. */
async function settled(ports: readonly number[]): Promise<void> {
	const ours = new Set(ports.map((port) => port.toString(16).toUpperCase().padStart(4, "0")));
	for (let look = 0; look < LOOKS_MAX; look++) {
		const rows = ["tcp", "tcp6"].flatMap((table) =>
			readFileSync(`/proc/self/net/${table}`, "latin1").split("\n"),
		);
		const passing = rows.some((row) => {
			const [, local = "", remote = "", state = ""] = row.trim().split(/\s+/);
			const portOf = (address: string) => address.slice(address.lastIndexOf(":") + 1);
			return PASSING.has(state) && (ours.has(portOf(local)) || ours.has(portOf(remote)));
		});
		if (!passing) return;
		await nextTurn();
	}
	throw new Error("the sockets do not settle");
}

async function pair(server: Server, host: string, port: number): Promise<readonly [Socket, Socket]> {
	const accepted = once(server, "connection");
	const client = connect({ host, port, allowHalfOpen: true });
	await once(client, "connect");
	const [served] = (await accepted) as [Socket];
	return [client, served];
}

if (import.meta.main) await hold();
