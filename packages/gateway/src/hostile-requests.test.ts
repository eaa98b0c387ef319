/** Requests that two readers might read in two ways, sent to a whole gateway; what its upstream gets of them. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, describe, test } from "node:test";
import { recordingOrigin } from "./testing/garden/recording-origin.ts";
import { FLAWS, get, H1SPEC_BEGUN, H1SPEC_REFUSED, H1SPEC_SOUND } from "./testing/h1-request-cases.ts";
import { wholeGateway } from "./testing/whole-gateway.ts";

const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n";
const LAST = "GET /last HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n";

const origin = await recordingOrigin();
const { port } = await wholeGateway(
	{ after },
	`listen: { at: "127.0.0.1:0", protocols: [h1] }
limits: { body: 1KiB, target: 200B, headers: 12, head: 1KiB }
routes: [{ path: /, to: "http://127.0.0.1:${origin.port}", retry: { tries: 0 } }]
`,
);
after(() => origin.close());

/** All that comes until the gateway closes, and what the origin saw meanwhile. */
async function say(...pieces: (string | (() => Promise<unknown>))[]) {
	const before = origin.seen.length;
	const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
	let answers = "";
	const ended = new Promise<void>((resolve) => {
		socket.on("data", (bytes) => {
			answers += bytes.toString("latin1");
		});
		socket.on("error", () => undefined);
		socket.on("end", () => socket.destroy());
		socket.on("close", () => resolve());
	});
	for (const piece of pieces) {
		if (typeof piece === "string") socket.write(piece, "latin1");
		else await piece();
	}
	await ended;
	return {
		answers,
		statuses: [...answers.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status)),
		seen: origin.seen.slice(before),
	};
}

describe("h1spec", () => {
	const WHOLE = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
	for (const text of H1SPEC_BEGUN)
		test(`waits after ${JSON.stringify(text)}, and answers once all is there`, async () => {
			// Meanwhile another client is served: what has been sent before has been read.
			const { statuses, seen } = await say(text, () => say(LAST), WHOLE.slice(text.length), LAST);
			assert.deepEqual(statuses, [200, 200]);
			assert.deepEqual(
				seen.map(({ target }) => target),
				["/last", "/hello", "/last"],
			);
		});

	for (const [name, [text, status]] of Object.entries(H1SPEC_REFUSED))
		test(`refuses ${name}`, async () => {
			const { statuses, seen } = await say(text, SMUGGLED);
			assert.deepEqual([statuses, seen], [[status], []]);
		});

	for (const [head, sent = "", read = ""] of H1SPEC_SOUND)
		test(`takes ${JSON.stringify(head + sent)}`, async () => {
			const { statuses, seen } = await say(head + sent, LAST);
			assert.deepEqual(statuses, [200, 200]);
			assert.equal(seen[0]?.body, read);
		});
});

describe("refused, and nothing behind it is read: by its flaw", () => {
	for (const [flaw, [text, , status = 400]] of Object.entries(FLAWS))
		test(flaw, async () => {
			const { statuses, seen, answers } = await say(text, SMUGGLED, LAST);
			assert.deepEqual([statuses, seen], [[status], []]);
			assert.match(answers, /^Connection: close\r$/m);
		});
});

for (const target of ["shop.example:443", "/", "127.0.0.1:22"])
	test(`CONNECT ${target} goes nowhere`, async () => {
		const { statuses, seen } = await say(
			`CONNECT ${target} HTTP/1.1\r\nHost: shop.example:443\r\nConnection: close\r\n\r\n`,
		);
		const isSound = target !== "127.0.0.1:22";
		assert.deepEqual([statuses, seen], [[isSound ? 501 : 400], []]);
	});

describe("a body that cannot be trusted is never whole to the upstream", () => {
	const FLAWED_BODIES = {
		"a size with a sign": "+5\r\nhello\r\n0\r\n\r\n",
		"a size in C's way": "0x5\r\nhello\r\n0\r\n\r\n",
		"a size of 17 digits": "10000000000000005\r\nhello\r\n0\r\n\r\n",
		"a size below zero": "-1\r\nhello\r\n0\r\n\r\n",
		"no size": "\r\nhello\r\n0\r\n\r\n",
		"a space before the size": " 5\r\nhello\r\n0\r\n\r\n",
		"a space behind the size": "5 \r\nhello\r\n0\r\n\r\n",
		"LF behind the size": "5\nhello\r\n0\r\n\r\n",
		"CR behind the size": "5\rhello\r\n0\r\n\r\n",
		"LF in an extension": "5;a\nhello\r\n0\r\n\r\n",
		"CR in an extension": "5;a\rb\r\nhello\r\n0\r\n\r\n",
		"an extension without end": `5;${"a".repeat(2000)}\r\nhello\r\n0\r\n\r\n`,
		"data longer than its size": "5\r\nhello!\r\n0\r\n\r\n",
		"LF behind the data": "5\r\nhello\n0\r\n\r\n",
		"nothing behind the data": "5\r\nhello0\r\n\r\n",
		"LF behind the last chunk": "5\r\nhello\r\n0\n\r\n",
		"a trailer that is folded": "5\r\nhello\r\n0\r\nX-A: 1\r\n 2\r\n\r\n",
		"a trailer with LF": "5\r\nhello\r\n0\r\nX-A: 1\n\r\n",
		"a trailer without colon": "5\r\nhello\r\n0\r\nX-A\r\n\r\n",
		"a space before the colon": "5\r\nhello\r\n0\r\nX-A : 1\r\n\r\n",
		"a request for a trailer": `5\r\nhello\r\n0\r\n${SMUGGLED}`,
	};
	for (const [flaw, body] of Object.entries(FLAWED_BODIES))
		test(flaw, async () => {
			const { statuses, seen } = await say(get("Transfer-Encoding: chunked") + body + SMUGGLED + LAST);
			assert.deepEqual([statuses, seen], [[400], []]);
		});

	test("too long by its length: refused before anybody is asked", async () => {
		const { statuses, seen } = await say(get("Content-Length: 1025"), SMUGGLED);
		assert.deepEqual([statuses, seen], [[413], []]);
	});

	test("too long in chunks", async () => {
		const chunk = `200\r\n${"a".repeat(512)}\r\n`;
		const { statuses, seen } = await say(get("Transfer-Encoding: chunked") + chunk.repeat(3) + SMUGGLED);
		assert.deepEqual([statuses, seen], [[413], []]);
	});
});

