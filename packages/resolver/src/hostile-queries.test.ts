/** Hostile queries by their flaw, to every listener of a server that runs: what each gets, and that service goes on. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2, type OutgoingHttpHeaders } from "node:http2";
import { request as requestHttps } from "node:https";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { makeLabCertificate } from "@plumbline/lab/dns-servers-certificate";
import { missingDnsProgram } from "@plumbline/lab/dns-servers-program";
import { makeScratchFolder, removeScratchFolder } from "@plumbline/lab/tied-process";
import { decodeDnsMessage } from "@plumbline/signals/dns-message-decode";
import type { ConnectionBounds } from "./server-connections.ts";
import { exchange, queryFor } from "./testing/dns-clients.ts";
import { type Served, serveHere } from "./testing/serve-here.ts";
import { FrameReader } from "./transport-frames.ts";

const noTls = missingDnsProgram("openssl");
const HOST = "127.0.0.1";
const TLS_NAME = "dns.plumbline.test";
const ID = 0xabcd;
const GOOD_ID = 0x7777;
const GOOD = queryFor("h9.test", GOOD_ID);
const NAME = [2, 0x68, 0x31, 4, 0x74, 0x65, 0x73, 0x74, 0];
const QUESTION = [...NAME, 0, 1, 0, 1];
const asked = (type: number, dnsClass = 1) => [...NAME, type >> 8, type & 255, dnsClass >> 8, dnsClass & 255];
const opt = (version = 0, octets: readonly number[] = [], length = octets.length) => [
	...[0, 0, 41, 4, 208, 0, version, 0, 0, length >> 8, length & 255],
	...octets,
];

function packet(
	question: readonly number[] = QUESTION,
	{ flags = 0x0100, counts = [1, 0, 0, 0] }: { flags?: number; counts?: readonly number[] } = {},
): Uint8Array {
	const head = [ID, flags, ...counts].flatMap((pair) => [pair >> 8, pair & 255]);
	return Uint8Array.from([...head, ...question]);
}

const withOpt = (rest: readonly number[], opts = 1) =>
	packet([...QUESTION, ...rest], { counts: [1, 0, 0, opts] });
/** Labels of `a`, so many octets with the root. */
function longName(octets: number): number[] {
	const name: number[] = [];
	while (name.length < octets - 1) {
		const label = Math.min(63, octets - 2 - name.length);
		name.push(label, ...Array.from({ length: label }, () => 97));
	}
	return [...name, 0];
}

/** Code and whether the question comes back; `nothing`: silence by UDP, the end of a connection, status 400. */
type Reaction = "nothing" | "FORMERR" | "FORMERR ?" | "NOTIMP" | "REFUSED ?" | "BADVERS ?" | "NOERROR ?";
const CODES: Readonly<Record<string, number>> = {
	FORMERR: 1,
	NOTIMP: 4,
	REFUSED: 5,
	BADVERS: 16,
	NOERROR: 0,
};

