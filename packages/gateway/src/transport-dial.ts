/**
 * A socket to an upstream, secured if it shall be, within its time.
 *
 *   connect ─▶ connected ─▶ (TLS: server name, certificate checked) ─▶ handed over
 *      └─ refused, unreachable, not who it should be, too late ─▶ failed
 *
 * What is made once for many connections of a target, the TLS context and the last session, is kept as long as its
 * settings object is.
 */
import { connect, isIP, type Socket } from "node:net";
import {
	checkServerIdentity,
	connect as connectTls,
	createSecureContext,
	type SecureContext,
	type TLSSocket,
} from "node:tls";
import type { Failure } from "./stream.ts";
import { type TimerWheel, WheelTimer } from "./timer-wheel.ts";
import { ReadMemory } from "./transport-read.ts";
import type { Dialling, DialTarget, DialTimes, DialTls } from "./upstream-connection.ts";

/** What a socket holds before it says that it is enough: more than one read brings. */
export const SOCKET_HOLD_BYTES = 256 * 1024;
/** Read ahead of whoever has paused it: one read more. */
const READ_HOLD_BYTES = 64 * 1024;

export interface DialClock {
	readonly now: () => number;
	readonly wheel: TimerWheel;
}

export interface DialOwner {
	/** Its errors are the new owner's from then on. */
	connected(socket: Socket, times: DialTimes): void;
	failed(failure: Failure): void;
	/** Without TLS, if it is there: what comes is lent to it, and the socket has no `data` event. */
	readonly read?: (lent: Buffer, memory: ReadMemory) => void;
}

const contexts = new WeakMap<DialTls, SecureContext>();
const sessions = new WeakMap<DialTls, Buffer>();

export class SocketDial implements Dialling {
	readonly #target: DialTarget;
	readonly #clock: DialClock;
	readonly #owner: DialOwner;
	readonly #beganMs: number;
	readonly #timer = new WheelTimer(() => this.#tooLate());
	readonly #onError = (cause: Error) => this.#fail({ kind: "connect", detail: cause.message });
	readonly #onClose = () => this.#fail({ kind: "connect", detail: "closed before it was ready" });
	readonly #socket: Socket;
	#connectedMs = 0;
	#isOver = false;

	constructor(target: DialTarget, clock: DialClock, owner: DialOwner) {
		this.#target = target;
		this.#clock = clock;
		this.#owner = owner;
		this.#beganMs = clock.now();
		const { tls } = target;
		this.#socket =
			tls === undefined
				? connect({ ...addressOf(target), ...readOptions(owner) })
				: connectTls(tlsOptions(target, tls));
		this.#socket.once("error", this.#onError);
		this.#socket.once("close", this.#onClose);
		this.#socket.once("connect", () => this.#connected());
		if (tls !== undefined) {
			this.#socket.once("secureConnect", () => this.#ready(clock.now()));
			this.#socket.on("session", (session: Buffer) => sessions.set(tls, session));
		}
		clock.wheel.start(this.#timer, target.connectMs);
	}

	abandon(): void {
		if (this.#isOver) return;
		this.#over();
		this.#socket.on("error", () => undefined);
		this.#socket.destroy();
	}

	#connected(): void {
		this.#connectedMs = this.#clock.now();
		if (this.#target.tls === undefined) this.#ready(undefined);
	}

	#ready(securedMs: number | undefined): void {
		if (this.#isOver) return;
		this.#over();
		this.#owner.connected(this.#socket, {
			beganMs: this.#beganMs,
			connectedMs: this.#connectedMs,
			securedMs,
		});
	}

	#tooLate(): void {
		const detail = `no connection after ${this.#target.connectMs} ms`;
		this.#fail({ kind: "timeout", timeout: "connect", detail });
	}

	#fail(failure: Failure): void {
		if (this.#isOver) return;
		this.#over();
		this.#socket.on("error", () => undefined);
		this.#socket.destroy();
		this.#owner.failed(failure);
	}

	#over(): void {
		this.#isOver = true;
		this.#clock.wheel.stop(this.#timer);
		this.#socket.off("error", this.#onError);
		this.#socket.off("close", this.#onClose);
	}
}

function addressOf({ address, port }: DialTarget) {
	return {
		host: address,
		port,
		noDelay: true,
		allowHalfOpen: true,
		readableHighWaterMark: READ_HOLD_BYTES,
		writableHighWaterMark: SOCKET_HOLD_BYTES,
	};
}

function readOptions({ read }: DialOwner) {
	if (read === undefined) return {};
	const memory = new ReadMemory();
	const callback = (length: number) => {
		read(memory.lend(length), memory);
		return true;
	};
	return { onread: { buffer: memory.next as () => Buffer, callback } };
}

function tlsOptions(target: DialTarget, tls: DialTls) {
	const { serverName, verify } = tls;
	const session = sessions.get(tls);
	return {
		...addressOf(target),
		highWaterMark: SOCKET_HOLD_BYTES,
		secureContext: contextOf(tls),
		rejectUnauthorized: verify,
		ALPNProtocols: [target.protocol === "h2" ? "h2" : "http/1.1"],
		// An address is no server name (RFC 6066 3), but it is what the certificate must name.
		...(isIP(serverName) === 0 && { servername: serverName }),
		checkServerIdentity: (_host: string, peer: ReturnType<TLSSocket["getPeerCertificate"]>) =>
			checkServerIdentity(serverName, peer),
		...(session !== undefined && { session }),
	};
}

function contextOf(tls: DialTls): SecureContext {
	let context = contexts.get(tls);
	if (context === undefined) {
		const { authority: ca, certificate: cert, key } = tls;
		context = createSecureContext({
			...(ca !== undefined && { ca }),
			...(cert !== undefined && { cert }),
			...(key !== undefined && { key }),
		});
		contexts.set(tls, context);
	}
	return context;
}
