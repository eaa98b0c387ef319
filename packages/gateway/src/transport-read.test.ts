/** Sockets to upstreams are read into memory that is used again: nobody may find another answer's bytes in theirs. */
import assert from "node:assert/strict";
import { Agent, createServer, get } from "node:http";
import { connect, constants, type IncomingHttpHeaders } from "node:http2";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import type { Readable } from "node:stream";
import { test } from "node:test";
import { wholeGateway } from "./testing/whole-gateway.ts";
import { ReadMemory } from "./transport-read.ts";

const ANSWERS = 211;
const AT_A_TIME = 13;
const SIZES = [0, 1, 511, 8191, 8193, 16_385, 65_536, 70_001, 300_007];

/** Different at every place and for every answer. */
function bodyOf(id: number): Buffer {
	const size = SIZES[id % SIZES.length] as number;
	const body = Buffer.alloc(size);
	for (let at = 0; at < size; at++) body[at] = (at * 31 + (at >> 8) * 7 + id * 101) & 0xff;
	return body;
}

/** Whole, and never faster than one piece a turn of the loop: behind it the gateway's socket is full. */
async function slowly(stream: Readable): Promise<Buffer> {
	const pieces: Buffer[] = [];
	for await (const piece of stream) {
		pieces.push(piece as Buffer);
		await new Promise((resolve) => setImmediate(resolve));
	}
	return Buffer.concat(pieces);
}

test("answers of many sizes, by length and in chunks, to clients of both protocols", async (t) => {
	const server = createServer((request, response) => {
		const id = Number(request.url?.slice(1));
		const body = bodyOf(id);
		if (id % 2 === 0) response.setHeader("content-length", body.length);
		response.setHeader("x-id", id);
		const half = body.length >> 1;
		response.write(body.subarray(0, half));
		setImmediate(() => response.end(body.subarray(half)));
	}).listen(0, "127.0.0.1");
	t.after(() => server.close());
	await new Promise((resolve) => server.once("listening", resolve));
	const { port: to } = server.address() as AddressInfo;
	const gateway = await wholeGateway(t, `routes: [{ path: /, to: "http://127.0.0.1:${to}" }]`);
	const agent = new Agent({ keepAlive: true, maxSockets: AT_A_TIME });
	const session = connect(gateway.url);
	t.after(() => {
		agent.destroy();
		session.destroy();
	});
	const byH1 = (id: number) =>
		new Promise<[unknown, Buffer]>((resolve, reject) => {
			get({ port: gateway.port, host: "127.0.0.1", path: `/${id}`, agent }, async (response) => {
				resolve([response.headers["x-id"], await slowly(response)]);
			}).on("error", reject);
		});
	const byH2 = async (id: number): Promise<[unknown, Buffer]> => {
		const stream = session.request({ [constants.HTTP2_HEADER_PATH]: `/${id}` });
		const headers = new Promise<IncomingHttpHeaders>((resolve) => stream.once("response", resolve));
		return [(await headers)["x-id"], await slowly(stream)];
	};
	let next = 0;
	const worker = async () => {
		while (next < ANSWERS) {
			const id = next++;
			const [told, body] = await (id % 3 === 0 ? byH2(id) : byH1(id));
			assert.equal(told, String(id));
			assert.ok(body.equals(bodyOf(id)), `the body of ${id}`);
		}
	};
	await Promise.all(Array.from({ length: AT_A_TIME }, worker));
});

test("a head and what follows it, a byte at a time", async (t) => {
	const answer =
		"HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
	const server = createTcpServer((socket) => {
		socket.setNoDelay(true);
		socket.on("error", () => undefined);
		socket.on("data", async () => {
			for (const letter of answer) {
				socket.write(letter);
				await new Promise((resolve) => setImmediate(resolve));
			}
		});
	}).listen(0, "127.0.0.1");
	t.after(() => server.close());
	await new Promise((resolve) => server.once("listening", resolve));
	const { port: to } = server.address() as AddressInfo;
	const gateway = await wholeGateway(t, `routes: [{ path: /, to: "http://127.0.0.1:${to}" }]`);
	const agent = new Agent({ keepAlive: true, maxSockets: 1 });
	t.after(() => agent.destroy());
	for (let round = 0; round < 3; round++) {
		const [field, body] = await new Promise<[unknown, Buffer]>((resolve, reject) => {
			get({ port: gateway.port, host: "127.0.0.1", path: "/", agent }, async (response) => {
				resolve([response.headers["x-a"], await slowly(response)]);
			}).on("error", reject);
		});
		assert.deepEqual([field, body.toString()], ["b", "hello world"]);
	}
});

test("memory is used again unless somebody keeps a part of it", () => {
	const memory = new ReadMemory();
	const first = memory.next();
	assert.ok(first !== undefined);
	memory.settle(false);
	assert.equal(memory.next(), undefined);
	const small = memory.owned(memory.lend(100));
	assert.notEqual(small.buffer, first.buffer);
	memory.settle(false);
	assert.equal(memory.next(), undefined);
	const large = memory.owned(memory.lend(20_000));
	assert.equal(large.buffer, first.buffer);
	memory.getBack(large);
	memory.settle(false);
	assert.equal(memory.next(), undefined);
	memory.owned(memory.lend(20_000));
	memory.settle(false);
	assert.notEqual(memory.next()?.buffer, first.buffer);
	memory.lend(10);
	memory.settle(true);
	assert.ok(memory.next() !== undefined);
});
