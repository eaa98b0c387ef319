import assert from "node:assert/strict";
import { test } from "node:test";
import { ListResponseHead, NO_EDITS } from "./message.ts";
import type { Failure, RequestReceiver, ServerStream } from "./stream.ts";
import { type H1Stage, h1Stage, RawClient } from "./testing/h1-stage.ts";

const HEAD = "GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n";

interface Asked {
	readonly streams: ServerStream[];
	readonly failures: Failure[];
	/** Pieces of bodies that came. */
	data: number;
}

async function staged(use: (stage: H1Stage, client: RawClient, asked: Asked) => Promise<void>) {
	const asked: Asked = { streams: [], failures: [], data: 0 };
	const stage = await h1Stage({
		onRequest: (_head, stream): RequestReceiver => {
			asked.streams.push(stream);
			return {
				data: () => asked.data++,
				end: () => undefined,
				reset: (failure) => asked.failures.push(failure),
				drained: () => undefined,
				batchEnd: () => undefined,
			};
		},
	});
	const client = new RawClient(stage.port);
	try {
		await use(stage, client, asked);
	} finally {
		client.close();
		await stage.close();
	}
}

/** Until what a test waits for has come over the sockets. */
async function until(isSo: () => boolean): Promise<void> {
	for (let turn = 0; !isSo(); turn++) {
		assert.ok(turn < 100_000, "it does not come");
		await new Promise((resolve) => setImmediate(resolve));
	}
}

function answer(stream: ServerStream | undefined, text = "done"): void {
	stream?.head(new ListResponseHead(200, [], text.length), NO_EDITS);
	stream?.data(Buffer.from(text));
	stream?.end(undefined);
}

test("a head that drips in is refused when its time is over", () =>
	staged(async (stage, client, asked) => {
		client.write("GET / HTTP/1.1\r\n");
		await until(() => stage.listener.counts.open === 1);
		for (let second = 0; second < 9; second++) {
			client.write(`X-${second}: 1\r\n`);
			await stage.time.pass(1000);
			assert.equal(client.all, "");
		}
		await stage.time.pass(1100);
		assert.match(await client.untilEnd(), /^HTTP\/1.1 408 /);
		assert.equal(asked.streams.length, 0);
		await stage.time.pass(2100);
		await until(() => stage.listener.counts.open === 0);
	}));

test("an idle connection is closed after idleMs, and not while a request is under way", () =>
	staged(async (stage, client, asked) => {
		client.write(HEAD);
		await until(() => asked.streams.length === 1);
		await stage.time.pass(200_000);
		answer(asked.streams[0]);
		await client.until("done");
		await stage.time.pass(59_000);
		client.write(HEAD);
		await until(() => asked.streams.length === 2);
		answer(asked.streams[1], "again");
		await client.until("again");
		await stage.time.pass(60_100);
		await client.untilEnd();
	}));

test("a body slower than its least rate is refused; one that waits for us is not", () =>
	staged(async (stage, client, asked) => {
		client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n");
		await until(() => asked.streams.length === 1);
		for (let round = 1; round <= 3; round++) {
			client.write("x".repeat(600));
			await until(() => asked.data === round);
			await stage.time.pass(5000);
		}
		asked.streams[0]?.pause();
		await stage.time.pass(60_000);
		asked.streams[0]?.resume();
		assert.equal(client.all, "");
		client.write("x");
		await until(() => asked.data === 4);
		await stage.time.pass(10_100);
		assert.match(await client.untilEnd(), /^HTTP\/1.1 408 /);
		assert.deepEqual(
			asked.failures.map((failure) => failure.timeout),
			["body-rate"],
		);
	}));

test("a client that takes nothing is cut off, and what is held for it meanwhile is bounded", () =>
	staged(async (stage, client, asked) => {
		client.socket.pause();
		client.write(HEAD);
		await until(() => asked.streams.length === 1);
		const [stream] = asked.streams;
		stream?.head(new ListResponseHead(200, [], undefined), NO_EDITS);
		let given = 0;
		while (stream?.data(Buffer.alloc(65_536)) === true) given++;
		assert.ok(given < 1000);
		await stage.time.pass(29_000);
		assert.equal(asked.failures.length, 0);
		await stage.time.pass(61_100);
		assert.equal(asked.failures.length, 1);
		await until(() => stage.listener.counts.open === 0);
	}));

test("a drain lets what is under way end, saying that it is the last, and closes who is idle", () =>
	staged(async (stage, client, asked) => {
		const idle = new RawClient(stage.port);
		client.write(HEAD);
		await until(() => asked.streams.length === 1 && stage.listener.counts.open === 2);
		const drained = stage.listener.drain(20_000);
		await stage.time.pass(400);
		idle.write(HEAD);
		await until(() => asked.streams.length === 2);
		answer(asked.streams[1]);
		assert.match(await idle.untilEnd(), /Connection: close\r\n\r\ndone$/);
		answer(asked.streams[0]);
		assert.match(await client.untilEnd(), /Connection: close\r\n\r\ndone$/);
		idle.close();
		client.close();
		await drained;
		assert.equal(stage.listener.counts.open, 0);
	}));

test("a connection between requests holds no timer of its own and no head", () =>
	staged(async (stage, client, asked) => {
		client.write(HEAD);
		await until(() => asked.streams.length === 1);
		answer(asked.streams[0]);
		await client.until("done");
		assert.equal(stage.options.wheel.size, 1);
		client.close();
		await until(() => stage.options.wheel.size === 0);
	}));
