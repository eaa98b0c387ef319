/** A listener of HTTP/1 on a free port, before a handler or an upstream, with its clock in the test's hand. */
import { connect, type Socket } from "node:net";
import { type FakeTime, fakeTime } from "@plumbline/resolver/testing/fake-time";
import { h1Dialler } from "../h1-client.ts";
import { serveH1 } from "../h1-server.ts";
import type { H1ServerOptions } from "../h1-server-options.ts";
import { H1WorkPool } from "../h1-work.ts";
import { type Listener, openListener } from "../listener.ts";
import type { ClientTimeouts, ListenerSettings, MessageLimits } from "../settings.ts";
import type { OnRequest } from "../stream.ts";
import { TimerWheel } from "../timer-wheel.ts";
import { Scratch } from "../transport-scratch.ts";
import type { DialTarget } from "../upstream-connection.ts";
import { StraightForwarder } from "./forward-straight.ts";

export const STAGE_LIMITS: MessageLimits = {
	headBytesMax: 16_384,
	fieldsMax: 100,
	targetBytesMax: 8_192,
	bodyBytesMax: Infinity,
	streamsMax: 100,
	requestsPerConnectionMax: Infinity,
	resetsBurst: 1000,
	resetsPerSecond: 33,
};

export const STAGE_TIMEOUTS: ClientTimeouts = {
	headMs: 10_000,
	idleMs: 60_000,
	bodyBytesPerSecondMin: 100,
	bodyRateAfterMs: 5_000,
	writeMs: 30_000,
};

export interface H1Stage {
	readonly port: number;
	readonly listener: Listener;
	readonly forwarder: StraightForwarder;
	readonly options: H1ServerOptions;
	/** Of the timers of all connections. */
	readonly time: FakeTime;
	close(): Promise<void>;
}

export interface StageWishes {
	/** Instead of forwarding. */
	readonly onRequest?: OnRequest;
	/** Where it forwards to. */
	readonly upstream?: Partial<DialTarget>;
	readonly listener?: Partial<ListenerSettings>;
	readonly limits?: Partial<MessageLimits>;
}

export async function h1Stage(wishes: StageWishes): Promise<H1Stage> {
	const time = fakeTime();
	const wheel = new TimerWheel(time.now, time.timers);
	const scratch = new Scratch();
	const forwarder = new StraightForwarder(h1Dialler({ now: time.now, wheel, scratch }), {
		address: "127.0.0.1",
		port: 0,
		protocol: "http",
		tls: undefined,
		connectMs: 3000,
		headBytesMax: 16_384,
		fieldsMax: 100,
		...wishes.upstream,
	});
	const options: H1ServerOptions = {
		limits: { ...STAGE_LIMITS, ...wishes.limits },
		timeouts: STAGE_TIMEOUTS,
		onRequest: wishes.onRequest ?? forwarder.onRequest,
		wheel,
		scratch,
		work: new H1WorkPool(),
	};
	const settings: ListenerSettings = {
		name: "stage",
		host: "127.0.0.1",
		port: 0,
		path: undefined,
		tls: undefined,
		protocols: ["h1"],
		connectionsMax: 1000,
		connectionsMaxPerClient: 1000,
		...wishes.listener,
	};
	const listener = await openListener(settings, {
		wheel,
		serveH1: (socket, first, facts) => serveH1(socket, first, facts, options),
		serveH2: (socket) => {
			socket.end("HTTP/2 it is");
			return { open: 0, drain: () => undefined, destroy: () => socket.destroy() };
		},
		timeouts: () => options.timeouts,
	});
	return {
		port: listener.port ?? 0,
		listener,
		forwarder,
		options,
		time,
		async close() {
			forwarder.close();
			await listener.close();
			wheel.close();
		},
	};
}

/** A client that says bytes, and waits for what comes. */
export class RawClient {
	readonly socket: Socket;
	all = "";
	ended = false;
	/** It was not ended, but reset. */
	wasReset = false;
	readonly closed: Promise<void>;
	#waiting: (() => void)[] = [];

	constructor(port: number) {
		this.socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
		this.socket.on("data", (bytes) => {
			this.all += bytes.toString("latin1");
			this.#stir();
		});
		this.socket.on("end", () => {
			this.ended = true;
			this.#stir();
		});
		this.socket.on("error", () => {
			this.wasReset = true;
		});
		this.closed = new Promise((resolve) => {
			this.socket.on("close", () => {
				this.#stir();
				resolve();
			});
		});
	}

	write(text: string): void {
		this.socket.write(text, "latin1");
	}

	/** Until what has come holds it; or the connection has ended, and then it throws. */
	async until(wanted: string | RegExp): Promise<string> {
		while (!(typeof wanted === "string" ? this.all.includes(wanted) : wanted.test(this.all))) {
			if (this.ended || this.socket.destroyed) throw new Error(`ended without ${wanted}: ${this.all}`);
			await new Promise<void>((resolve) => this.#waiting.push(resolve));
		}
		return this.all;
	}

	/** All that came before the server's end. */
	async untilEnd(): Promise<string> {
		while (!this.ended && !this.socket.destroyed)
			await new Promise<void>((resolve) => this.#waiting.push(resolve));
		return this.all;
	}

	close(): void {
		this.socket.destroy();
	}

	#stir(): void {
		for (const resolve of this.#waiting.splice(0)) resolve();
	}
}
