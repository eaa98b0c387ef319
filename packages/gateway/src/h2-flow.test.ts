/** Credit across the hop: a slow side stops the other, with a bound on what lies between. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { dialH2, dialled, forwardTo, type H2TestServer, listenH2, targetOf } from "./testing/forwarding.ts";
import {
	ACK,
	DATA,
	END_STREAM,
	type Frame,
	frame,
	HEADERS,
	headers,
	number32,
	PING,
	type RawPeer,
	rawClient,
	request,
	WINDOW_UPDATE,
} from "./testing/h2-raw.ts";
import { openRawUpstream, type RawUpstream } from "./testing/h2-raw-upstream.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

const PIECE = Buffer.alloc(16_384, "x");
const PIECES = 256;
/** Windows of both sides and what Node holds for each: of 4 MiB that want to pass. */
const BETWEEN_BYTES_MAX = 640 * 1024;
const DEFAULT_WINDOW_BYTES = 65_535;
/** PINGs answered without any new credit: it will not come by itself. */
const QUIET_PINGS = 20;
const ALL = number32(0x7fff_0000);

describe("HTTP/2 flow control across the hop", () => {
	let upstream: RawUpstream;
	let connection: UpstreamConnection;
	let server: RawPeer;
	let gateway: H2TestServer;
	let client: RawPeer;

	beforeEach(async () => {
		upstream = await openRawUpstream();
		connection = await dialled(dialH2, targetOf(upstream.port));
		server = await upstream.peer;
		gateway = await listenH2(forwardTo(() => connection));
		client = await rawClient(gateway.port);
	});

	afterEach(() => {
		client.socket.destroy();
		gateway.close();
		connection.destroy();
		upstream.close();
	});

	test("a client that reads nothing stops the upstream; when it reads, all of it comes", async () => {
		client.write(headers(1, request()));
		await server.next(isHead);
		server.write(headers(1, [":status", "200"], 0));
		const sender = new Sender(server, 262_144);
		await sender.untilQuiet();
		assert.ok(sender.sent < BETWEEN_BYTES_MAX, `${sender.sent} bytes lie between`);
		assert.ok(sender.sent > DEFAULT_WINDOW_BYTES);
		assert.equal(bytesOf(client), DEFAULT_WINDOW_BYTES);
		client.write(frame(WINDOW_UPDATE, 0, 0, ALL), frame(WINDOW_UPDATE, 0, 1, ALL));
		await sender.untilSent();
		await client.next(isEnd);
		assert.equal(bytesOf(client), PIECE.length * PIECES);
	});

	test("an upstream that reads nothing stops the client; when it reads, all of it goes", async () => {
		client.write(headers(1, request(), 0));
		await server.next(isHead);
		const sender = new Sender(client, 65_536);
		await sender.untilQuiet();
		assert.ok(sender.sent < BETWEEN_BYTES_MAX, `${sender.sent} bytes lie between`);
		assert.equal(bytesOf(server), DEFAULT_WINDOW_BYTES);
		server.write(frame(WINDOW_UPDATE, 0, 0, ALL), frame(WINDOW_UPDATE, 0, 1, ALL));
		await sender.untilSent();
		await server.next(isEnd);
		assert.equal(bytesOf(server), PIECE.length * PIECES);
	});

	test("a stream that stands still does not stop its neighbours", async () => {
		client.write(frame(WINDOW_UPDATE, 0, 0, ALL), headers(1, request("/still")));
		await server.next(isHead);
		server.write(headers(1, [":status", "200"], 0));
		await new Sender(server, 262_144).untilQuiet();
		client.write(headers(3, request("/next")));
		await server.next((each) => isHead(each) && each.stream === 3);
		server.write(headers(3, [":status", "200"], 0), frame(DATA, END_STREAM, 3, PIECE));
		await client.next((each) => each.stream === 3 && isEnd(each));
		assert.equal(bytesOf(client, 3), PIECE.length);
	});
});

/** Sends as much as it is allowed to on stream 1. */
class Sender {
	sent = 0;
	readonly #peer: RawPeer;
	readonly #windows: { stream: number; connection: number };
	/** Frames of the peer that were read for credit. */
	#read = 0;

	/** `connection`'s window is made large enough by the gateway's first WINDOW_UPDATE. */
	constructor(peer: RawPeer, streamWindow: number) {
		this.#peer = peer;
		this.#windows = { stream: streamWindow, connection: DEFAULT_WINDOW_BYTES };
	}

	async untilQuiet(): Promise<void> {
		for (let quiet = 0; quiet < QUIET_PINGS; quiet++) {
			if (this.#send()) quiet = 0;
			await this.#turn();
		}
	}

	async untilSent(): Promise<void> {
		while (this.sent < PIECE.length * PIECES) {
			this.#send();
			await this.#turn();
		}
	}

	async #turn(): Promise<void> {
		const from = this.#peer.frames.length;
		this.#peer.write(frame(PING, 0, 0, Buffer.alloc(8)));
		await this.#peer.next((each) => each.type === PING && each.flags === ACK && this.#isAfter(each, from));
		await new Promise(setImmediate);
	}

	#isAfter(each: Frame, from: number): boolean {
		return this.#peer.frames.lastIndexOf(each) >= from;
	}

	#send(): boolean {
		const windows = this.#windows;
		for (; this.#read < this.#peer.frames.length; this.#read++) {
			const { type, stream, payload } = this.#peer.frames[this.#read] as Frame;
			if (type !== WINDOW_UPDATE) continue;
			windows[stream === 0 ? "connection" : "stream"] += payload.readUInt32BE(0);
		}
		const before = this.sent;
		const total = PIECE.length * PIECES;
		while (Math.min(windows.stream, windows.connection) >= PIECE.length && this.sent < total) {
			this.sent += PIECE.length;
			windows.stream -= PIECE.length;
			windows.connection -= PIECE.length;
			this.#peer.write(frame(DATA, this.sent === total ? END_STREAM : 0, 1, PIECE));
		}
		return this.sent > before;
	}
}

function isHead({ type }: Frame): boolean {
	return type === HEADERS;
}

function isEnd({ type, flags }: Frame): boolean {
	return type === DATA && (flags & END_STREAM) !== 0;
}

function bytesOf(peer: RawPeer, stream = 1): number {
	let bytes = 0;
	for (const each of peer.frames)
		if (each.type === DATA && each.stream === stream) bytes += each.payload.length;
	return bytes;
}
