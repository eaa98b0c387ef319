import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ListResponseHead, NO_EDITS } from "./message.ts";
import type { Failure, OnRequest, RequestReceiver, ServerStream } from "./stream.ts";
import { h1Stage, RawClient, type StageWishes } from "./testing/h1-stage.ts";

const HEAD = "GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n";

async function stage(t: TestContext, wishes: StageWishes) {
	const opened = await h1Stage(wishes);
	t.after(() => opened.close());
	const client = () => {
		const raw = new RawClient(opened.port);
		t.after(() => raw.close());
		return raw;
	};
	return { ...opened, client };
}

const IGNORE: RequestReceiver = {
	data: () => undefined,
	end: () => undefined,
	reset: () => undefined,
	drained: () => undefined,
	batchEnd: () => undefined,
};

function say(stream: ServerStream, status: number, text: string, length: number | "unsaid" = text.length) {
	const said = length === "unsaid" ? undefined : length;
	stream.head(new ListResponseHead(status, ["x-a", "1"], said), NO_EDITS);
	if (text !== "") stream.data(Buffer.from(text));
	stream.end(undefined);
}

/** Answers at once with method, path and body. */
const echo: OnRequest = ({ method, path, bodyLength }, stream) => {
	let body = "";
	return {
		...IGNORE,
		data: (bytes) => {
			body += Buffer.from(bytes).toString("latin1");
		},
		end: () => say(stream, 200, `${method} ${path} ${bodyLength} ${body}`),
	};
};

test("a request is answered, and the next one on the same connection", async (t) => {
	const { client } = await stage(t, { onRequest: echo });
	const raw = client();
	raw.write(HEAD);
	assert.equal(
		await raw.until("GET /a 0 "),
		"HTTP/1.1 200 OK\r\nx-a: 1\r\nContent-Length: 9\r\n\r\nGET /a 0 ",
	);
	raw.write("POST /b HTTP/1.1\r\nHost: b\r\nContent-Length: 3\r\n\r\nxyz");
	await raw.until("POST /b 3 xyz");
});

test("heads and bodies come in whatever pieces", async (t) => {
	const { client } = await stage(t, { onRequest: echo });
	const both =
		"POST /c HTTP/1.1\r\nHost: c\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
	const raw = client();
	for (let at = 1; at < both.length; at++) {
		raw.all = "";
		raw.socket.write(both.slice(0, at));
		// Two reads of the server's: it has answered nothing, or all, between them.
		await new Promise((resolve) => setImmediate(resolve));
		raw.socket.write(both.slice(at));
		await raw.until("POST /c undefined abcde");
	}
});

test("pipelined requests are answered in their order, also when an answer takes its time", async (t) => {
	const waiting: (() => void)[] = [];
	const { client } = await stage(t, {
		onRequest: (head, stream) => {
			waiting.push(() => say(stream, 200, `<${head.path}>`));
			if (waiting.length === 1) setImmediate(() => waiting.shift()?.());
			else queueMicrotask(() => waiting.pop()?.());
			return IGNORE;
		},
	});
	const raw = client();
	const paths = Array.from({ length: 53 }, (_, index) => `/${index}`);
	raw.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(""));
	await raw.until("</52>");
	assert.deepEqual(
		[...raw.all.matchAll(/<(.+?)>/g)].map(([, path]) => path),
		paths,
	);
});

test("requests behind one that is not answered fill a bounded memory, then the client's socket", async (t) => {
	let stream: ServerStream | undefined;
	const { client } = await stage(t, {
		onRequest: (head, of) => {
			if (head.path === "/a") stream = of;
			else say(of, 200, "");
			return IGNORE;
		},
	});
	const raw = client();
	raw.write(HEAD);
	const many = "GET /b HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100_000);
	for (let round = 0; round < 10; round++) raw.write(many);
	let taken = -1;
	while (taken !== raw.socket.bytesWritten - raw.socket.writableLength) {
		taken = raw.socket.bytesWritten - raw.socket.writableLength;
		for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
	}
	assert.ok(raw.socket.writableLength > 0, "the server took all of it");
	assert.equal(raw.all, "");
	if (stream !== undefined) say(stream, 200, "first");
	await raw.until("first");
});