const HOSTILE: Readonly<Record<string, readonly [packet: Uint8Array, reaction: Reaction]>> = {
	"a header cut short": [packet().subarray(0, 11), "nothing"],
	"an answer (QR)": [packet(QUESTION, { flags: 0x8100 }), "nothing"],
	"a name that points to itself": [packet([0xc0, 12, 0, 1, 0, 1]), "FORMERR"],
	"a name that points forward": [packet([0xc0, 18, 0, 1, 0, 1, ...NAME]), "FORMERR"],
	"a name that points into the header": [packet([1, 97, 0xc0, 0, 0, 1, 0, 1]), "FORMERR"],
	"a label of 64 octets": [packet([64, ...Array.from({ length: 64 }, () => 97), 0, 0, 1, 0, 1]), "FORMERR"],
	"a name of 256 octets": [packet([...longName(256), 0, 1, 0, 1]), "FORMERR"],
	"a name without an end": [packet([63, 97, 97]), "FORMERR"],
	"no question": [packet([], { counts: [0, 0, 0, 0] }), "FORMERR"],
	"two questions": [packet([...QUESTION, ...QUESTION], { counts: [2, 0, 0, 0] }), "FORMERR"],
	"65,535 questions": [packet(QUESTION, { counts: [65_535, 0, 0, 0] }), "FORMERR"],
	"65,535 answers": [packet(QUESTION, { counts: [1, 65_535, 0, 0] }), "FORMERR"],
	"65,535 additionals": [packet(QUESTION, { counts: [1, 0, 0, 65_535] }), "FORMERR ?"],
	"half a type": [packet([...NAME, 0]), "FORMERR"],
	"garbage behind the question": [packet([...QUESTION, 1, 2, 3]), "FORMERR ?"],
	"garbage behind OPT": [withOpt([...opt(), 1, 2, 3]), "FORMERR ?"],
	"two OPT": [withOpt([...opt(), ...opt()], 2), "FORMERR ?"],
	"OPT longer than the packet": [withOpt(opt(0, [], 9)), "FORMERR ?"],
	"OPT cut short": [withOpt(opt().slice(0, 7)), "FORMERR ?"],
	"an option longer than OPT": [withOpt(opt(0, [0, 10, 0, 9, 1, 2])), "FORMERR ?"],
	"half an option": [withOpt(opt(0, [0, 10, 0])), "FORMERR ?"],
	"a client subnet of 33 bits": [withOpt(opt(0, [0, 8, 0, 8, 0, 1, 33, 0, 192, 0, 2, 1])), "FORMERR ?"],
	"EDNS version 1": [withOpt(opt(1)), "BADVERS ?"],
	"EDNS version 255": [withOpt(opt(255)), "BADVERS ?"],
	"TC in a query": [packet(QUESTION, { flags: 0x0300 }), "FORMERR"],
	"type 0": [packet(asked(0)), "FORMERR ?"],
	"OPT as a question": [packet(asked(41)), "FORMERR ?"],
	"TSIG as a question": [packet(asked(250)), "REFUSED ?"],
	IXFR: [packet(asked(251)), "REFUSED ?"],
	AXFR: [packet(asked(252)), "REFUSED ?"],
	MAILB: [packet(asked(253)), "REFUSED ?"],
	ANY: [packet(asked(255)), "NOERROR ?"],
	"class CH": [packet(asked(16, 3)), "REFUSED ?"],
	"class NONE": [packet(asked(1, 254)), "REFUSED ?"],
	"class ANY": [packet(asked(1, 255)), "REFUSED ?"],
	"without RD": [packet(QUESTION, { flags: 0 }), "REFUSED ?"],
	...Object.fromEntries(
		Array.from({ length: 15 }, (_, index) => [
			`opcode ${index + 1}`,
			[packet(QUESTION, { flags: 0x0100 | ((index + 1) << 11) }), "NOTIMP"] as const,
		]),
	),
};

function reactionTo(answer: Uint8Array | undefined, query: Uint8Array): string {
	if (answer === undefined) return "nothing";
	const decoded = decodeDnsMessage(answer);
	assert.ok(
		decoded.kind === "decoded" && decoded.trailingBytes === undefined,
		Buffer.from(answer).toString("hex"),
	);
	const { id, isResponse, opcode, rcode, questions, answers } = decoded.message;
	assert.ok(id === ID && isResponse && opcode === (((query[2] ?? 0) >> 3) & 15));
	assert.equal(answers.length, 0);
	const [name] = Object.entries(CODES).find(([, code]) => code === rcode) ?? [`${rcode}`];
	return questions.length === 0 ? name : `${name} ?`;
}

interface TlsServed extends Served {
	readonly authority: string;
}

async function serveAll(t: TestContext, connections?: ConnectionBounds): Promise<TlsServed> {
	const folder = makeScratchFolder();
	t.after(() => removeScratchFolder(folder));
	const tls = await makeLabCertificate(folder, TLS_NAME);
	const free = [{ address: HOST, port: 0 }];
	const bounds = connections === undefined ? {} : { connections };
	return {
		...(await serveHere(t, { dot: free, doh: free, tls, ...bounds })),
		authority: tls.certificateAuthority,
	};
}

const lengthAnd = (message: Uint8Array, length = message.length) =>
	Buffer.from([length >> 8, length & 255, ...message]);

