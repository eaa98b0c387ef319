/**
 * A client of HTTP/1.1 that knows exactly what became of its request: nothing is tried again, nothing is hidden.
 *
 *     answered     whole, with this status
 *     cut          a head came, but not all of the body
 *     unanswered   the connection ended before a head
 *     refused      there was no connection
 *     late         neither whole nor ended in time
 */
import { connect, type Socket } from "node:net";

export interface Asked {
	readonly method: "GET" | "POST";
	readonly path: string;
	/** Lines of the head, each with its end. */
	readonly fields?: string;
	readonly body?: string;
	/** This connection is not used again. */
	readonly isLast?: boolean;
}

export interface Told {
	readonly kind: "answered" | "cut" | "unanswered" | "refused" | "late";
	/** 0: no head came. */
	readonly status: number;
	/** `x-server` of the answer. */
	readonly server: string | undefined;
	/** The connection had carried a request before. */
	readonly reused: boolean;
	readonly detail: string;
}

const LATE_MS = 10_000;
const HEAD_CHARS_MAX = 65_536;

export class ChaosClient {
	readonly #port: number;
	#socket: Socket | undefined;
	#served = 0;
	#isEnded = false;
	#pending: Pending | undefined;
	/** Monotonic: when it was asked last. */
	askedMs = 0;

	constructor(port: number) {
		this.#port = port;
	}

	/** It can be asked again on the same connection. */
	get isOpen(): boolean {
		return this.#socket !== undefined && !this.#isEnded && this.#pending === undefined;
	}

	/** One at a time. */
	ask({ method, path, fields = "", body = "", isLast = false }: Asked): Promise<Told> {
		if (this.#pending !== undefined) throw new Error("one request at a time");
		this.askedMs = performance.now();
		const length = method === "POST" ? `content-length: ${body.length}\r\n` : "";
		const close = isLast ? "connection: close\r\n" : "";
		return new Promise((resolve) => {
			const pending = new Pending(this.#served > 0, (told) => {
				this.#pending = undefined;
				if (told.kind !== "answered" || isLast || pending.isLast || this.#isEnded) this.close();
				resolve(told);
			});
			this.#pending = pending;
			const socket = this.#socket ?? this.#connect();
			this.#served++;
			socket.write(
				`${method} ${path} HTTP/1.1\r\nhost: chaos\r\n${fields}${length}${close}\r\n${body}`,
				"latin1",
			);
		});
	}

	close(): void {
		this.#socket?.destroy();
		this.#isEnded = true;
		this.#pending?.ended("closed by the client");
	}

	#connect(): Socket {
		const socket = connect({ port: this.#port, host: "127.0.0.1", noDelay: true });
		this.#socket = socket;
		let why = "the gateway closed";
		socket.on("data", (bytes: Buffer) => {
			if (this.#pending === undefined) this.#isEnded = true;
			else this.#pending.read(bytes);
		});
		socket.on("error", (error) => {
			why = error.message;
		});
		socket.on("end", () => {
			this.#isEnded = true;
		});
		socket.on("close", () => {
			this.#isEnded = true;
			this.#pending?.ended(why);
		});
		return socket;
	}
}

class Pending {
	readonly #reused: boolean;
	readonly #settle: (told: Told) => void;
	readonly #timer: NodeJS.Timeout;
	#text = "";
	#status = 0;
	#server: string | undefined;
	#length = 0;
	/** Nothing may be asked after it on this connection. */
	isLast = false;

	constructor(reused: boolean, settle: (told: Told) => void) {
		this.#reused = reused;
		this.#settle = settle;
		this.#timer = setTimeout(() => this.#tell("late", "not whole in time"), LATE_MS);
	}

	read(bytes: Buffer): void {
		this.#text += bytes.toString("latin1");
		if (this.#status === 0) {
			const end = this.#text.indexOf("\r\n\r\n");
			if (end < 0 && this.#text.length > HEAD_CHARS_MAX) this.#tell("late", "a head without end");
			if (end < 0) return;
			const head = this.#text.slice(0, end);
			this.#text = this.#text.slice(end + 4);
			this.#status = Number(head.slice(9, 12));
			this.#server = /^x-server: (.*)$/im.exec(head)?.[1];
			this.#length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? Number.NaN);
			if (/^connection:.*close/im.test(head)) this.isLast = true;
		}
		if (this.#text.length < this.#length || Number.isNaN(this.#length)) return;
		this.#tell("answered", this.#status >= 400 ? this.#text.slice(0, 200) : "");
	}

	ended(why: string): void {
		if (this.#status !== 0) this.#tell("cut", why);
		else this.#tell(/ECONNREFUSED/.test(why) ? "refused" : "unanswered", why);
	}

	#tell(kind: Told["kind"], detail: string): void {
		clearTimeout(this.#timer);
		this.#settle({ kind, status: this.#status, server: this.#server, reused: this.#reused, detail });
	}
}
