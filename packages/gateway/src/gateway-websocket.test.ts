/** WebSockets through a whole gateway: whatever bytes, in whatever pieces, both ways at once, each way with its own end. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { WebSocket, WebSocketServer } from "ws";
import { type WholeGateway, webServer, wholeGateway } from "./testing/whole-gateway.ts";

const SIZES = [0, 1, 2, 125, 126, 127, 4096, 16_384, 16_385, 65_535, 65_536, 200_000];
const RUNS = 200;
/** More than all sockets on the way have room for, about 20 MiB with the limits that Linux has. */
const BLOCK_BYTES = 65_536;
const BLOCKS = 1024;
const HELD_BYTES_MAX = 8 * 1024 * 1024;
const STILL = 25;
const UPGRADE =
	"GET /chat HTTP/1.1\r\nHost: ws.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const SWITCHING =
	"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

test("messages of ws, both ways, come as they were sent", async (t) => {
	const upstream = await webServer(t, (_, response) => response.end());
	const server = new WebSocketServer({ server: upstream.server });
	server.on("connection", (socket) => {
		socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
	});
	const gateway = await wholeGateway(t, `routes:\n  - { path: /, to: "${upstream.url}" }\n`);
	const message = fc.record({ bytes: fc.constantFrom(...SIZES), isBinary: fc.boolean() });
	const scenario = fc.record({
		messages: fc.array(message, { minLength: 1, maxLength: 6 }),
		perMessageDeflate: fc.boolean(),
		code: fc.constantFrom(1000, 1001, 3000, 4999),
	});
	await fc.assert(
		fc.asyncProperty(scenario, async ({ messages, perMessageDeflate, code }) => {
			const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, { perMessageDeflate });
			await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
			const sent = messages.map(({ bytes, isBinary }) =>
				isBinary ? randomBytes(bytes) : Buffer.from("é".repeat(bytes / 2)),
			);
			const heard: Buffer[] = [];
			const all = new Promise<void>((resolve) =>
				socket.on("message", (data) => {
					if (heard.push(data as Buffer) === sent.length) resolve();
				}),
			);
			const ponged = new Promise((resolve) => socket.once("pong", resolve));
			for (const [at, bytes] of sent.entries())
				socket.send(bytes, { binary: messages[at]?.isBinary === true });
			socket.ping("are you there");
			await all;
			await ponged;
			const closed = new Promise((resolve) => socket.once("close", resolve));
			socket.close(code, "done");
			assert.equal(await closed, code, "the server's close frame comes back");
			assert.deepEqual(heard.map(digest), sent.map(digest));
		}),
		{ numRuns: RUNS },
	);
	await gateway.until(({ exchanges }) => exchanges === 0);
});

test("after 101 any bytes go both ways at once, and each way ends by itself", async (t) => {
	const { gateway, next } = await tunnels(t);
	const piece = fc.record({ bytes: fc.constantFrom(...SIZES.slice(1)), waits: fc.boolean() });
	const pieces = fc.array(piece, { maxLength: 8 });
	const scenario = fc.record({
		up: pieces,
		down: pieces,
		/** In the same write as the request, or as the 101. */
		earlyUp: fc.constantFrom(0, 1, 5000),
		earlyDown: fc.constantFrom(0, 1, 5000),
		whoEndsFirst: fc.constantFrom("client", "upstream", "both"),
	});
	await fc.assert(
		fc.asyncProperty(scenario, async ({ up, down, earlyUp, earlyDown, whoEndsFirst }) => {
			const accepted = next();
			const client = connect({ port: gateway.port, host: "127.0.0.1", allowHalfOpen: true });
			const fromClient = [randomBytes(earlyUp), ...up.map(({ bytes }) => randomBytes(bytes))];
			const fromUpstream = [randomBytes(earlyDown), ...down.map(({ bytes }) => randomBytes(bytes))];
			client.write(Buffer.concat([Buffer.from(UPGRADE), fromClient[0] as Buffer]));
			const upstream = await accepted;
			upstream.socket.write(Buffer.concat([Buffer.from(SWITCHING), fromUpstream[0] as Buffer]));
			const heardByClient = all(client);
			const heardByUpstream = all(upstream.socket, upstream.rest);
			const clientSends = () => send(client, fromClient.slice(1), up);
			const upstreamSends = () => send(upstream.socket, fromUpstream.slice(1), down);
			if (whoEndsFirst === "both") await Promise.all([clientSends(), upstreamSends()]);
			else {
				const [first, second] =
					whoEndsFirst === "client" ? [clientSends, upstreamSends] : [upstreamSends, clientSends];
				const [heardFirst] = whoEndsFirst === "client" ? [heardByUpstream] : [heardByClient];
				await first();
				await heardFirst;
				await second();
			}
			const atClient = await heardByClient;
			const headEnd = atClient.indexOf("\r\n\r\n") + 4;
			assert.match(atClient.toString("latin1", 0, headEnd), /^HTTP\/1\.1 101 /);
			assert.equal(digest(atClient.subarray(headEnd)), digest(Buffer.concat(fromUpstream)));
			assert.equal(digest(await heardByUpstream), digest(Buffer.concat(fromClient)));
		}),
		{ numRuns: RUNS },
	);
	await gateway.until(({ exchanges, listeners }) => exchanges === 0 && listeners[0]?.connections === 0);
});

