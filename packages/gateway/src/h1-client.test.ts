import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { h1Stage, RawClient } from "./testing/h1-stage.ts";
import { type RawUpstream, rawUpstream } from "./testing/test-upstream-raw.ts";

type Answer = Parameters<typeof rawUpstream>[0];

const GET = "GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n";
const HEAD_END = "\r\n\r\n";

async function between(t: TestContext, answer: Answer) {
	const upstream = await rawUpstream(answer);
	const stage = await h1Stage({ upstream: { port: upstream.port } });
	t.after(async () => {
		await stage.close();
		await upstream.close();
	});
	const client = () => {
		const raw = new RawClient(stage.port);
		t.after(() => raw.close());
		return raw;
	};
	return { upstream, stage, client };
}

/** Answers each request without body by `text`, and keeps the connection. */
function always(text: string): Answer {
	return (socket, all) => {
		if (all.endsWith(HEAD_END)) socket.write(text, "latin1");
	};
}

async function until(isSo: () => boolean): Promise<void> {
	for (let turn = 0; !isSo(); turn++) {
		assert.ok(turn < 100_000, "it does not come");
		await new Promise((resolve) => setImmediate(resolve));
	}
}

function connectionsOf({ sockets }: RawUpstream): number {
	return sockets.length;
}

