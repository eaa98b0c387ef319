/** Servers that lie, and forgers beside them: each named by what is wrong with what it sends. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { type TestContext, test } from "node:test";
import { DNS_RCODE } from "@plumbline/signals/dns-message";
import { fakeTime } from "./testing/fake-time.ts";
import {
	answerTo,
	eachQuery,
	framed,
	queriesOf,
	question,
	tcpServer,
	udpAndTcpServer,
	udpServer,
} from "./testing/raw-servers.ts";
import { openTransport, type TransportOptions } from "./transport.ts";
import { WRONG_ANSWERS_MAX } from "./transport-udp-exchange.ts";
import type { Exchange, Protocol, Transport } from "./upstream.ts";

const LONG_MS = 20_000;
/** The last record of an answer with EDNS. */
const OPT_OCTETS = 11;

function open(t: TestContext, protocol: Protocol, port: number, options?: TransportOptions): Transport {
	const transport = openTransport({ protocol, address: "127.0.0.1", port }, options);
	t.after(() => transport.close());
	return transport;
}

const ask = (transport: Transport, signal = AbortSignal.timeout(LONG_MS)) =>
	transport.exchange({ question }, signal);

function failed(exchange: Exchange): Extract<Exchange, { kind: "failed" }> {
	assert.ok(exchange.kind === "failed", JSON.stringify(exchange));
	return exchange;
}

const otherQuestion = (answer: Uint8Array) =>
	answerTo(answer, ({ questions }) => ({
		questions: questions.map((each) => ({ ...each, name: "www.example.tesu." })),
	}));

/** Each is sent first, the honest answer after it. */
const FORGED: Readonly<Record<string, (query: Buffer) => Uint8Array>> = {
	"another id": (query) => answerTo(query, ({ id }) => ({ id: id ^ 1 })),
	"another name": otherQuestion,
	"another type": (query) =>
		answerTo(query, ({ questions }) => ({ questions: questions.map((each) => ({ ...each, type: 28 })) })),
	"another class": (query) =>
		answerTo(query, ({ questions }) => ({ questions: questions.map((each) => ({ ...each, class: 3 })) })),
	"no question": (query) => answerTo(query, () => ({ questions: [] })),
	"two questions": (query) =>
		answerTo(query, ({ questions }) => ({ questions: [...questions, ...questions] })),
	"a query": (query) => query,
	"another opcode": (query) => answerTo(query, () => ({ opcode: 5 })),
	nothing: () => new Uint8Array(0),
	"half a header": (query) => answerTo(query).subarray(0, 6),
	"cut within the question": (query) => answerTo(query).subarray(0, 20),
	"cut within a record": (query) => answerTo(query).subarray(0, -OPT_OCTETS - 2),
	"a pointer to itself": (query) => {
		const answer = answerTo(query);
		const at = answer.indexOf(0xc0);
		answer[at + 1] = at;
		return answer;
	},
};

for (const [flaw, forge] of Object.entries(FORGED))
	test(`UDP: ${flaw} is dropped, and the honest answer behind it counts`, async (t) => {
		const port = await udpServer(t, (query, from, socket) => {
			socket.send(forge(query), from.port, from.address);
			socket.send(answerTo(query), from.port, from.address);
		});
		const exchange = await ask(open(t, "udp", port));
		assert.ok(exchange.kind === "answered", JSON.stringify(exchange));
		assert.equal(exchange.protocol, "udp");
		assert.equal(exchange.message.answers.length, 1);
	});

test("UDP: an answer from another port is not heard", async (t) => {
	const other = createSocket("udp4");
	t.after(() => other.close());
	const port = await udpServer(t, (query, from, socket) => {
		const forged = answerTo(query, () => ({ answers: [] }));
		other.send(forged, from.port, from.address, () => socket.send(answerTo(query), from.port, from.address));
	});
	const exchange = await ask(open(t, "udp", port));
	assert.ok(exchange.kind === "answered");
	assert.equal(exchange.message.answers.length, 1);
});

test("UDP: with nothing but answers to nothing, it turns to TCP; without TCP it was spoofed", async (t) => {
	let hasTcp = false;
	const { port } = await udpAndTcpServer(
		t,
		(query, from, socket) => {
			for (let sent = 0; sent < WRONG_ANSWERS_MAX; sent++)
				socket.send(otherQuestion(query), from.port, from.address);
		},
		(chunk, socket) => (hasTcp ? eachQuery(answerTo)(chunk, socket) : socket.destroy()),
	);
	const transport = open(t, "udp", port);
	const alone = failed(await ask(transport));
	assert.equal(alone.why, "spoofed");
	assert.match(alone.detail, /^16 answers over UDP that were not to the query; over TCP: \w/);
	hasTcp = true;
	const exchange = await ask(transport);
	assert.ok(exchange.kind === "answered");
	assert.equal(exchange.protocol, "tcp");
});

