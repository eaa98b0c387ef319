/**
 * HTTP/2 towards upstreams: one connection, many exchanges.
 *
 *   dial ─▶ TCP ─▶ (TLS, which must agree on `h2`) ─▶ the peer's SETTINGS ─▶ ready ─▶ ... ─▶ closed
 *
 * What happens on it then is told in h2-client-connection.ts.
 */
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { H2ClientConnection } from "./h2-client-connection.ts";
import type { Failure } from "./stream.ts";
import { WheelTimer } from "./timer-wheel.ts";
import { type DialClock, SocketDial } from "./transport-dial.ts";
import type { ConnectionOwner, Dial, Dialling, DialTarget, DialTimes } from "./upstream-connection.ts";

export function h2Dialler(clock: DialClock): Dial {
	return (target, owner) => new H2Dialling(target, owner, clock);
}

class H2Dialling implements Dialling {
	readonly #owner: ConnectionOwner;
	readonly #target: DialTarget;
	readonly #clock: DialClock;
	readonly #dial: SocketDial;
	/** For what comes after the socket: it has as long once more. */
	readonly #timer = new WheelTimer(() => this.#tooLate());
	#connection: H2ClientConnection | undefined = undefined;
	#isOver = false;

	constructor(target: DialTarget, owner: ConnectionOwner, clock: DialClock) {
		this.#target = target;
		this.#owner = owner;
		this.#clock = clock;
		this.#dial = new SocketDial(target, clock, {
			connected: (socket, times) => this.#connected(socket, times),
			failed: (failure) => this.#failed(failure),
		});
	}

	abandon(): void {
		if (this.#isOver) return;
		this.#over();
		this.#destroy();
	}

	#connected(socket: Socket, times: DialTimes): void {
		if (socket instanceof TLSSocket && socket.alpnProtocol !== "h2") {
			socket.on("error", () => undefined);
			socket.destroy();
			const detail = `expected ALPN h2, the server chose ${socket.alpnProtocol || "none"}`;
			this.#failed({ kind: "connect", detail });
			return;
		}
		const { wheel } = this.#clock;
		wheel.start(this.#timer, this.#target.connectMs);
		const connection = new H2ClientConnection(socket, times, this.#target, wheel, {
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

	#tooLate(): void {
		const detail = `no SETTINGS after ${this.#target.connectMs} ms`;
		this.#failed({ kind: "timeout", timeout: "connect", detail });
	}

	#failed(failure: Failure): void {
		if (this.#isOver) return;
		this.#over();
		this.#destroy();
		this.#owner.failed(failure);
	}

	#over(): void {
		this.#isOver = true;
		this.#clock.wheel.stop(this.#timer);
	}

	#destroy(): void {
		this.#connection?.silence();
		this.#connection?.destroy();
		this.#dial.abandon();
	}
}
