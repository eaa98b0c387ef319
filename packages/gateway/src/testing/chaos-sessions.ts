/**
 * Sessions that last: WebSockets whose every word must come back, and streams that must go on. Each knows its server.
 *
 *     opened ─▶ (word ─▶ echo)*  ─▶ ended by us          a word that does not come back, or an end that is not ours: broken
 */
import { connect, type Socket } from "node:net";

export interface SessionEnd {
	readonly kind: "websocket" | "stream";
	readonly server: string | undefined;
	/** Monotonic. */
	readonly endedMs: number;
	readonly why: string;
}

export interface SessionOptions {
	readonly port: number;
	readonly kind: "websocket" | "stream";
	readonly path: string;
	/** Lines of the head, each with its end. */
	readonly fields?: string;
	/** It was not ended by us. */
	broken(end: SessionEnd): void;
}

const UPGRADE =
	"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
const WORD = "a word that comes back\n";
/** Words that were sent and are not back: more means that the session hangs. */
const WORDS_OUT_MAX = 50;

export class ChaosSession {
	readonly #options: SessionOptions;
	readonly #socket: Socket;
	readonly opened: Promise<void>;
	server: string | undefined;
	status = 0;
	#text = "";
	#isOver = false;
	#isHeadOver = false;
	#out = 0;
	#bytes = 0;

	constructor(options: SessionOptions) {
		this.#options = options;
		const { port, kind, path, fields = "" } = options;
		const opened = Promise.withResolvers<void>();
		this.opened = opened.promise;
		const socket = connect({ port, host: "127.0.0.1", noDelay: true });
		this.#socket = socket;
		socket.write(
			`GET ${path} HTTP/1.1\r\nhost: chaos\r\n${fields}${kind === "websocket" ? UPGRADE : ""}\r\n`,
		);
		let why = "the gateway closed";
		socket.on("error", (error) => {
			why = error.message;
		});
		socket.on("data", (bytes) => {
			if (this.#isHeadOver) this.#took(bytes.length, bytes);
			else if (this.#readHead(bytes)) opened.resolve();
		});
		socket.on("close", () => {
			this.#break(why);
			opened.resolve();
		});
	}

	get isOver(): boolean {
		return this.#isOver;
	}

	/** Of the answer so far. */
	get bytes(): number {
		return this.#bytes;
	}

	/** Of a WebSocket: how many of its words are not back. */
	get out(): number {
		return this.#out;
	}

	say(): void {
		if (this.#isOver || this.#options.kind !== "websocket") return;
		this.#out++;
		if (this.#out > WORDS_OUT_MAX) this.end("no word comes back");
		else this.#socket.write(WORD);
	}

	/** By us; with a reason it is broken all the same. */
	end(why?: string): void {
		if (why !== undefined) this.#break(why);
		this.#isOver = true;
		this.#socket.destroy();
	}

	#readHead(bytes: Buffer): boolean {
		this.#text += bytes.toString("latin1");
		const end = this.#text.indexOf("\r\n\r\n");
		if (end < 0) return false;
		const head = this.#text.slice(0, end);
		this.#isHeadOver = true;
		this.status = Number(head.slice(9, 12));
		this.server = /^x-server: (.*)$/im.exec(head)?.[1];
		if (this.status !== (this.#options.kind === "websocket" ? 101 : 200))
			this.end(`opened with ${this.status}`);
		return true;
	}

	#took(length: number, bytes: Buffer): void {
		this.#bytes += length;
		if (this.#options.kind === "websocket") this.#out -= bytes.filter((byte) => byte === 0x0a).length;
		else if (bytes.includes("0\r\n\r\n")) this.end("the stream ended");
	}

	#break(why: string): void {
		if (this.#isOver) return;
		this.#isOver = true;
		this.#options.broken({ kind: this.#options.kind, server: this.server, endedMs: performance.now(), why });
	}
}