describe("taken, and passed on so that nobody can read it otherwise", () => {
	test("an absolute target becomes a path, and Host is its host", async () => {
		const { seen } = await say("GET HTTP://shop.example/a?b HTTP/1.1\r\nHost: Shop.example\r\n\r\n", LAST);
		assert.deepEqual([seen[0]?.target, seen[0]?.host, seen.length], ["/a?b", "shop.example", 2]);
	});

	test("HTTP/1.0 without Host goes on with the upstream's own", async () => {
		const { seen, statuses } = await say("GET /a HTTP/1.0\r\n\r\n");
		assert.deepEqual([seen[0]?.host, statuses], [`127.0.0.1:${origin.port}`, [200]]);
	});

	test("lookalikes with underscores stay here", async () => {
		const lines = ["Content_Length: 100", "Transfer_Encoding: chunked", "X_Forwarded_For: 1", "my_field: 1"];
		const { seen } = await say(get(...lines), LAST);
		const names = seen[0]?.fields.map(([name]) => name) ?? [];
		assert.deepEqual([names.filter((name) => name.includes("_")), seen.length], [["my_field"], 2]);
	});

	for (const named of ["content-length", "host", "Content-Length, host, x-a", "content_length"])
		test(`Connection: ${named} takes no body its length and no request its host`, async () => {
			const lines = [`Connection: ${named}`, "Content-Length: 46", "X-A: a"];
			const { seen } = await say(get(...lines), SMUGGLED, LAST);
			assert.deepEqual(
				seen.map(({ host, body }) => [host, body]),
				[
					["shop.example", SMUGGLED],
					["shop.example", ""],
				],
			);
		});

	test("Transfer-Encoding named by Connection still frames", async () => {
		const lines = ["Connection: transfer-encoding", "Transfer-Encoding: CHUNKED"];
		const { seen } = await say(`${get(...lines)}2e;a=b\r\n${SMUGGLED}\r\n0;c\r\nX-B: 1\r\n\r\n`, LAST);
		assert.deepEqual(
			seen.map(({ body }) => body),
			[SMUGGLED, ""],
		);
	});

	test("words about the client are ours, not its", async () => {
		const lines = ["X-Forwarded-For: 8.8.8.8", "X-Forwarded-Proto: https", "Forwarded: for=8.8.8.8"];
		const { seen } = await say(get(...lines), LAST);
		const told = new Map(seen[0]?.fields);
		assert.equal(told.get("x-forwarded-for"), "127.0.0.1");
		assert.equal(told.get("x-forwarded-proto"), "http");
		assert.equal(told.get("forwarded"), undefined);
	});

	test("GET may have a body, which is nobody else's request", async () => {
		const { seen, statuses } = await say(get(`Content-Length: ${SMUGGLED.length}`), SMUGGLED, LAST);
		assert.deepEqual(
			[seen.map(({ body }) => body), statuses],
			[
				[SMUGGLED, ""],
				[200, 200],
			],
		);
	});

	test("Expect: told to go on by the upstream, then answered", async () => {
		const { statuses } = await say(
			get("Expect: 100-continue", "Content-Length: 5"),
			() => say(LAST),
			"hello",
			LAST,
		);
		assert.deepEqual(statuses, [100, 200, 200]);
	});

	for (const protocol of ["h2c", "TLS/1.0", "h2c, websocket"])
		test(`Upgrade: ${protocol} is not asked for, and what follows is a request like others`, async () => {
			const lines = [
				"Connection: Upgrade, HTTP2-Settings",
				`Upgrade: ${protocol}`,
				"HTTP2-Settings: AAMAAABk",
			];
			const { statuses, seen } = await say(get(...lines), LAST);
			assert.deepEqual([statuses, seen.length], [[200, 200], 2]);
		});
});
