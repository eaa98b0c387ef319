/** Clients that mean harm, frame by frame: each is bounded, and others are served meanwhile. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { CANCEL, ENHANCE_YOUR_CALM } from "./h2-codes.ts";
import {
	dialH2,
	dialled,
	type Forwarded,
	forwardTo,
	type H2TestServer,
	LIMITS,
	listenH2,
	targetOf,
} from "./testing/forwarding.ts";
import {
	block,
	CONTINUATION,
	DATA,
	END_HEADERS,
	END_STREAM,
	type Frame,
	frame,
	GOAWAY,
	HEADERS,
	headers,
	PING,
	type RawPeer,
	RST_STREAM,
	rawClient,
	request,
	reset,
	SETTINGS,
} from "./testing/h2-raw.ts";
import { openRawUpstream, type RawUpstream } from "./testing/h2-raw-upstream.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

const ROUNDS_MAX = 20_000;
const PER_ROUND = 100;

describe("HTTP/2 clients that mean harm", () => {
	let upstream: RawUpstream;
	let connection: UpstreamConnection;
	let server: RawPeer;
	let gateway: H2TestServer;
	let client: RawPeer;
	let seen: Forwarded[];

	beforeEach(async () => {
		upstream = await openRawUpstream();
		connection = await dialled(dialH2, targetOf(upstream.port));
		server = await upstream.peer;
		seen = [];
		const count = (each: Forwarded) => seen.push(each);
		gateway = await listenH2(forwardTo(() => connection, count));
		client = await rawClient(gateway.port);
	});

	afterEach(() => {
		client.socket.destroy();
		gateway.close();
		connection.destroy();
		upstream.close();
	});

	test("rapid reset is cut off, and everything it began is taken back", async () => {
		await flood((round) => {
			const parts: Buffer[] = [];
			for (let at = 0; at < PER_ROUND; at++) {
				const stream = (round * PER_ROUND + at) * 2 + 1;
				parts.push(headers(stream, request("/reset")), reset(stream, CANCEL));
			}
			return Buffer.concat(parts);
		});
		assert.ok(seen.length < 1000, `${seen.length} requests of it were begun`);
		await othersAreServed();
		await untilIdle();
	});

	test("CONTINUATION without an end is cut off", async () => {
		client.write(frame(HEADERS, END_STREAM, 1, block(request())));
		await flood(() => {
			const parts: Buffer[] = [];
			for (let at = 0; at < PER_ROUND; at++)
				parts.push(frame(CONTINUATION, 0, 1, block([`x-${at}`, "y".repeat(100)])));
			return Buffer.concat(parts);
		});
		assert.equal(seen.length, 0);
		await othersAreServed();
	});

	test("a head of many CONTINUATION frames that ends is refused", async () => {
		client.write(frame(HEADERS, END_STREAM, 1, block(request())));
		const parts: Buffer[] = [];
		for (let at = 0; at < 6; at++)
			parts.push(frame(CONTINUATION, 0, 1, block([`x-${at}`, "y".repeat(9000)])));
		client.write(...parts, frame(CONTINUATION, END_HEADERS, 1));
		const end = await client.next((each) => each.stream === 1 || each.type === GOAWAY);
		assert.ok(end !== undefined && end.type !== DATA);
		assert.equal(seen.length, 0);
		await othersAreServed();
	});

	for (const [name, one] of [
		["PING", frame(PING, 0, 0, Buffer.alloc(8))],
		["SETTINGS", frame(SETTINGS, 0, 0)],
	] as const) {
		test(`a flood of ${name} is cut off`, async () => {
			const round = Buffer.concat(Array.from({ length: PER_ROUND }, () => one));
			await flood(() => round);
			const last = client.frames.find((each) => each.type === GOAWAY);
			if (last !== undefined) assert.equal(last.payload.readUInt32BE(4), ENHANCE_YOUR_CALM);
			await othersAreServed();
		});
	}

	test("PING between data is not a flood: clients of gRPC measure with it", async () => {
		client.write(headers(1, request(), 0));
		const pings = 3000;
		for (let at = 0; at < pings; at++) {
			client.write(frame(DATA, 0, 1, Buffer.from("x")), frame(PING, 0, 0, Buffer.alloc(8)));
			if (at % PER_ROUND === 0) await new Promise(setImmediate);
		}
		let answers = 0;
		await client.next((each) => each.type === PING && ++answers === pings);
		assert.equal(client.closed, false);
	});

	test("more streams than are allowed are refused, one by one", async () => {
		const parts: Buffer[] = [];
		for (let at = 0; at < 150; at++) parts.push(headers(at * 2 + 1, request("/many")));
		await client.next((each) => each.type === SETTINGS && each.flags === END_STREAM);
		client.write(...parts);
		let refused = 0;
		await client.next((each) => each.type === RST_STREAM && ++refused === 50);
		assert.equal(seen.length, 100);
	});

	test("a body beyond the limit is answered with 413, though it has no length", async () => {
		const limited = await listenH2(
			forwardTo(
				() => connection,
				(each) => seen.push(each),
			),
			{ limits: { ...LIMITS, bodyBytesMax: 1500 } },
		);
		const other = await rawClient(limited.port);
		other.write(headers(1, request(), 0), frame(DATA, 0, 1, Buffer.alloc(1000)));
		await server.next((each) => each.type === DATA);
		other.write(frame(DATA, 0, 1, Buffer.alloc(1000)));
		await other.next((each) => each.stream === 1 && each.type === RST_STREAM);
		assert.equal(seen[0]?.failures[0]?.failure.status, 413);
		assert.deepEqual(
			other.story(1).filter((each) => each !== "WINDOW"),
			["HEADERS end", "RST 0"],
		);
		await server.next((each) => each.type === RST_STREAM);
		other.socket.destroy();
		limited.close();
	});

	/** Until the gateway ends the connection, or it has taken too much. */
	async function flood(round: (at: number) => Buffer): Promise<void> {
		for (let at = 0; at < ROUNDS_MAX && !client.closed; at++) {
			if (!client.socket.write(round(at)))
				await Promise.race([
					new Promise((resolve) => client.socket.once("drain", resolve)),
					client.untilClosed(),
				]);
			await new Promise(setImmediate);
		}
		assert.ok(client.closed, "the flood was taken to its end");
	}

	async function othersAreServed(): Promise<void> {
		const other = await rawClient(gateway.port);
		other.write(headers(1, request("/other")));
		const before = server.frames.length;
		const asked = await server.next((each) => isHeadAfter(each, before));
		assert.ok(asked);
		server.write(headers(asked.stream, [":status", "200"]));
		assert.ok(await other.next((each) => each.type === HEADERS && each.stream === 1));
		other.socket.destroy();
	}

	function isHeadAfter(each: Frame, from: number): boolean {
		return each.type === HEADERS && server.frames.indexOf(each) >= from;
	}

	async function untilIdle(): Promise<void> {
		while (connection.open > 0) await new Promise(setImmediate);
	}
});