/** The first answer, or undefined if the server ends the connection without one. */
function answerOn(socket: Socket, octets: Uint8Array): Promise<Uint8Array | undefined> {
	const reader = new FrameReader();
	return new Promise((resolve) => {
		socket.on("error", () => {});
		socket.on("close", () => resolve(undefined));
		socket.on("data", (chunk) => {
			const [answer] = reader.read(chunk) ?? [];
			if (answer === undefined) return;
			resolve(answer);
			socket.destroy();
		});
		socket.write(octets);
	});
}

async function post(session: ClientHttp2Session, body: Uint8Array, more: OutgoingHttpHeaders = {}) {
	const stream = session.request(
		{ ":method": "POST", ":path": "/dns-query", "content-type": "application/dns-message", ...more },
		{ endStream: false },
	);
	stream.on("error", () => {});
	stream.end(body);
	const [headers] = await once(stream, "response");
	const chunks: Buffer[] = [];
	stream.on("data", (chunk: Buffer) => chunks.push(chunk));
	if (headers[":status"] === 200) await once(stream, "end");
	return { status: headers[":status"], body: Buffer.concat(chunks) };
}

test("UDP: each hostile query has its reaction", async (t) => {
	for (const udpWay of ["best", "dgram"] as const) {
		const { port, server } = await serveHere(t, { udpWay });
		for (const [flaw, [query, reaction]] of Object.entries(HOSTILE)) {
			const answers = await exchange(port, [query, GOOD], reaction === "nothing" ? 1 : 2);
			const hostile = answers.find((answer) => answer.readUInt16BE(0) !== GOOD_ID);
			assert.equal(reactionTo(hostile, query), reaction, `${flaw} (${udpWay})`);
			assert.ok((hostile?.length ?? 0) <= query.length + 60, `${flaw}: ${hostile?.length} octets`);
			assert.equal(answers.length, reaction === "nothing" ? 1 : 2, flaw);
		}
		assert.equal(server.standing().inFlight, 0);
	}
});

test("TCP and DoT: each hostile query has its reaction", { skip: noTls }, async (t) => {
	const { portOf, authority } = await serveAll(t);
	const ways = {
		tcp: () => connect(portOf("tcp"), HOST),
		dot: () => connectTls({ host: HOST, port: portOf("dot"), servername: TLS_NAME, ca: authority }),
	};
	for (const [way, open] of Object.entries(ways)) {
		for (const [flaw, [query, reaction]] of Object.entries(HOSTILE))
			assert.equal(reactionTo(await answerOn(open(), lengthAnd(query)), query), reaction, `${flaw} (${way})`);
		const good = await answerOn(open(), lengthAnd(GOOD));
		assert.equal(good?.at(-1), 9, `${way} serves on`);
	}
});

test("DoH: each hostile query has its reaction, and what is no request its status", {
	skip: noTls,
}, async (t) => {
	const { portOf, authority } = await serveAll(t);
	const session = connectHttp2(`https://${HOST}:${portOf("doh")}`, { ca: authority, servername: TLS_NAME });
	t.after(() => session.destroy());
	for (const [flaw, [query, reaction]] of Object.entries(HOSTILE)) {
		const { status, body } = await post(session, query);
		assert.equal(status, reaction === "nothing" ? 400 : 200, flaw);
		assert.equal(reactionTo(status === 200 ? body : undefined, query), reaction, flaw);
	}
	const get = (parameters: string) => ({ ":method": "GET", ":path": `/dns-query${parameters}` });
	const dns = GOOD.toString("base64url");
	const requests: Readonly<
		Record<string, readonly [headers: OutgoingHttpHeaders, body: Uint8Array, status: number]>
	> = {
		"no body": [{}, Buffer.alloc(0), 400],
		"a body of 65,536 octets": [{}, Buffer.alloc(65_536), 413],
		"65,535 octets of nothing": [{}, Buffer.alloc(65_535), 200],
		"another content type": [{ "content-type": "application/dns-json" }, GOOD, 415],
		"no content type": [{ "content-type": "" }, GOOD, 415],
		PUT: [{ ":method": "PUT" }, GOOD, 405],
		DELETE: [{ ":method": "DELETE" }, GOOD, 405],
		"another path": [{ ":path": "/dns-query/x" }, GOOD, 404],
		"a path that climbs": [{ ":path": "/../dns-query" }, GOOD, 404],
		"GET without dns": [get(""), Buffer.alloc(0), 400],
		"GET with an empty dns": [get("?dns="), Buffer.alloc(0), 400],
		"GET in plain base64": [get("?dns=q%2B8B%2F"), Buffer.alloc(0), 400],
		"GET with padding": [get(`?dns=${dns}==`), Buffer.alloc(0), 400],
		"GET of one letter": [get("?dns=A"), Buffer.alloc(0), 400],
		"GET of 9000 letters": [get(`?dns=${"A".repeat(9_000)}`), Buffer.alloc(0), 414],
		"GET as it should be": [get(`?dns=${dns}`), Buffer.alloc(0), 200],
		"POST as it should be": [{}, GOOD, 200],
	};
	for (const [flaw, [headers, body, status]] of Object.entries(requests))
		assert.equal((await post(session, body, headers)).status, status, flaw);
});