test("a connection carries one exchange after the other", async (t) => {
	const { upstream, client } = await between(t, always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
	const raw = client();
	for (let round = 0; round < 5; round++) {
		raw.all = "";
		raw.write(GET);
		await raw.until("ok");
	}
	assert.equal(connectionsOf(upstream), 1);
});

for (const [framing, whole] of [
	["length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"],
	["chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n"],
	["informational", "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"],
] as const)
	for (const way of ["end", "resetAndDestroy"] as const)
		test(`cut at any byte, an answer by ${framing} never looks whole (${way})`, async (t) => {
			let cut = 0;
			const { client } = await between(t, (socket, all) => {
				if (!all.endsWith(HEAD_END)) return;
				socket.write(whole.slice(0, cut), "latin1", () => socket[way]());
			});
			for (cut = 0; cut < whole.length; cut++) {
				const raw = client();
				raw.write(GET);
				const isRefused = await raw.until(/HTTP\/1.1 502 [\s\S]*(?:broken|malformed)\n$/).then(
					() => true,
					() => false,
				);
				raw.close();
				if (isRefused) continue;
				const all = raw.all.replace(/^HTTP\/1.1 103 [\s\S]*?\r\n\r\n/, "");
				const [head = "", body = ""] = all.split(HEAD_END);
				const isWhole = /chunked/.test(head)
					? all.endsWith("0\r\n\r\n")
					: /Content-Length: (\d+)/.exec(head)?.[1] === String(body.length);
				assert.equal(isWhole, false, `cut at ${cut}: ${JSON.stringify(all)}`);
			}
		});

test("an answer until close is whole at FIN and cut at a reset", async (t) => {
	let way: "end" | "resetAndDestroy" = "end";
	const { client, upstream } = await between(t, (socket, all) => {
		if (!all.endsWith(HEAD_END)) return;
		socket.write("HTTP/1.1 200 OK\r\n\r\nhello", () => setTimeout(() => socket[way](), 20));
	});
	const raw = client();
	raw.write(GET);
	await raw.until("\r\n0\r\n\r\n");
	way = "resetAndDestroy";
	raw.write(GET);
	await raw.untilEnd();
	assert.equal(raw.all.split("\r\n0\r\n\r\n").length, 2);
	assert.equal(connectionsOf(upstream), 2);
});

for (const [flaw, text] of [
	["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"],
	[
		"length and chunks",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	],
	["no HTTP", "hello\r\n\r\n"],
	["101 that nobody asked for", "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"],
	["too many informational", "HTTP/1.1 103 E\r\n\r\n".repeat(33)],
	["too large a head", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(17_000)}\r\n\r\n`],
] as const)
	test(`502, and the connection is not used again: ${flaw}`, async (t) => {
		const { upstream, client } = await between(t, always(text));
		const raw = client();
		raw.write(GET);
		await raw.until(/HTTP\/1.1 502/);
		raw.all = "";
		raw.write(GET);
		await raw.until(/HTTP\/1.1 502/);
		assert.equal(connectionsOf(upstream), 2);
	});

test("more than the answer is nobody's: the client sees the answer, and the connection goes", async (t) => {
	const one = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	const { upstream, client, stage } = await between(
		t,
		always(`${one}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`),
	);
	const raw = client();
	raw.write(GET);
	await raw.until("ok");
	raw.write(GET);
	await raw.until(/ok.*ok/s);
	assert.doesNotMatch(raw.all, /evil/);
	assert.equal(connectionsOf(upstream), 2);
	await stage.time.pass(1100);
	await until(() => stage.forwarder.connections.size === 0);
});

test("bytes on an idle connection close it", async (t) => {
	const { upstream, client, stage } = await between(
		t,
		always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
	);
	const raw = client();
	raw.write(GET);
	await raw.until("ok");
	upstream.sockets[0]?.write("HTTP/1.1 408 Timeout\r\n\r\n");
	await until(() => stage.forwarder.connections.size === 0);
	raw.write(GET);
	await raw.until(/ok.*ok/s);
});

test("a server that closes an idle connection is believed at once", async (t) => {
	const { upstream, client, stage } = await between(
		t,
		always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
	);
	const raw = client();
	raw.write(GET);
	await raw.until("ok");
	upstream.sockets[0]?.end();
	await until(() => stage.forwarder.connections.size === 0);
	raw.write(GET);
	await raw.until(/ok.*ok/s);
	assert.deepEqual(stage.forwarder.failures, []);
});

test("a kept connection that breaks before anything came back is `broken`; within the head, `malformed`", async (t) => {
	const { upstream, client, stage } = await between(t, (socket, all, connection) => {
		if (connection === 1 && all.endsWith(HEAD_END)) socket.write("HTTP/1.1 2", () => socket.destroy());
		else if (all === GET) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
		else socket.destroy();
	});
	const raw = client();
	raw.write(GET);
	await raw.until("ok");
	raw.write(GET);
	await raw.until("502");
	raw.all = "";
	raw.write(GET);
	await raw.until("502");
	assert.deepEqual(
		stage.forwarder.failures.map(({ kind }) => kind),
		["broken", "malformed"],
	);
	assert.equal(connectionsOf(upstream), 2);
});

test("an early answer: the client has it, the connection is given up", async (t) => {
	const { client, stage } = await between(t, (socket, all) => {
		if (all.includes(HEAD_END)) socket.write("HTTP/1.1 413 Too\r\nContent-Length: 3\r\n\r\nbig");
	});
	const raw = client();
	raw.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc");
	await raw.until("big");
	assert.match(raw.all, /Connection: close/);
	await until(() => stage.forwarder.connections.size === 0);
});

test("a server that answers before it has the whole request is asked nothing more: it may not read the rest as body", async (t) => {
	const { client, upstream } = await between(t, (socket, all) => {
		if (all.endsWith(HEAD_END)) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
		if (all.endsWith("hello")) socket.write("k");
	});
	const raw = client();
	raw.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
	await raw.until("\r\n\r\no");
	raw.write("hello");
	await raw.until("ok");
	raw.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
	await raw.until(/ok.*\r\n\r\no/s);
	assert.equal(connectionsOf(upstream), 2);
});

test("Expect, 100 and the body pass in their order", async (t) => {
	const { client, upstream } = await between(t, (socket, all) => {
		if (all.endsWith(HEAD_END)) socket.write("HTTP/1.1 100 Continue\r\n\r\n");
		if (all.endsWith("hello")) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	});
	const raw = client();
	raw.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
	await raw.until("100 Continue\r\n\r\n");
	raw.write("hello");
	await raw.until("200 OK");
	assert.match(upstream.heard[0] ?? "", /Expect: 100-continue\r\n/);
});

test("a tunnel carries any bytes both ways, and each side ends for itself", async (t) => {
	const { client, upstream } = await between(t, (socket, all) => {
		if (all.endsWith(HEAD_END)) {
			socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhi");
			socket.removeAllListeners("end");
			socket.on("end", () => socket.end("bye"));
		} else if (all.includes("\0\xff")) socket.write("\xff\0", "latin1");
	});
	const raw = client();
	raw.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\0");
	await raw.until("hi");
	assert.match(raw.all, /^HTTP\/1.1 101 [\s\S]*Upgrade: websocket\r\n\r\nhi$/);
	raw.socket.write(Buffer.from([255]));
	await raw.until("hi\xff\0");
	raw.socket.end();
	assert.match(await raw.untilEnd(), /hi\xff\0bye$/);
	assert.match(upstream.heard[0] ?? "", /\r\n\r\n\0\xff$/);
});

test("an upgrade that is declined is an ordinary answer, and both connections go on", async (t) => {
	const { client, upstream } = await between(t, always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"));
	const raw = client();
	raw.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	await raw.until("no");
	raw.write(GET);
	await raw.until(/no.*no/s);
	assert.equal(connectionsOf(upstream), 1);
});

test("a slow client stops the upstream, and what is held between is bounded", async (t) => {
	const size = 64 * 1024 * 1024;
	const { client, upstream } = await between(t, (socket, all) => {
		if (!all.endsWith(HEAD_END)) return;
		socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
		socket.write(Buffer.alloc(size));
	});
	const raw = client();
	await until(() => !raw.socket.connecting);
	raw.socket.pause();
	raw.write(GET);
	await until(() => (upstream.sockets[0]?.bytesWritten ?? 0) > 0);
	const [sender] = upstream.sockets;
	for (let turn = 0; turn < 2000; turn++) await new Promise((resolve) => setImmediate(resolve));
	assert.ok((sender?.writableLength ?? 0) > 0, "all of it was taken");
	let got = 0;
	raw.socket.removeAllListeners("data");
	raw.socket.on("data", (bytes) => {
		got += bytes.length;
	});
	raw.socket.resume();
	await until(() => got > size);
});
