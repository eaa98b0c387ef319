/**
 * For tests: a child process that holds a known set of sockets on loopback, in our network namespace or
 * in one of its own, until it is told to end. Run directly it is that child.
 *
 * Per port it holds 1 LISTEN, 5 + 5 ESTABLISHED, 2 CLOSE_WAIT with 2 FIN_WAIT2, and 3 TIME_WAIT; IPv4,
 * IPv4-mapped and IPv6 in turn.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
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
	process.stdout.write(`${ports.join(" ")}\n`);
	process.stdin.resume().on("end", () => process.exit(kept.length > 0 ? 0 : 1));
}

async function pair(server: Server, host: string, port: number): Promise<readonly [Socket, Socket]> {
	const accepted = once(server, "connection");
	const client = connect({ host, port, allowHalfOpen: true });
	await once(client, "connect");
	const [served] = (await accepted) as [Socket];
	return [client, served];
}

if (import.meta.main) await hold();