test("a side that takes nothing stops the other; what is held between is bounded, and in the end all of it comes", async (t) => {
	const { gateway, next } = await tunnels(t);
	const block = randomBytes(BLOCK_BYTES);
	for (const from of ["upstream", "client"] as const) {
		const accepted = next();
		const client = connect({ port: gateway.port, host: "127.0.0.1", allowHalfOpen: true });
		client.write(UPGRADE);
		const upstream = await accepted;
		upstream.socket.write(SWITCHING);
		await new Promise((resolve) => client.once("readable", resolve));
		client.read();
		const [source, sink] = from === "client" ? [client, upstream.socket] : [upstream.socket, client];
		const before = process.memoryUsage().arrayBuffers;
		let sent = 0;
		const write = () => {
			while (sent < BLOCKS && source.write(block)) sent++;
			if (sent === BLOCKS) source.end();
		};
		source.on("drain", () => {
			sent++;
			write();
		});
		write();
		// It stands still when others are served and it goes no further.
		for (let still = 0, last = -1; still < STILL; still = sent === last ? still + 1 : 0) {
			last = sent;
			assert.equal((await fetch(`${gateway.url}/other`)).status, 200);
		}
		assert.ok(sent < BLOCKS, "somebody has taken it all");
		const held = process.memoryUsage().arrayBuffers - before;
		assert.ok(held < HELD_BYTES_MAX, `${held} bytes are held`);
		const hash = createHash("sha256");
		const heard = new Promise((resolve) => sink.once("end", resolve));
		sink.on("data", (bytes) => hash.update(bytes));
		sink.resume();
		await heard;
		sink.end();
		source.resume();
		const wanted = createHash("sha256");
		for (let at = 0; at < BLOCKS; at++) wanted.update(block);
		assert.equal(hash.digest("hex"), wanted.digest("hex"));
	}
	await gateway.until(({ exchanges }) => exchanges === 0);
});

test("a tunnel that either side breaks is broken for the other too, and does not look ended", async (t) => {
	const { gateway, next } = await tunnels(t);
	for (const cut of ["upstream", "client"] as const) {
		const accepted = next();
		const client = connect({ port: gateway.port, host: "127.0.0.1", allowHalfOpen: true });
		client.write(UPGRADE);
		const upstream = await accepted;
		upstream.socket.write(SWITCHING);
		await new Promise((resolve) => client.once("data", resolve));
		const [one, other] = cut === "client" ? [client, upstream.socket] : [upstream.socket, client];
		const told = new Promise((resolve) => {
			other.once("end", () => resolve("ended"));
			other.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
		});
		one.on("error", () => undefined);
		one.resetAndDestroy();
		other.resume();
		assert.equal(await told, "ECONNRESET", `by the ${cut}`);
	}
	await gateway.until(({ exchanges, listeners }) => exchanges === 0 && listeners[0]?.connections === 0);
});

interface Upgraded {
	readonly socket: Socket;
	/** What came with the request's head. */
	readonly rest: Buffer;
}

/** A gateway before an upstream that leaves the answer to the test, and answers 200 to whoever asks for no change. */
async function tunnels(
	t: TestContext,
): Promise<{ readonly gateway: WholeGateway; next(): Promise<Upgraded> }> {
	let hear: ((upgraded: Upgraded) => void) | undefined;
	const sockets = new Set<Socket>();
	const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
		sockets.add(socket);
		socket.on("error", () => undefined);
		let head = Buffer.alloc(0);
		const read = (bytes: Buffer) => {
			head = Buffer.concat([head, bytes]);
			const end = head.indexOf("\r\n\r\n") + 4;
			if (end < 4) return;
			if (head.toString("latin1", 0, end).includes("/other")) {
				socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
				head = Buffer.alloc(0);
				return;
			}
			socket.off("data", read);
			socket.pause();
			hear?.({ socket, rest: head.subarray(end) });
		};
		socket.on("data", read);
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.after(() => {
		for (const socket of sockets) socket.destroy();
		server.close();
	});
	const { port } = server.address() as AddressInfo;
	const gateway = await wholeGateway(t, `routes:\n  - { path: /, to: "http://127.0.0.1:${port}" }\n`);
	return {
		gateway,
		next: () =>
			new Promise((resolve) => {
				hear = resolve;
			}),
	};
}

/** All that comes until its end. */
function all(socket: Socket, first: Buffer = Buffer.alloc(0)): Promise<Buffer> {
	const pieces = [first];
	return new Promise((resolve, reject) => {
		socket.on("data", (bytes) => pieces.push(bytes));
		socket.resume();
		socket.once("end", () => resolve(Buffer.concat(pieces)));
		socket.once("error", reject);
	});
}

async function send(
	socket: Socket,
	pieces: readonly Buffer[],
	how: readonly { readonly waits: boolean }[],
): Promise<void> {
	for (const [at, bytes] of pieces.entries()) {
		socket.write(bytes);
		if (how[at]?.waits === true) await new Promise((resolve) => setImmediate(resolve));
	}
	socket.end();
}

function digest(bytes: Buffer): string {
	return `${bytes.length} ${createHash("sha256").update(bytes).digest("hex")}`;
}
