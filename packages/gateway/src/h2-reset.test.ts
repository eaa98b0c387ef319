/** What is cut must look cut, with its code, on both sides; frames are looked at as they are on the wire. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { CANCEL, ENHANCE_YOUR_CALM, INTERNAL_ERROR, NO_ERROR, REFUSED_STREAM } from "./h2-codes.ts";
import {
	dialH2,
	dialled,
	type Forwarded,
	forwardTo,
	type H2TestServer,
	listenH2,
	targetOf,
} from "./testing/forwarding.ts";
import {
	DATA,
	END_STREAM,
	type Frame,
	frame,
	goaway,
	HEADERS,
	headers,
	type RawPeer,
	RST_STREAM,
	rawClient,
	request,
	reset,
} from "./testing/h2-raw.ts";
import { openRawUpstream, type RawUpstream } from "./testing/h2-raw-upstream.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

const PIECE = Buffer.alloc(1000, "x");
const OK = [":status", "200", "content-type", "text/plain"];

describe("HTTP/2 streams that do not end well", () => {
	let upstream: RawUpstream;
	let connection: UpstreamConnection;
	let gateway: H2TestServer;
	let client: RawPeer;
	let server: RawPeer;
	let seen: Forwarded[];

	beforeEach(async () => {
		upstream = await openRawUpstream();
		connection = await dialled(dialH2, targetOf(upstream.port));
		server = await upstream.peer;
		seen = [];
		gateway = await listenH2(
			forwardTo(
				() => connection,
				(each) => seen.push(each),
			),
		);
		client = await rawClient(gateway.port);
	});

	afterEach(() => {
		client.socket.destroy();
		gateway.close();
		connection.destroy();
		upstream.close();
	});

	for (const code of [CANCEL, INTERNAL_ERROR, ENHANCE_YOUR_CALM, 0x1234]) {
		test(`an answer reset with ${code} after part of its body is reset with it, and never ends`, async () => {
			client.write(headers(1, request()));
			const asked = await server.next(isHead);
			assert.ok(asked);
			server.write(headers(asked.stream, OK, 0), frame(DATA, 0, asked.stream, PIECE));
			await client.next((each) => each.type === DATA);
			server.write(reset(asked.stream, code));
			await client.next(isReset);
			assert.deepEqual(client.story(1), ["HEADERS", "DATA", `RST ${code}`]);
		});

		test(`the same in one packet with its head: ${code}`, async () => {
			client.write(headers(1, request()));
			const asked = await server.next(isHead);
			assert.ok(asked);
			server.write(
				headers(asked.stream, OK, 0),
				frame(DATA, 0, asked.stream, PIECE),
				reset(asked.stream, code),
			);
			await client.next(isReset);
			assert.deepEqual(client.story(1), [`RST ${code}`]);
		});
	}

	test("NO_ERROR without END_STREAM does not make an answer look whole", async () => {
		client.write(headers(1, request()));
		const asked = await server.next(isHead);
		assert.ok(asked);
		server.write(headers(asked.stream, OK, 0), frame(DATA, 0, asked.stream, PIECE));
		await client.next((each) => each.type === DATA);
		server.write(reset(asked.stream, NO_ERROR));
		await client.next(isReset);
		assert.deepEqual(client.story(1), ["HEADERS", "DATA", `RST ${INTERNAL_ERROR}`]);
	});

	test("a connection that breaks in the middle of an answer", async () => {
		client.write(headers(1, request()));
		const asked = await server.next(isHead);
		assert.ok(asked);
		server.write(headers(asked.stream, OK, 0), frame(DATA, 0, asked.stream, PIECE));
		await client.next((each) => each.type === DATA);
		server.socket.destroy();
		await client.next(isReset);
		assert.deepEqual(client.story(1), ["HEADERS", "DATA", `RST ${INTERNAL_ERROR}`]);
		assert.equal(seen[0]?.failures[0]?.failure.kind, "broken");
	});

	test("an answer shorter or longer than its length", async () => {
		for (const [stream, bytes] of [
			[1, 500],
			[3, 1500],
		] as const) {
			client.write(headers(stream, request(`/${bytes}`)));
			const asked = await server.next((each) => isHead(each) && each.stream === stream);
			assert.ok(asked);
			server.write(headers(stream, [...OK, "content-length", "1000"], 0));
			await client.next((each) => isHead(each) && each.stream === stream);
			server.write(frame(DATA, END_STREAM, stream, Buffer.alloc(bytes)));
			await client.next((each) => isReset(each) && each.stream === stream);
			assert.ok(client.story(stream).every((each) => !each.endsWith("end")));
		}
	});

	test("an answer that is whole stays so when RST_STREAM NO_ERROR follows, though the request is open", async () => {
		client.write(headers(1, [...request(), "te", "trailers"], 0), frame(DATA, 0, 1, PIECE));
		const asked = await server.next((each) => each.type === DATA);
		assert.ok(asked);
		server.write(
			headers(asked.stream, OK, 0),
			frame(DATA, END_STREAM, asked.stream, PIECE),
			reset(asked.stream, NO_ERROR),
		);
		await client.next(isReset);
		const story = client.story(1).filter((each) => each !== "WINDOW");
		assert.equal(story[0], "HEADERS");
		assert.equal(story.at(-1), `RST ${NO_ERROR}`);
		assert.ok(story.at(-2)?.endsWith("end"), story.join());
		assert.equal(connection.open, 0);
	});

	test("an early answer while the request goes on: the client is told to stop, the upstream too", async () => {
		client.write(headers(1, request(), 0));
		const asked = await server.next(isHead);
		assert.ok(asked);
		server.write(headers(asked.stream, OK, 0), frame(DATA, END_STREAM, asked.stream, PIECE));
		await client.next(isReset);
		assert.equal(client.story(1).at(-1), `RST ${NO_ERROR}`);
		await server.next(isReset);
		assert.equal(server.story(asked.stream).at(-1), `RST ${CANCEL}`);
		client.write(frame(DATA, END_STREAM, 1, PIECE), headers(3, request("/next")));
		assert.ok(await server.next((each) => isHead(each) && each.stream > asked.stream));
	});

	for (const code of [CANCEL, INTERNAL_ERROR, NO_ERROR]) {
		test(`a request that the client resets with ${code} is reset at the upstream`, async () => {
			client.write(headers(1, request(), 0), frame(DATA, 0, 1, PIECE));
			const asked = await server.next((each) => each.type === DATA);
			assert.ok(asked);
			client.write(reset(1, code));
			await server.next(isReset);
			const story = server.story(asked.stream);
			assert.equal(story.at(-1), `RST ${code === NO_ERROR ? CANCEL : code}`);
			assert.ok(
				story.every((each) => !each.endsWith("end")),
				story.join(),
			);
			assert.equal(seen[0]?.failures[0]?.failure.kind, "cancelled");
		});
	}

	test("a client that leaves takes its requests with it", async () => {
		client.write(headers(1, request()), headers(3, request()));
		await server.next((each) => isHead(each) && each.stream === 3);
		client.socket.destroy();
		await server.next((each) => isReset(each) && each.stream === 1);
		await server.next((each) => isReset(each) && each.stream === 3);
		assert.equal(server.story(3).at(-1), `RST ${CANCEL}`);
	});

	test("a client that ends its side has left", async () => {
		client.write(headers(1, request()));
		await server.next(isHead);
		client.socket.end();
		await client.untilClosed();
		await server.next(isReset);
		assert.equal(gateway.closed, 1);
	});

	test("REFUSED_STREAM is a refusal, not a failure", async () => {
		client.write(headers(1, request()));
		const asked = await server.next(isHead);
		assert.ok(asked);
		server.write(reset(asked.stream, REFUSED_STREAM));
		await client.next(isHead);
		assert.equal(seen[0]?.failures[0]?.failure.kind, "refused");
	});

	test("GOAWAY: streams above it are refused, those below finish, and no room is left", async () => {
		client.write(headers(1, request("/a")), headers(3, request("/b")));
		await server.next((each) => isHead(each) && each.stream === 3);
		server.write(headers(1, OK, 0), goaway(1, NO_ERROR));
		await client.next((each) => isHead(each) && each.stream === 3);
		assert.equal(connection.room, 0);
		assert.deepEqual(
			seen[1]?.failures.map(({ failure }) => failure.kind),
			["refused"],
		);
		server.write(frame(DATA, END_STREAM, 1, PIECE));
		await client.next((each) => each.stream === 1 && (each.flags & END_STREAM) !== 0);
		assert.deepEqual(seen[0]?.failures, []);
		await server.untilClosed();
	});

	test("GOAWAY with an error: streams above it are refused, those below are broken", async () => {
		client.write(headers(1, request("/a")), headers(3, request("/b")));
		await server.next((each) => isHead(each) && each.stream === 3);
		server.write(goaway(1, ENHANCE_YOUR_CALM));
		await client.next((each) => isHead(each) && each.stream === 1);
		await client.next((each) => isHead(each) && each.stream === 3);
		assert.deepEqual(
			seen.map((each) => each.failures[0]?.failure.kind),
			["broken", "refused"],
		);
	});
});

function isHead({ type }: Frame): boolean {
	return type === HEADERS;
}

function isReset({ type }: Frame): boolean {
	return type === RST_STREAM;
}