test("DoH by HTTP/1.1: a body that is too long ends the connection, and service goes on", {
	skip: noTls,
}, async (t) => {
	const { portOf, authority, server } = await serveAll(t);
	const ask = (body: Uint8Array) =>
		new Promise<number | string>((resolve) => {
			const request = requestHttps(
				{
					...{ host: HOST, port: portOf("doh"), servername: TLS_NAME, ca: authority, agent: false },
					...{ method: "POST", path: "/dns-query", headers: { "content-type": "application/dns-message" } },
				},
				(response) => {
					response.resume();
					resolve(response.statusCode ?? 0);
				},
			);
			request.on("error", () => resolve("ended"));
			request.end(body);
		});
	assert.ok(["ended", 413].includes(await ask(Buffer.alloc(1 << 20))));
	assert.equal(await ask(GOOD), 200);
	assert.equal(server.standing().inFlight, 0);
});

/** Octets on a stream that are no frame of a query, and what the client hears before the end. */
const STREAMS: Readonly<Record<string, readonly [octets: Uint8Array, reaction: Reaction]>> = {
	"a length of 0": [Buffer.from([0, 0]), "nothing"],
	"a length of 11": [lengthAnd(packet(), 11), "nothing"],
	"half a length": [Buffer.from([0]), "nothing"],
	"a length that promises more": [lengthAnd(packet(), 500), "nothing"],
	"a length of 65,535 and one octet": [Buffer.from([255, 255, 1]), "nothing"],
	"a length that cuts the query short": [lengthAnd(packet(), 14), "FORMERR"],
	"a TLS greeting in plain": [Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), "nothing"],
	"HTTP in plain": [Buffer.from("GET /dns-query HTTP/1.1\r\nHost: x\r\n\r\n"), "nothing"],
};

test("TCP and DoT: streams that are none end by themselves, as does one octet now and then", {
	skip: noTls,
}, async (t) => {
	const { portOf, authority, server } = await serveAll(t, {
		connectionsMax: 64,
		perClientMax: 64,
		idleMs: 120,
	});
	const ways = {
		tcp: () => connect(portOf("tcp"), HOST),
		dot: () => connectTls({ host: HOST, port: portOf("dot"), servername: TLS_NAME, ca: authority }),
	};
	for (const [way, open] of Object.entries(ways)) {
		for (const [flaw, [octets, reaction]] of Object.entries(STREAMS))
			assert.equal(reactionTo(await answerOn(open(), octets), packet()), reaction, `${flaw} (${way})`);
		const slow = open();
		const whole = lengthAnd(packet());
		let sent = 1;
		const drip = setInterval(() => slow.write(whole.subarray(sent, ++sent)), 30);
		t.after(() => clearInterval(drip));
		assert.equal(await answerOn(slow, whole.subarray(0, 1)), undefined, `slowloris (${way})`);
		clearInterval(drip);
		assert.ok(sent < whole.length, "it was ended before its query was whole");
		assert.equal((await answerOn(open(), lengthAnd(GOOD)))?.at(-1), 9, `${way} serves on`);
	}
	assert.equal(server.standing().inFlight, 0);
});