test("HTTP/1.0: closed at the end, kept if asked, and a body of unknown length ends with the connection", async (t) => {
	const { client } = await stage(t, {
		onRequest: (head, stream) => {
			say(stream, 200, "body", head.path === "/long" ? "unsaid" : 4);
			return IGNORE;
		},
	});
	const closing = client();
	closing.write("GET / HTTP/1.0\r\n\r\n");
	assert.match(await closing.untilEnd(), /Connection: close\r\n\r\nbody$/);
	const kept = client();
	kept.write("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	assert.match(await kept.until("body"), /Connection: keep-alive\r\n/);
	kept.write("GET /long HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	assert.match(await kept.untilEnd(), /Connection: close\r\n\r\nbody$/);
	assert.doesNotMatch(kept.all, /chunked/);
});

test("a body of unknown length is chunked; trailers go to whoever takes them", async (t) => {
	const { client } = await stage(t, {
		onRequest: (_head, stream) => {
			stream.head(new ListResponseHead(200, [], undefined), NO_EDITS);
			stream.data(Buffer.from("hello"));
			stream.data(Buffer.alloc(20_000, "x"));
			stream.end(["grpc-status", "0"]);
			return IGNORE;
		},
	});
	const raw = client();
	raw.write(HEAD);
	assert.match(await raw.until("0\r\n\r\n"), /chunked\r\n\r\n5\r\nhello\r\n4e20\r\nx{20000}\r\n0\r\n\r\n$/);
	const taking = client();
	taking.write("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
	assert.match(await taking.until("\r\n0\r\n"), /\r\n0\r\ngrpc-status: 0\r\n\r\n$/i);
});

test("a last chunk for which the memory of heads has no room left begins a new one", async (t) => {
	const { client, options } = await stage(t, {
		onRequest: (_head, stream) => {
			const { scratch } = options;
			stream.head(new ListResponseHead(200, [], undefined), NO_EDITS);
			stream.data(Buffer.from("hello"));
			stream.flush();
			const { bytes } = scratch;
			scratch.at = bytes.length - 100;
			stream.end(["x-sum", "7"]);
			assert.notEqual(scratch.bytes, bytes);
			return IGNORE;
		},
	});
	const raw = client();
	raw.write("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
	assert.match(await raw.until("\r\n0\r\n"), /hello\r\n0\r\nx-sum: 7\r\n\r\n$/);
});

test("HEAD, 204 and 304 have no body, whatever was meant to be sent", async (t) => {
	const { client } = await stage(t, {
		onRequest: (head, stream) => {
			say(stream, Number(head.path.slice(1)), "body");
			return IGNORE;
		},
	});
	const raw = client();
	raw.write(
		"HEAD /200 HTTP/1.1\r\nHost: a\r\n\r\nGET /204 HTTP/1.1\r\nHost: a\r\n\r\nGET /304 HTTP/1.1\r\nHost: a\r\n\r\n",
	);
	raw.write("GET /404 HTTP/1.1\r\nHost: a\r\n\r\n");
	const answers = (await raw.until(/body$/)).split("HTTP/1.1 ").slice(1);
	assert.deepEqual(
		answers.map((answer) => [
			answer.slice(0, 3),
			/Content-Length: 4\r\n/.test(answer),
			answer.endsWith("body"),
		]),
		[
			["200", true, false],
			["204", false, false],
			["304", true, false],
			["404", true, true],
		],
	);
});

test("Expect: the client is told to go on when the exchange says so, once", async (t) => {
	const { client } = await stage(t, {
		onRequest: (head, stream) => {
			for (const status of [100, 100, 103])
				stream.informational(new ListResponseHead(status, [], 0), NO_EDITS);
			stream.flush();
			return echo(head, stream);
		},
	});
	const raw = client();
	raw.write("POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
	await raw.until("103 Early Hints\r\n\r\n");
	assert.equal(raw.all, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n");
	raw.write("ok");
	await raw.until("POST /e 2 ok");
	const old = client();
	old.write("GET /e HTTP/1.0\r\n\r\n");
	assert.match(await old.untilEnd(), /^HTTP\/1.1 200/);
	const odd = client();
	odd.write("POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: much\r\n\r\n");
	assert.match(await odd.untilEnd(), /^HTTP\/1.1 417/);
});

for (const [flaw, text, status] of [
	["no HTTP", "hello\r\n\r\n", 400],
	["two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
	["a chunk that is none", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400],
	["too large a body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", 413],
	["too large a chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", 413],
	["too large a head", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(17_000)}\r\n\r\n`, 431],
] as const)
	test(`refused, told why, and closed: ${flaw}`, async (t) => {
		const resets: Failure[] = [];
		const { client } = await stage(t, {
			onRequest: () => ({ ...IGNORE, reset: (failure) => resets.push(failure) }),
			limits: { bodyBytesMax: 1000 },
		});
		const raw = client();
		raw.write(text);
		const answer = await raw.untilEnd();
		assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
		assert.match(answer, /Connection: close\r\n/);
		assert.deepEqual(
			resets.map((failure) => failure.status),
			flaw.includes("chunk") ? [status] : [],
		);
	});

test("an early answer can be read by a client that is still sending", async (t) => {
	const { client, listener } = await stage(t, {
		onRequest: (_head, stream) => {
			say(stream, 413, "too much");
			return IGNORE;
		},
	});
	const raw = client();
	raw.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n");
	raw.socket.write(Buffer.alloc(400_000));
	assert.match(await raw.untilEnd(), /Connection: close\r\n\r\ntoo much$/);
	assert.equal(raw.wasReset, false);
	raw.socket.end();
	await raw.closed;
	assert.equal(listener.counts.accepted, 1);
});

test("an early answer that is no refusal leaves the connection usable once the request is whole", async (t) => {
	const { client } = await stage(t, {
		onRequest: (head, stream) => {
			say(stream, 200, `early ${head.path}`);
			return IGNORE;
		},
	});
	const raw = client();
	raw.write("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
	await raw.until("early /1");
	raw.write("cdeGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
	await raw.until("early /2");
});

test("what is sent must be as long as its head said: the client sees that it is not whole", async (t) => {
	const { client } = await stage(t, {
		onRequest: (head, stream) => {
			say(stream, 200, "body", head.path === "/short" ? 5 : 3);
			return IGNORE;
		},
	});
	for (const path of ["/short", "/long"]) {
		const raw = client();
		raw.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
		await raw.untilEnd();
		const body = raw.all.split("\r\n\r\n")[1] ?? "";
		assert.ok(body.length < 5 && !(path === "/long" && body.length > 3), raw.all);
	}
});

test("a body until close that is cut off ends in a reset", async (t) => {
	const { client } = await stage(t, {
		onRequest: (_head, stream) => {
			stream.head(new ListResponseHead(200, [], undefined), NO_EDITS);
			stream.data(Buffer.from("half"));
			stream.flush();
			setImmediate(() => stream.reset({ kind: "broken", detail: "" }));
			return IGNORE;
		},
	});
	const raw = client();
	raw.write("GET / HTTP/1.0\r\n\r\n");
	await raw.closed;
	assert.equal(raw.wasReset, true);
});

test("a client that leaves takes its exchange back", async (t) => {
	const told: Failure[] = [];
	let asked: () => void = () => undefined;
	const { client } = await stage(t, {
		onRequest: () => {
			asked();
			return {
				...IGNORE,
				reset: (failure) => {
					told.push(failure);
					asked();
				},
			};
		},
	});
	for (const leave of ["destroy", "end", "resetAndDestroy"] as const) {
		const raw = client();
		raw.write(HEAD);
		await new Promise<void>((resolve) => {
			asked = resolve;
		});
		const left = new Promise<void>((resolve) => {
			asked = resolve;
		});
		raw.socket[leave]();
		await left;
	}
	assert.deepEqual(
		told.map((failure) => failure.kind),
		["cancelled", "cancelled", "cancelled"],
	);
});
