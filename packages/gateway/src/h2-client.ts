/**
 * HTTP/2 towards upstreams: one connection, many exchanges.
 *
 *   dial ─▶ TCP ─▶ (TLS, which must agree on `h2`) ─▶ the peer's SETTINGS ─▶ ready ─▶ ... ─▶ closed
 *
 * What happens on it then is told in h2-client-connection.ts.
 */
import type { Socket } from "node:net";
import { realTimers } from "@plumbline/resolver/timers";
import { type H2ClientClock, H2ClientConnection } from "./h2-client-connection.ts";
import { dialH2Socket } from "./h2-dial.ts";
import type { Failure } from "./stream.ts";
import type { ConnectionOwner, Dial, Dialling, DialTarget, DialTimes } from "./upstream-connection.ts";

const CLOCK: H2ClientClock = {
	now: () => performance.now(),
	timers: realTimers,
	pingAfterMs: 20_000,
	pingAgainMs: 301_000,
	pingWaitMs: 10_000,
};

export const dialH2: Dial = h2Dialler(CLOCK);

export function h2Dialler(clock: H2ClientClock): Dial {
	return (target, owner) => new H2Dialling(target, owner, clock);
}

class H2Dialling implements Dialling {
	readonly #owner: ConnectionOwner;
	readonly #target: DialTarget;
	readonly #clock: H2ClientClock;
	readonly #socket: Socket;
	readonly #callOff: () => void;
	#connection: H2ClientConnection | undefined;
	#isOver = false;

	constructor(target: DialTarget, owner: ConnectionOwner, clock: H2ClientClock) {
		this.#target = target;
		this.#owner = owner;
		this.#clock = clock;
		this.#socket = dialH2Socket(target, clock.now, {
			connected: (socket, times) => this.#connected(socket, times),
			failed: (failure) => this.#failed(failure),
		});
		this.#callOff = clock.timers.after(target.connectMs, () => {
			const detail = `expected a connection in ${target.connectMs} ms`;
			this.#failed({ kind: "timeout", timeout: "connect", detail });
		});
	}

	abandon(): void {
		if (this.#isOver) return;
		this.#over();
		this.#destroy();
	}

	#connected(socket: Socket, times: DialTimes): void {
		if (this.#isOver) return;
		const connection = new H2ClientConnection(socket, times, this.#target, this.#clock, {
			ready: () => {
				if (this.#isOver) return;
				this.#over();
				this.#owner.ready(connection);
			},
			roomChanged: () => this.#owner.roomChanged(connection),
			closed: (why) => {
				if (this.#isOver) this.#owner.closed(connection);
				else this.#failed({ kind: "connect", detail: `no HTTP/2 there: ${why}` });
			},
		});
		this.#connection = connection;
	}

	#failed(failure: Failure): void {
		if (this.#isOver) return;
		this.#over();
		this.#destroy();
		this.#owner.failed(failure);
	}

	#over(): void {
		this.#isOver = true;
		this.#callOff();
	}

	#destroy(): void {
		this.#connection?.silence();
		this.#connection?.destroy();
		this.#socket.destroy();
	}
}
