/** How requests and tunnels of HTTP/2 end, through a whole gateway. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectH2 } from "node:http2";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { websocketAccept } from "./h2-websocket.ts";
import { DATA, END_STREAM, frame, headers, PREFACE, RawPeer, request, SETTINGS } from "./testing/h2-raw.ts";
import { webServer, wholeGateway } from "./testing/whole-gateway.ts";

/** Takes what a client asks for: a tunnel that is the test's. */
async function tunnelServer(
	t: TestContext,
	accept: (key: string) => string,
	opened: (socket: Socket) => void,
) {
	const server = createServer({ allowHalfOpen: true }, (socket) => {
		socket.on("error", () => undefined);
		socket.once("data", (head) => {
			const key = /^sec-websocket-key: *(.+)\r$/im.exec(head.toString("latin1"))?.[1] ?? "";
			socket.write(
				"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
					`Sec-WebSocket-Accept: ${accept(key)}\r\n\r\n`,
			);
			opened(socket);
		});
		t.after(() => socket.destroy());
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.after(() => server.close());
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function clientOf(t: TestContext, text: string) {
	const gateway = await wholeGateway(t, text);
	const session = connectH2(gateway.url);
	t.after(() => session.destroy());
	await once(session, "remoteSettings");
	return { gateway, session };
}

const TUNNEL = {
	":method": "CONNECT",
	":protocol": "websocket",
	":path": "/",
	"sec-websocket-version": "13",
};

test("a whole POST in the first packet of a connection is answered", async (t) => {
	const server = await webServer(t, (message, response) => message.pipe(response));
	const gateway = await wholeGateway(t, `routes:\n  - to: ${server.url}\n`);
	const socket = connect(gateway.port, "127.0.0.1");
	t.after(() => socket.destroy());
	const peer = new RawPeer(socket);
	const post = [":method", "POST", ...request("/").slice(2)];
	const body = frame(DATA, END_STREAM, 1, Buffer.from("hello"));
	peer.write(PREFACE, frame(SETTINGS, 0, 0), headers(1, post, 0), body);
	const answer = await peer.next(({ type, payload }) => type === DATA && payload.length > 0);
	assert.equal(answer?.payload.toString(), "hello");
});

test("a body that is too large is answered 413, though it said no length", async (t) => {
	const server = await webServer(t, (message, response) => message.pipe(response));
	const { session } = await clientOf(t, `limits: { body: 10B }\nroutes:\n  - to: ${server.url}\n`);
	const stream = session.request({ ":method": "POST", ":path": "/" });
	stream.on("error", () => undefined);
	stream.write("x".repeat(100));
	const [answer] = await once(stream, "response");
	assert.equal(answer[":status"], 413);
});

test("a tunnel that its server ends first is open until its client has ended too", async (t) => {
	const heard: Buffer[] = [];
	const ended = Promise.withResolvers<void>();
	const url = await tunnelServer(t, websocketAccept, (socket) => {
		socket.on("data", (bytes) => heard.push(bytes));
		socket.on("end", () => ended.resolve());
		socket.end("bye");
	});
	const { gateway, session } = await clientOf(t, `routes:\n  - to: ${url}\n`);
	const stream = session.request(TUNNEL);
	let text = "";
	for await (const bytes of stream) text += bytes;
	assert.equal(text, "bye");
	stream.end("bye yourself");
	await ended.promise;
	assert.equal(Buffer.concat(heard).toString(), "bye yourself");
	await gateway.until(({ routes }) => routes.every(({ inFlight }) => inFlight === 0));
});

test("a server that accepts a WebSocket wrongly is given up", async (t) => {
	const closed = Promise.withResolvers<void>();
	const url = await tunnelServer(
		t,
		() => "wrong",
		(socket) => {
			const more = setInterval(() => socket.write("more"), 1);
			socket.on("close", () => {
				clearInterval(more);
				closed.resolve();
			});
		},
	);
	const { gateway, session } = await clientOf(t, `routes:\n  - to: ${url}\n`);
	const stream = session.request(TUNNEL);
	stream.on("error", () => undefined);
	const [answer] = await once(stream, "response");
	assert.equal(answer[":status"], 502);
	await closed.promise;
	await gateway.until(({ routes }) => routes.every(({ inFlight }) => inFlight === 0));
});
