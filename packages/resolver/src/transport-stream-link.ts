/**
 * Many queries on one stream, TCP or TLS (RFC 7766): written as they come, answered in any order, told apart by an id
 * that is unused on this connection.
 *
 *     opening ──ready──▶ open ──server ends, silence, idle──▶ closed
 *        queries wait      IN_FLIGHT_MAX are written,           what was not answered is lost
 *                          the others wait
 */
import { randomInt } from "node:crypto";
import type { Socket } from "node:net";
import { DNS_CLASS, DNS_TYPE } from "@plumbline/signals/dns-message";
import { failureOf } from "./transport-failure.ts";
import { FrameReader, frame } from "./transport-frames.ts";
import type { Carried, CarriedTo, Link, LinkEnd, LinkOptions } from "./transport-link.ts";
import { composeQuery, identify, type Query, readAnswer } from "./transport-query.ts";
import { LinkWatch } from "./transport-watch.ts";

/** Opens the stream; `onReady` when queries may be written. */
export type OpenStream = (onReady: () => void) => Socket;

const IDS = 0x1_0000;
/**
 * Written and not answered. dnsmasq ends a connection after 100 queries; if more lie unread then, the answers before
 * them are lost as well. What is lost goes first on the next connection, so half of that loses none twice.
 */
const IN_FLIGHT_MAX = 50;
/** Queries given up whose answers may still come: their ids are not used again. Beyond, it takes no more. */
const ABANDONED_MAX = 1_000;
/** Answers that nobody asked for. */
const STRAYS_MAX = 10;
/** Something that every server answers at once, by a refusal at least. */
const PROBE = composeQuery({ question: { name: ".", type: DNS_TYPE.NS, class: DNS_CLASS.IN } });

export class StreamLink implements Link {
	readonly closed: Promise<void>;
	readonly #socket: Socket;
	readonly #watch: LinkWatch;
	readonly #frames = new FrameReader();
	readonly #carried = new Map<number, { readonly query: Query; readonly to: CarriedTo }>();
	/** Of those, not written yet; in order of their coming. */
	readonly #unsent = new Set<number>();
	readonly #abandoned = new Set<number>();
	#strays = 0;
	#isReady = false;
	#isOpen = true;

	constructor(options: LinkOptions, open: OpenStream) {
		this.#watch = new LinkWatch(options, {
			probe: () => this.#probe(),
			suspect: () => {
				this.#isOpen = false;
				options.onSuspect(this);
			},
			idle: () => this.destroy("nobody used it"),
		});
		this.#socket = open(() => this.#ready());
		// With nothing under way, it is no reason for the process to stay.
		this.#socket.unref();
		this.#socket.on("data", (chunk: Uint8Array) => this.#read(chunk));
		this.#socket.on("end", () => this.#end({ kind: "lost", detail: "the server ended the connection" }));
		this.#socket.on("error", (error) => this.#end(failureOf(error)));
		this.closed = new Promise((resolve) => {
			this.#socket.once("close", () => {
				this.#end({ kind: "lost", detail: "the connection is closed" });
				resolve();
			});
		});
	}

	get isOpen(): boolean {
		return this.#isOpen;
	}

	carry(query: Query, to: CarriedTo): () => void {
		const id = this.#unusedId();
		this.#carried.set(id, { query, to });
		this.#socket.ref();
		this.#unsent.add(id);
		this.#watch.sent();
		this.#send();
		return () => this.#giveUp(id);
	}

	destroy(detail: string): void {
		this.#end({ kind: "lost", detail });
	}

	#ready(): void {
		this.#isReady = true;
		this.#send();
	}

	#send(): void {
		if (!this.#isReady) return;
		for (const id of this.#unsent) {
			if (this.#carried.size - this.#unsent.size >= IN_FLIGHT_MAX) return;
			this.#unsent.delete(id);
			const query = this.#carried.get(id)?.query;
			if (query !== undefined) this.#socket.write(frame(query.bytes, id));
		}
	}

	#unusedId(): number {
		for (;;) {
			// Few of the ids are in use, so this ends soon.
			const id = randomInt(IDS);
			if (!this.#carried.has(id) && !this.#abandoned.has(id)) return id;
		}
	}

	#giveUp(id: number): void {
		const isQuiet = this.#watch.isQuiet();
		const isWritten = !this.#unsent.has(id);
		if (!this.#take(id)) return;
		if (isWritten) this.#abandoned.add(id);
		if (isQuiet || this.#abandoned.size >= ABANDONED_MAX) this.#isOpen = false;
		if (this.#carried.size === 0 && !(this.#isOpen && this.#isReady)) this.destroy("it was of no use");
		else this.#send();
	}

	/** Off the list of what is waited for. */
	#take(id: number): boolean {
		if (!this.#carried.delete(id)) return false;
		this.#unsent.delete(id);
		this.#watch.settled();
		if (this.#carried.size === 0) this.#socket.unref();
		return true;
	}

	#probe(): void {
		const id = this.#unusedId();
		this.#abandoned.add(id);
		this.#socket.write(frame(PROBE.bytes, id));
	}

	#read(chunk: Uint8Array): void {
		this.#watch.heard();
		const messages = this.#frames.read(chunk);
		if (messages === undefined) {
			const detail = "a length that no DNS message has";
			this.#end({ kind: "failed", why: "malformed", detail });
			return;
		}
		for (const message of messages) this.#readMessage(message);
		if (!this.#isOpen && this.#carried.size === 0) this.destroy("it was of no use");
		else this.#send();
	}

	#readMessage(message: Uint8Array): void {
		const id = ((message[0] ?? 0) << 8) | (message[1] ?? 0);
		const waiting = this.#carried.get(id);
		if (waiting !== undefined) {
			this.#take(id);
			waiting.to(answerOf(waiting.query, id, message));
		} else if (!this.#abandoned.delete(id) && ++this.#strays > STRAYS_MAX) {
			const detail = `more than ${STRAYS_MAX} answers to nothing that was asked`;
			this.#end({ kind: "failed", why: "spoofed", detail });
		}
	}

	/** Once: for whatever reason comes first. */
	#end(end: LinkEnd): void {
		this.#isOpen = false;
		this.#watch.stop();
		this.#socket.destroy();
		const untried: LinkEnd = end.kind === "lost" ? { ...end, isUnsent: this.#isReady } : end;
		const all = [...this.#carried].map(([id, { to }]) => ({ to, isUnsent: this.#unsent.has(id) }));
		this.#carried.clear();
		this.#unsent.clear();
		for (const { to, isUnsent } of all) to(isUnsent ? untried : end);
	}
}

function answerOf(query: Query, id: number, message: Uint8Array): Carried {
	if (identify(query, id, message) === "other") {
		const detail = "an answer with the id of the query, but to another question";
		return { kind: "failed", why: "spoofed", detail };
	}
	const read = readAnswer(query, message);
	if (read.kind === "answer") return { kind: "answer", message: read.message };
	const detail = read.kind === "truncated" ? "truncated, although nothing limits its size here" : read.detail;
	return { kind: "failed", why: "malformed", detail };
}
