/**
 * A listener: takes connections, counts them, finds out which protocol they speak, and hands them over.
 *
 *   accepted ─▶ (too many: closed at once) ─▶ TLS: ALPN tells ───────────┬─▶ serveH1
 *                                         └▶ in the clear: first bytes ──┴─▶ serveH2
 */
import { unlink } from "node:fs/promises";
import { connect, createServer, type ListenOptions, type Server, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { ConnectionFacts, peerAddress } from "./client-facts.ts";
import type { ClientSlots } from "./client-slots.ts";
import { clientKey } from "./key-source.ts";
import type { ClientTimeouts, ListenerSettings, ListenerTls } from "./settings.ts";
import type { TimerWheel } from "./timer-wheel.ts";
import { SOCKET_HOLD_BYTES } from "./transport-dial.ts";
import { tellProtocol } from "./transport-preface.ts";
import { type TlsAcceptor, tlsAcceptor } from "./transport-tls.ts";

/** What h1-server and h2-server give for a socket. */
export interface ServedConnection {
	/** Exchanges under way. */
	readonly open: number;
	drain(drainMs: number): void;
	destroy(): void;
}

export type Serve = (
	socket: Socket,
	firstBytes: Buffer | undefined,
	client: ConnectionFacts,
) => ServedConnection;

export interface ListenerParts {
	readonly wheel: TimerWheel;
	readonly serveH1: Serve;
	readonly serveH2: Serve;
	/** As they are when a connection comes. */
	readonly timeouts: () => ClientTimeouts;
	/** Of all listeners of the process together. */
	readonly slots?: ClientSlots;
}

export interface ListenHow {
	/** An inherited socket that listens already; host, port and path are only its name then. */
	readonly fd?: number;
	/** Several processes may listen on one port, and the kernel shares clients out. */
	readonly reusePort?: boolean;
}

export interface ListenerCounts {
	readonly open: number;
	readonly accepted: number;
	readonly refused: number;
}

export interface Listener {
	readonly settings: ListenerSettings;
	/** The real one; undefined on a unix socket. */
	readonly port: number | undefined;
	/** Of the socket that listens, for whoever inherits it; undefined when it does not listen. */
	readonly fd: number | undefined;
	readonly counts: ListenerCounts;
	/** Limits for connections from now on; host, port, path and protocols stay. Throws for TLS files that are not good. */
	use(settings: ListenerSettings): void;
	/** Resolves when the port is free. */
	stopAccepting(): Promise<void>;
	/** What is under way may end; resolves when all connections are gone, and after drainMs they are cut. */
	drain(drainMs: number): Promise<void>;
	/** Now. */
	close(): Promise<void>;
}

const BACKLOG = 4096;
/** For one that carries nothing, when there is no room. */
const LOOKED_AT_MAX = 64;
/** At the end; a flood of new connections must not keep us from it. */
const ACCEPT_TURNS_MAX = 1_000;

/** Rejects when it cannot listen, with the error of the system; throws for TLS files that are not good. */
export async function openListener(
	settings: ListenerSettings,
	parts: ListenerParts,
	how: ListenHow = {},
): Promise<Listener> {
	const listener = new NetListener(settings, parts);
	await listener.listen(how);
	return listener;
}

class NetListener implements Listener {
	settings: ListenerSettings;
	readonly #parts: ListenerParts;
	readonly #server: Server;
	readonly #tls: TlsAcceptor | undefined;
	readonly #sockets = new Set<Socket>();
	/** No more entries than sockets. */
	readonly #byClient = new Map<string, number>();
	readonly #served = new Map<Socket, ServedConnection>();
	#accepted = 0;
	#refused = 0;
	#isClosed = false;
	#drainUntilMs: number | undefined = undefined;
	#whenEmpty: (() => void)[] = [];

	constructor(settings: ListenerSettings, parts: ListenerParts) {
		this.settings = settings;
		this.#parts = parts;
		const { tls, protocols } = settings;
		if (tls !== undefined)
			this.#tls = tlsAcceptor(tls, protocols, parts.timeouts().headMs, (socket) => this.#secured(socket));
		this.#server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: SOCKET_HOLD_BYTES });
		this.#server.on("connection", (socket) => this.#accept(socket));
	}

	get port(): number | undefined {
		const address = this.#server.address();
		return address === null || typeof address === "string" ? undefined : address.port;
	}

	get fd(): number | undefined {
		const { _handle: handle } = this.#server as unknown as { _handle: { fd?: number } | null };
		return handle?.fd;
	}

	get counts(): ListenerCounts {
		return { open: this.#sockets.size, accepted: this.#accepted, refused: this.#refused };
	}

	use(settings: ListenerSettings): void {
		if (settings.tls !== undefined) this.#tls?.renew(settings.tls as ListenerTls);
		this.settings = settings;
	}

	async listen(how: ListenHow): Promise<void> {
		const options = optionsOf(this.settings, how);
		try {
			await this.#listenOnce(options);
		} catch (cause) {
			const { path } = this.settings;
			if (path === undefined || how.fd !== undefined || !(await isLeftOver(cause, path))) throw cause;
			await unlink(path);
			await this.#listenOnce(options);
		}
	}

	#listenOnce(options: ListenOptions): Promise<void> {
		return new Promise((resolve, reject) => {
			this.#server.once("error", reject);
			this.#server.listen(options, () => {
				this.#server.off("error", reject);
				// Too many files open, for one: whoever waits is taken when there is room again.
				this.#server.on("error", () => undefined);
				resolve();
			});
		});
	}

	async stopAccepting(): Promise<void> {
		if (this.#isClosed) return;
		this.#isClosed = true;
		// `close` of the server waits for connections; the port is free at once.
		this.#server.close();
	}

	async drain(drainMs: number): Promise<void> {
		this.#drainUntilMs = drainMs;
		await this.#acceptWaiting();
		await this.stopAccepting();
		for (const served of this.#served.values()) served.drain(drainMs);
		if (this.#sockets.size === 0) return;
		const timer = setTimeout(() => this.#destroyAll(), drainMs);
		await new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
		clearTimeout(timer);
	}

	/** To whoever waits in the kernel's queue we seem to be there already: closing would break his connection off. */
	async #acceptWaiting(): Promise<void> {
		let accepted = -1;
		// Two turns of the event loop, as the first may be over before sockets are looked at.
		for (let turns = 0; turns < ACCEPT_TURNS_MAX && !this.#isClosed; turns++) {
			if (turns % 2 === 0) {
				if (accepted === this.counts.accepted) return;
				accepted = this.counts.accepted;
			}
			await new Promise((resolve) => setImmediate(resolve));
		}
	}

	async close(): Promise<void> {
		await this.stopAccepting();
		if (this.#sockets.size === 0) return;
		const empty = new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
		this.#destroyAll();
		await empty;
	}

	#destroyAll(): void {
		for (const served of this.#served.values()) served.destroy();
		for (const socket of this.#sockets) socket.destroy();
	}

	#accept(socket: Socket): void {
		const address = this.settings.path === undefined ? peerAddress(socket) : "";
		// Of IPv6 the network: whoever has one has 2^64 addresses.
		const key = clientKey(address);
		const ofClient = this.#byClient.get(key) ?? 0;
		const { connectionsMax, connectionsMaxPerClient, path } = this.settings;
		const isOneTooMany = path === undefined && ofClient >= connectionsMaxPerClient;
		const hasSlot = this.#parts.slots?.take() !== false;
		const isFull = this.#sockets.size >= connectionsMax || !hasSlot;
		if (isOneTooMany || (isFull && !this.#makeRoom())) {
			if (hasSlot) this.#parts.slots?.give();
			this.#refused++;
			socket.on("error", () => undefined);
			// No TIME_WAIT of ours for it.
			if (path === undefined) socket.resetAndDestroy();
			else socket.destroy();
			return;
		}
		// What made room for it gives its own back in a moment.
		if (!hasSlot) this.#parts.slots?.takeOneMore();
		this.#accepted++;
		this.#sockets.add(socket);
		this.#byClient.set(key, ofClient + 1);
		socket.once("close", () => this.#gone(socket, key));
		if (this.#tls === undefined) this.#tell(socket, address);
		else {
			socket.on("error", () => undefined);
			this.#tls.server.emit("connection", socket);
		}
	}

	/**
	 * Closes one of the oldest connections that carry nothing: whoever holds many and says nothing must not keep others
	 * out. Behind TLS it is not known here what a connection carries.
	 */
	#makeRoom(): boolean {
		if (this.#tls !== undefined) return false;
		let looked = 0;
		for (const socket of this.#sockets) {
			if (++looked > LOOKED_AT_MAX) return false;
			const served = this.#served.get(socket);
			if (!socket.destroyed && (served === undefined || served.open === 0)) {
				if (served === undefined) socket.destroy();
				else served.destroy();
				return true;
			}
			// To the end, so that the next look is at others.
			this.#sockets.delete(socket);
			this.#sockets.add(socket);
		}
		return false;
	}

	#tell(socket: Socket, address: string): void {
		const { protocols, name } = this.settings;
		const facts = new ConnectionFacts(address, socket.remotePort ?? 0, name, undefined);
		const { wheel, timeouts } = this.#parts;
		if (!protocols.includes("h2")) this.#serve("h1", socket, undefined, facts);
		else if (!protocols.includes("h1")) this.#serve("h2", socket, undefined, facts);
		else
			tellProtocol(socket, wheel, timeouts(), (protocol, bytes) =>
				this.#serve(protocol, socket, bytes, facts),
			);
	}

	#secured(socket: TLSSocket): void {
		const { settings } = this;
		const serverName = typeof socket.servername === "string" ? socket.servername : undefined;
		const protocol = socket.getProtocol() ?? "TLS";
		const address = settings.path === undefined ? peerAddress(socket) : "";
		const facts = new ConnectionFacts(address, socket.remotePort ?? 0, settings.name, {
			serverName,
			protocol,
		});
		socket.setNoDelay(true);
		const isH2 = socket.alpnProtocol === "h2" || !settings.protocols.includes("h1");
		this.#serve(isH2 ? "h2" : "h1", socket, undefined, facts);
	}

	#serve(protocol: "h1" | "h2", socket: Socket, bytes: Buffer | undefined, facts: ConnectionFacts): void {
		const { serveH1, serveH2 } = this.#parts;
		const served = (protocol === "h1" ? serveH1 : serveH2)(socket, bytes, facts);
		if (socket.destroyed) return;
		this.#served.set(socket, served);
		socket.once("close", () => this.#served.delete(socket));
		if (this.#drainUntilMs !== undefined) served.drain(this.#drainUntilMs);
	}

	#gone(socket: Socket, key: string): void {
		this.#sockets.delete(socket);
		this.#parts.slots?.give();
		const left = (this.#byClient.get(key) ?? 1) - 1;
		if (left > 0) this.#byClient.set(key, left);
		else this.#byClient.delete(key);
		if (this.#sockets.size > 0) return;
		for (const resolve of this.#whenEmpty.splice(0)) resolve();
	}
}

function optionsOf({ host, port, path }: ListenerSettings, { fd, reusePort }: ListenHow): ListenOptions {
	const common = { backlog: BACKLOG, ...(fd !== undefined && { fd }) };
	if (fd !== undefined) return common;
	if (path !== undefined) return { ...common, path };
	return {
		...common,
		port: port ?? 0,
		...(host !== undefined && { host }),
		...(reusePort === true && { reusePort }),
	};
}

/** A unix socket whose process is gone without having removed it. */
function isLeftOver(cause: unknown, path: string): Promise<boolean> {
	if ((cause as NodeJS.ErrnoException).code !== "EADDRINUSE") return Promise.resolve(false);
	return new Promise((resolve) => {
		const probe = connect(path);
		probe.once("connect", () => {
			probe.destroy();
			resolve(false);
		});
		probe.once("error", (refusal: NodeJS.ErrnoException) => resolve(refusal.code === "ECONNREFUSED"));
	});
}
