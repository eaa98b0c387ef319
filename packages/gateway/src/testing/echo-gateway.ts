/**
 * The simplest gateway that keeps its word: answers each request with its process's id, and turns into a tunnel of
 * echoes for `GET /tunnel`. What supervisors are tested with, since whatever is lost was lost by them.
 */
import { createServer, type Server, type Socket } from "node:net";
import type { GatewaySettings } from "../settings.ts";
import { BACKLOG } from "../supervisor-listen.ts";
import type { GatewayHooks, ListeningPlace, ListenSockets, RunningGateway } from "../worker-contract.ts";

const HEAD_CHARS_MAX = 65_536;

export async function openEcho(
	settings: GatewaySettings,
	sockets: ListenSockets,
	hooks: GatewayHooks,
): Promise<RunningGateway> {
	const servers = new Map<string, Server>();
	const connections = new Set<Socket>();
	const heard = new Map<string, unknown>();
	let routes = settings.routes.map(({ name }) => name);
	let isDraining = false;
	let empty = () => {};

	async function serve(name: string, given: ListenSockets, next: GatewaySettings): Promise<void> {
		const listener = next.listeners.find((each) => each.name === name);
		if (listener === undefined || listener.name === "refuse-me") throw new Error(`cannot serve ${name}`);
		const server = createServer(connected);
		const fd = given.get(name);
		const { host = "127.0.0.1", port = 0 } = listener;
		await new Promise<void>((resolve, reject) => {
			server.once("error", reject);
			if (fd !== undefined) server.listen({ fd, backlog: BACKLOG }, resolve);
			else server.listen({ host, port, reusePort: hooks.workers > 1 }, resolve);
		});
		servers.set(name, server);
	}

	function connected(socket: Socket): void {
		connections.add(socket);
		let text = "";
		let isTunnel = false;
		socket.on("error", () => {});
		socket.on("close", () => {
			connections.delete(socket);
			if (connections.size === 0) empty();
		});
		socket.on("data", (bytes) => {
			if (isTunnel) {
				socket.write(bytes);
				return;
			}
			text += bytes.toString("latin1");
			if (text.length > HEAD_CHARS_MAX) socket.destroy();
			for (let end = text.indexOf("\r\n\r\n"); end !== -1 && !isTunnel; end = text.indexOf("\r\n\r\n")) {
				const [, path = "/"] = text.slice(0, end).split(" ");
				text = text.slice(end + 4);
				if (path === "/tunnel") {
					isTunnel = true;
					socket.write("tunnel\n");
				} else void answer(socket, path);
			}
		});
	}

	async function answer(socket: Socket, path: string): Promise<void> {
		if (path === "/crash") process.exit(9);
		if (path.startsWith("/publish/")) hooks.publish("said", path.slice("/publish/".length));
		const body = path === "/collect" ? JSON.stringify(await hooks.collect("pid")) : JSON.stringify(facts());
		const last = isDraining ? "connection: close\r\n" : "";
		socket.write(`HTTP/1.1 200 OK\r\n${last}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
		if (isDraining) socket.end();
	}

	function facts() {
		return { pid: process.pid, slot: hooks.slot, routes, said: heard.get("said") ?? null };
	}

	for (const { name } of settings.listeners) await serve(name, sockets, settings);
	return {
		get listening(): readonly ListeningPlace[] {
			return [...servers].map(([listener, server]) => {
				const address = server.address();
				const port = typeof address === "object" ? address?.port : 0;
				return { listener, place: `127.0.0.1:${port}` };
			});
		},
		async apply(next, given, { listeners }) {
			for (const name of listeners.added) await serve(name, given, next);
			for (const name of listeners.removed) {
				servers.get(name)?.close();
				servers.delete(name);
			}
			routes = next.routes.map(({ name }) => name);
		},
		async drain() {
			isDraining = true;
			for (const server of servers.values()) server.close();
			await new Promise<void>((resolve) => {
				const timer = setTimeout(resolve, settings.drainMs);
				empty = () => {
					clearTimeout(timer);
					resolve();
				};
				if (connections.size === 0) empty();
			});
		},
		async close() {
			for (const server of servers.values()) server.close();
			for (const socket of connections) socket.destroy();
		},
		answer: (kind) => (kind === "pid" ? process.pid : undefined),
		received: (topic, value) => void heard.set(topic, value),
	};
}