test("UDP: what was dropped is told when time is over", async (t) => {
	const port = await udpServer(t, (query, from, socket) => {
		for (let sent = 0; sent < 3; sent++) socket.send(otherQuestion(query), from.port, from.address);
	});
	const { why, detail } = failed(await ask(open(t, "udp", port), AbortSignal.timeout(100)));
	assert.equal(why, "timeout");
	assert.equal(detail, "no answer came; 3 others were dropped");
});

test("UDP: a server that does not keep the case of letters is asked over TCP", async (t) => {
	const inSmallLetters = (query: Buffer) =>
		answerTo(query, ({ questions }) => ({
			questions: questions.map((each) => ({ ...each, name: each.name.toLowerCase() })),
		}));
	const { port } = await udpAndTcpServer(
		t,
		(query, from, socket) => socket.send(inSmallLetters(query), from.port, from.address),
		eachQuery(inSmallLetters),
	);
	const mixing = open(t, "udp", port, { mixCase: true });
	// With 14 letters, one in 16,384 is all small by chance.
	const protocols = new Set<string>();
	for (let round = 0; round < 3; round++) {
		const exchange = await ask(mixing);
		assert.ok(exchange.kind === "answered", JSON.stringify(exchange));
		assert.equal(exchange.message.questions[0]?.name, question.name);
		protocols.add(exchange.protocol);
	}
	assert.ok(protocols.has("tcp"));
	const plain = await ask(open(t, "udp", port));
	assert.ok(plain.kind === "answered");
	assert.equal(plain.protocol, "udp");
});

test("truncated over UDP and over TCP: it ends", async (t) => {
	const truncated = (query: Buffer) => answerTo(query, () => ({ isTruncated: true, answers: [] }));
	const { port, connections } = await udpAndTcpServer(
		t,
		(query, from, socket) => socket.send(truncated(query), from.port, from.address),
		eachQuery(truncated),
	);
	const { why, detail } = failed(await ask(open(t, "udp", port)));
	assert.equal(why, "malformed");
	assert.equal(detail, "truncated over UDP; over TCP: truncated, although nothing limits its size here");
	assert.equal(connections.length, 1);
});

test("UDP: a datagram that was lost is sent once more, the same one", async (t) => {
	const time = fakeTime();
	const queries: string[] = [];
	const lost = Promise.withResolvers<void>();
	const port = await udpServer(t, (query, from, socket) => {
		queries.push(`${from.port} ${query.toString("hex")}`);
		if (queries.length === 1) lost.resolve();
		else socket.send(answerTo(query), from.port, from.address);
	});
	const exchanging = ask(open(t, "udp", port, { now: time.now, timers: time.timers }));
	await lost.promise;
	await time.pass(700);
	assert.equal((await exchanging).kind, "answered");
	assert.equal(queries.length, 2);
	assert.equal(queries[0], queries[1]);
	assert.equal(time.waiting(), 0);
});

test("equal asks at once are one query; unlike ones and later ones are not", async (t) => {
	const held: (() => void)[] = [];
	let queries = 0;
	const port = await udpServer(t, (query, from, socket) => {
		queries++;
		held.push(() => socket.send(answerTo(query), from.port, from.address));
		if (held.length === 2) for (const answer of held) answer();
	});
	const transport = open(t, "udp", port);
	const controller = new AbortController();
	const asked = [
		ask(transport),
		ask(transport),
		transport.exchange({ question: { ...question, name: "WWW.example.test." } }, controller.signal),
		transport.exchange({ question, dnssecOk: true }, AbortSignal.timeout(LONG_MS)),
	];
	controller.abort();
	const kinds = (await Promise.all(asked)).map(({ kind }) => kind);
	assert.deepEqual(kinds, ["answered", "answered", "failed", "answered"]);
	assert.equal(queries, 2);
});

test("all that ask the same went away: it is not asked any more", async (t) => {
	const port = await udpServer(t, () => {});
	const transport = open(t, "udp", port);
	const controller = new AbortController();
	const asked = [1, 2].map(() => ask(transport, controller.signal));
	controller.abort();
	for (const exchange of await Promise.all(asked)) assert.equal(failed(exchange).why, "aborted");
});

