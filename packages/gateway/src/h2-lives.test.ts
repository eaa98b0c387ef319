/** Lives of HTTP/2 connections: what time and limits end, and what may still finish; both sides. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { afterEach, beforeEach, describe, test } from "node:test";
import { type FakeTime, fakeTime } from "@plumbline/resolver/testing/fake-time";
import { h2Dialler } from "./h2-client.ts";
import { H2ClientConnection } from "./h2-client-connection.ts";
import { CANCEL, NO_ERROR } from "./h2-codes.ts";
import type { Failure } from "./stream.ts";
import {
	dialH2,
	dialled,
	type Forwarded,
	forwardTo,
	type H2TestServer,
	LIMITS,
	listenH2,
	TIMEOUTS,
	targetOf,
} from "./testing/forwarding.ts";
import {
	ACK,
	DATA,
	END_STREAM,
	type Frame,
	frame,
	GOAWAY,
	goaway,
	HEADERS,
	headers,
	PING,
	PREFACE,
	type RawPeer,
	RST_STREAM,
	rawClient,
	request,
	SETTINGS,
	setting,
} from "./testing/h2-raw.ts";
import { openRawUpstream, type RawUpstream } from "./testing/h2-raw-upstream.ts";
import { TimerWheel } from "./timer-wheel.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

const MAX_CONCURRENT_STREAMS = 3;
const OK = [":status", "200"];

describe("connections of clients", () => {
	let upstream: RawUpstream;
	let connection: UpstreamConnection;
	let server: RawPeer;
	let time: FakeTime;
	let seen: Forwarded[];
	let open: { close(): void }[];

	beforeEach(async () => {
		upstream = await openRawUpstream();
		connection = await dialled(dialH2, targetOf(upstream.port));
		server = await upstream.peer;
		time = fakeTime();
		seen = [];
		open = [];
	});

	afterEach(() => {
		for (const each of open) each.close();
		connection.destroy();
		upstream.close();
	});

	async function listen(more: Parameters<typeof listenH2>[1] = {}): Promise<H2TestServer> {
		const wheel = new TimerWheel(time.now, time.timers);
		const onRequest = forwardTo(
			() => connection,
			(each) => seen.push(each),
		);
		const gateway = await listenH2(onRequest, { wheel, ...more });
		open.push(gateway);
		return gateway;
	}

	async function client(gateway: H2TestServer): Promise<RawPeer> {
		const peer = await rawClient(gateway.port);
		open.push({ close: () => peer.socket.destroy() });
		await peer.next((each) => each.type === SETTINGS && each.flags === ACK);
		return peer;
	}

	test("bytes that were read to know the protocol are not lost", async () => {
		const peer = await client(await listen({ peek: true }));
		peer.write(headers(1, request()));
		await server.next(isHead);
		server.write(headers(1, OK));
		assert.ok(await peer.next(isHead));
	});

	test("one that asks nothing is told to go after a while, and cut if it does not", async () => {
		const gateway = await listen();
		const peer = await client(gateway);
		await time.pass(TIMEOUTS.idleMs + 100);
		assert.equal(lastStreamOf(await peer.next(isGoaway)), 0);
		await time.pass(3000);
		await peer.untilClosed();
	});

	test("one that never says SETTINGS has as long as a head", async () => {
		const gateway = await listen();
		const peer = await rawClient(gateway.port);
		await peer.next(() => true);
		const silent = await rawClientWithout(gateway.port);
		await time.pass(TIMEOUTS.headMs + 100);
		await time.pass(3000);
		await silent.untilClosed();
		assert.equal(peer.closed, false);
		peer.socket.destroy();
	});

	test("drain: GOAWAY names the last stream, and what is under way finishes", async () => {
		const gateway = await listen();
		const peer = await client(gateway);
		peer.write(headers(1, request()), headers(3, request()));
		await server.next((each) => isHead(each) && each.stream === 3);
		gateway.connections[0]?.drain(10_000);
		assert.equal(lastStreamOf(await peer.next(isGoaway)), 3);
		peer.write(headers(5, request("/too-late")));
		server.write(headers(1, OK), headers(3, OK, 0), frame(DATA, END_STREAM, 3, Buffer.alloc(10)));
		await peer.next((each) => isHead(each) && each.stream === 1);
		await peer.next((each) => each.stream === 3 && (each.flags & END_STREAM) !== 0);
		peer.socket.end();
		await peer.untilClosed();
		assert.equal(gateway.connections[0]?.open, 0);
		assert.equal(seen.length, 2);
	});

	test("drain: what has not finished in its time is cut", async () => {
		const gateway = await listen();
		const peer = await client(gateway);
		peer.write(headers(1, request("/long")));
		await server.next(isHead);
		gateway.connections[0]?.drain(10_000);
		await time.pass(10_100);
		await peer.untilClosed();
		await server.next((each) => each.type === RST_STREAM);
		assert.equal(server.story(1).at(-1), `RST ${CANCEL}`);
	});

	test("so many requests on one connection, then GOAWAY; the last is served", async () => {
		const gateway = await listen({ limits: { ...LIMITS, requestsPerConnectionMax: 2 } });
		const peer = await client(gateway);
		peer.write(headers(1, request()), headers(3, request()));
		await peer.next(isGoaway);
		await server.next((each) => isHead(each) && each.stream === 3);
		server.write(headers(1, OK), headers(3, OK));
		await peer.next((each) => isHead(each) && each.stream === 3);
	});

	test("a client that takes nothing of what waits is cut off, the upstream with it", async () => {
		const gateway = await listen();
		const peer = await client(gateway);
		peer.write(headers(1, request()));
		await server.next(isHead);
		server.write(headers(1, OK, 0));
		for (let at = 0; at < 12; at++) server.write(frame(DATA, 0, 1, Buffer.alloc(16_384)));
		let bytes = 0;
		await peer.next((each) => {
			if (each.type === DATA) bytes += each.payload.length;
			return bytes === 65_535;
		});
		await time.pass(TIMEOUTS.writeMs + 100);
		await time.pass(TIMEOUTS.writeMs + 100);
		await peer.next((each) => each.type === RST_STREAM);
		assert.equal(peer.story(1).at(-1), `RST ${CANCEL}`);
		await server.next((each) => each.type === RST_STREAM);
		assert.equal(seen[0]?.failures[0]?.failure.timeout, "idle");
	});

	test("a body that comes too slowly is answered with 408", async () => {
		const timeouts = { ...TIMEOUTS, bodyBytesPerSecondMin: 100 };
		const peer = await client(await listen({ timeouts }));
		peer.write(headers(1, request(), 0), frame(DATA, 0, 1, Buffer.alloc(2000)));
		await server.next((each) => each.type === DATA);
		await time.pass(timeouts.bodyRateAfterMs + 100);
		assert.equal(seen[0]?.failures.length, 0);
		await time.pass(timeouts.bodyRateAfterMs + 100);
		assert.equal(seen[0]?.failures[0]?.failure.status, 408);
		await peer.next((each) => each.type === RST_STREAM);
		assert.equal(peer.story(1).at(-1), `RST ${NO_ERROR}`);
	});

	test("a stream of gRPC may be quiet for as long as it likes", async () => {
		const timeouts = { ...TIMEOUTS, bodyBytesPerSecondMin: 100 };
		const peer = await client(await listen({ timeouts }));
		peer.write(
			headers(1, request("/chat", ["content-type", "application/grpc"]), 0),
			frame(DATA, 0, 1, Buffer.alloc(5)),
		);
		await server.next((each) => each.type === DATA);
		for (let at = 0; at < 3; at++) await time.pass(timeouts.bodyRateAfterMs + 100);
		assert.equal(seen[0]?.failures.length, 0);
	});

	test("a fault of a head is told once, and answered or reset", async () => {
		const told: (number | undefined)[] = [];
		const faultAnswer = (failure: Failure) => {
			told.push(failure.status);
			return { status: failure.status ?? 0, fields: ["x-why", "a"], body: Buffer.from("no") };
		};
		const peer = await client(await listen({ faultAnswer }));
		peer.write(headers(1, request(`/${"y".repeat(8500)}`)), headers(3, request("/#")));
		await peer.next((each) => each.stream === 1 && (each.flags & END_STREAM) !== 0);
		await peer.next((each) => each.stream === 3);
		assert.deepEqual(peer.story(3), ["RST 1"]);
		assert.deepEqual(told, [414, 400]);
	});
});

describe("connections to upstreams", () => {
	let open: { close(): void }[];
	beforeEach(() => {
		open = [];
	});
	afterEach(() => {
		for (const each of open) each.close();
	});

	async function connected(settings?: Buffer, time?: FakeTime) {
		const upstream = await openRawUpstream(settings);
		const dial =
			time === undefined
				? dialH2
				: h2Dialler({ now: time.now, wheel: new TimerWheel(time.now, time.timers) });
		const closed = Promise.withResolvers<void>();
		let changes = 0;
		const on = { roomChanged: () => changes++, closed: closed.resolve };
		const connection = await dialled(dial, targetOf(upstream.port), on);
		open.push({ close: () => connection.destroy() }, upstream);
		const changed = () => changes;
		return { connection, server: await upstream.peer, closed: closed.promise, changed };
	}

	test("room is what the peer allows", async () => {
		const { connection, server } = await connected(setting(MAX_CONCURRENT_STREAMS, 2));
		assert.deepEqual([connection.room], [2]);
		const gateway = await listenH2(forwardTo(() => connection));
		open.push(gateway);
		const client = await rawClient(gateway.port);
		client.write(headers(1, request()), headers(3, request()), headers(5, request()));
		await client.next((each) => isHead(each) && each.stream === 5);
		assert.deepEqual([connection.room, connection.open, connection.served], [0, 2, 2]);
		assert.throws(() => connection.begin({} as Parameters<typeof connection.begin>[0]));
		server.write(frame(SETTINGS, 0, 0, setting(MAX_CONCURRENT_STREAMS, 5)));
		await until(() => connection.room > 0);
		assert.equal(connection.room, 3);
		client.socket.destroy();
	});

	test("retired without anything on it, it closes at once; with something, after it", async () => {
		const idle = await connected();
		idle.connection.retire();
		assert.equal(idle.connection.room, 0);
		await idle.server.next(isGoaway);
		idle.server.socket.end();
		await idle.closed;
		const busy = await connected();
		const gateway = await listenH2(forwardTo(() => busy.connection));
		open.push(gateway);
		const client = await rawClient(gateway.port);
		client.write(headers(1, request()));
		await busy.server.next(isHead);
		busy.connection.retire();
		busy.server.write(headers(1, OK));
		await client.next(isHead);
		await busy.server.next(isGoaway);
		busy.server.socket.end();
		await busy.closed;
		client.socket.destroy();
	});

	test("GOAWAY on an idle connection: no room, and it closes", async () => {
		const { connection, server, closed, changed } = await connected();
		server.write(goaway(0, NO_ERROR));
		await server.untilClosed();
		assert.equal(connection.room, 0);
		assert.ok(changed() > 0);
		server.socket.end();
		await closed;
	});

	test("a session that is gone has no room, also before its socket has told so", async () => {
		const { connection, closed } = await connected();
		assert.ok(connection instanceof H2ClientConnection);
		connection.session.destroy();
		assert.equal(connection.room, 0);
		await closed;
	});

	test("silence is asked about by PING, and ends the connection when nobody answers", async () => {
		const time = fakeTime();
		const { connection, server, closed } = await connected(undefined, time);
		const gateway = await listenH2(forwardTo(() => connection));
		open.push(gateway);
		const client = await rawClient(gateway.port);
		client.write(headers(1, request()));
		await server.next(isHead);
		await time.pass(20_100);
		const ping = await server.next((each) => each.type === PING);
		assert.ok(ping);
		const heard = pings(server);
		server.write(frame(PING, ACK, 0, ping.payload), frame(PING, 0, 0, Buffer.alloc(8, 1)));
		await server.next((each) => each.type === PING && each.flags === ACK);
		await time.pass(200_000);
		assert.equal(pings(server), heard);
		await time.pass(101_100);
		await server.next((each) => each.type === PING && each.flags === 0 && each !== ping);
		await time.pass(10_100);
		await closed;
		await client.next(isHead);
		client.socket.destroy();
	});

	test("dials that come to nothing", async () => {
		const failureOf = (port: number, more = {}) =>
			dialled(dialH2, targetOf(port, more)).then(
				() => "connected",
				(error: Error) => error.message,
			);
		const silent = createServer();
		const http1 = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
		const portOf = (server: typeof silent) =>
			new Promise<number>((resolve) =>
				server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port)),
			);
		const refusing = await portOf(silent);
		await new Promise((resolve) => silent.close(resolve));
		assert.match(await failureOf(refusing), /^connect: .*ECONNREFUSED/);
		assert.match(await failureOf(await portOf(http1)), /^connect: no HTTP\/2 there/);
		http1.close();
		const mute = createServer();
		assert.match(await failureOf(await portOf(mute), { connectMs: 20 }), /^timeout: .* 20 ms/);
		mute.close();
	});
});

const isHead = ({ type }: Frame) => type === HEADERS;
const isGoaway = ({ type }: Frame) => type === GOAWAY;

function lastStreamOf(each: Frame | undefined): number {
	return each?.payload.readUInt32BE(0) ?? -1;
}

function pings(peer: RawPeer): number {
	return peer.frames.filter(({ type, flags }) => type === PING && flags === 0).length;
}

/** Says its preface and no SETTINGS. */
async function rawClientWithout(port: number): Promise<RawPeer> {
	const { connect } = await import("node:net");
	const { RawPeer } = await import("./testing/h2-raw.ts");
	const socket = connect(port, "127.0.0.1");
	const peer = new RawPeer(socket);
	peer.write(PREFACE);
	await peer.next(() => true);
	return peer;
}

async function until(holds: () => boolean): Promise<void> {
	while (!holds()) await new Promise(setImmediate);
}