const CANNOT = [
	DNS_RCODE.FORMERR,
	DNS_RCODE.SERVFAIL,
	DNS_RCODE.NOTIMP,
	DNS_RCODE.REFUSED,
	DNS_RCODE.BADVERS,
];
for (const rcode of CANNOT)
	test(`RCODE ${rcode} is a failure of the server, with what it says about it`, async (t) => {
		const port = await udpServer(t, (query, from, socket) => {
			const answer = answerTo(query, ({ edns }) => ({
				rcode,
				answers: [],
				...(edns === undefined
					? {}
					: { edns: { ...edns, options: [{ kind: "extended-error", code: 15, text: "a\u001bb" }] } }),
			}));
			socket.send(answer, from.port, from.address);
		});
		const { why, detail } = failed(await ask(open(t, "udp", port)));
		assert.equal(why, "server-failure");
		assert.match(detail, /^(FORMERR|SERVFAIL|NOTIMP|REFUSED|BADVERS), extended error 15: "a\\u001bb"$/);
	});

test("FORMERR as a bare header, as servers without EDNS send it", async (t) => {
	const port = await udpServer(t, (query, from, socket) => {
		socket.send(Buffer.from([query[0] ?? 0, query[1] ?? 0, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0]), from.port);
	});
	assert.deepEqual(failed(await ask(open(t, "udp", port))).detail, "FORMERR");
});

test("an answer for another network than the one that was told is none", async (t) => {
	const port = await udpServer(t, (query, from, socket) => {
		for (const address of ["198.51.100.0", "203.0.113.0"]) {
			const answer = answerTo(query, ({ edns }) => {
				const subnet = { family: "ipv4", sourcePrefix: 24, scopePrefix: 24, address } as const;
				return edns === undefined ? {} : { edns: { ...edns, options: [{ kind: "client-subnet", subnet }] } };
			});
			socket.send(answer, from.port, from.address);
		}
	});
	const clientSubnet = { family: "ipv4", sourcePrefix: 24, scopePrefix: 0, address: "203.0.113.0" } as const;
	const exchange = await open(t, "udp", port).exchange(
		{ question, clientSubnet },
		AbortSignal.timeout(LONG_MS),
	);
	assert.ok(exchange.kind === "answered");
	const [option] = exchange.message.edns?.options ?? [];
	assert.ok(option?.kind === "client-subnet");
	assert.equal(option.subnet.address, "203.0.113.0");
});

/** Octets that a TCP server answers with, and what comes of it. */
const STREAMS: Readonly<Record<string, { reply: (query: Buffer) => Buffer; why: string; detail: RegExp }>> = {
	"a length of 0": { reply: () => Buffer.alloc(2), why: "malformed", detail: /length/ },
	"a length shorter than a header": {
		reply: () => Buffer.from([0, 11, ...Buffer.alloc(11)]),
		why: "malformed",
		detail: /length/,
	},
	"HTTP on the port of DNS": {
		// "HT" is a length of 18,516: it waits for the rest, which the end of the connection cuts off.
		reply: () => Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"),
		why: "connection-lost",
		detail: /ended/,
	},
	"another question": {
		reply: (query) => framed(otherQuestion(query)),
		why: "spoofed",
		detail: /to another question/,
	},
	"answers to nothing": {
		reply: (query) =>
			Buffer.concat(
				Array.from({ length: 11 }, (_, i) => framed(answerTo(query, ({ id }) => ({ id: id ^ (i + 1) })))),
			),
		why: "spoofed",
		detail: /more than 10 answers to nothing/,
	},
	"a pointer to itself": {
		reply: (query) => framed(FORGED["a pointer to itself"]?.(query) ?? query),
		why: "malformed",
		detail: /pointer-loop/,
	},
	"a message cut short": {
		reply: (query) => framed(answerTo(query).subarray(0, -OPT_OCTETS - 2)),
		why: "malformed",
		detail: /cut short/,
	},
};

for (const [flaw, { reply, why, detail }] of Object.entries(STREAMS))
	test(`TCP: ${flaw}`, async (t) => {
		const { port } = await tcpServer(t, (chunk, socket) => {
			for (const query of queriesOf(chunk)) socket.write(reply(query));
			if (flaw.startsWith("HTTP")) socket.end();
		});
		const exchange = failed(await ask(open(t, "tcp", port)));
		assert.equal(exchange.why, why);
		assert.match(exchange.detail, detail);
	});

test("DoT: a server that speaks no TLS", async (t) => {
	const { port } = await tcpServer(t, (_, socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
	for (const protocol of ["dot", "doh"] as const) {
		const { why, detail } = failed(await ask(open(t, protocol, port)));
		assert.equal(why, "tls");
		assert.match(detail, /^wrong version number|packet length/i);
	}
});
