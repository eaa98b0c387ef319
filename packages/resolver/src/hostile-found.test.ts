/** What fuzzing and probing found once, each by its flaw. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { DnsMessage } from "@plumbline/signals/dns-message";
import { readServeConfig } from "./config.ts";
import { createAnswerTable } from "./server-answer-table.ts";
import { createAnswerer } from "./server-answerer.ts";
import { newServerCounters } from "./server-counters.ts";
import { networkFault } from "./server-gate.ts";
import { FrameReader } from "./transport-frames.ts";
import type { Ask } from "./upstream.ts";

const MESSAGE_OCTETS_MAX = 65_535;
/** Header, question, and the head of the record. */
const BESIDE_TEXT_OCTETS = 12 + 12 + 12;
const NESTED = 400;

function textAnswer({ question }: Ask, octets: number): DnsMessage {
	const strings: Uint8Array[] = [];
	for (let left = octets - BESIDE_TEXT_OCTETS; left > 1; left -= 256)
		strings.push(new Uint8Array(Math.min(255, left - 1)));
	return {
		...{ id: 0, isResponse: true, opcode: 0, isAuthoritative: false, isTruncated: false, rcode: 0 },
		...{ recursionDesired: true, recursionAvailable: true, authenticData: false, checkingDisabled: false },
		...{ questions: [question], authorities: [], additionals: [] },
		answers: [{ ...question, ttl: 300, data: { kind: "text", strings } }],
	};
}

test("an answer of nearly 64 KiB whose client wants padding stays within its frame", async () => {
	// a.test. TXT, with OPT and a padding option of no octets.
	const query = Buffer.from(
		"0102010000010000000000010161047465737400001000010000290400000000000004000c0000",
		"hex",
	);
	for (let octets = MESSAGE_OCTETS_MAX - 40; octets <= MESSAGE_OCTETS_MAX; octets++) {
		const answerer = createAnswerer({
			resolver: {
				cached: () => undefined,
				held: () => undefined,
				close: async () => undefined,
				resolve: async (ask) => ({
					kind: "answered",
					message: textAnswer(ask, octets),
					source: "upstream",
					authenticated: true,
					tries: [],
				}),
			},
			table: createAnswerTable({ bytesMax: 1, namesMax: 1, seeds: [1, 2] }),
			counters: newServerCounters(),
			now: () => 0,
		});
		const answer = await answerer.later(query, "tls");
		assert.ok(answer.length <= MESSAGE_OCTETS_MAX, `${answer.length} octets for a message of ${octets}`);
	}
});

test("an answer put together of parts that do not fit into a message says that it is cut", async () => {
	const query = Buffer.from("01020100000100000000000001610474657374000010" + "0001", "hex");
	const answerer = createAnswerer({
		resolver: {
			cached: () => undefined,
			held: () => undefined,
			close: async () => undefined,
			resolve: async (ask) => {
				const message = textAnswer(ask, 40_000);
				// Two sets, of which the second does not fit.
				const more = message.answers.map((each) => ({ ...each, name: "b.test." }));
				const answers = [...message.answers, ...more];
				const source = "upstream" as const;
				return { kind: "answered", message: { ...message, answers }, source, authenticated: true, tries: [] };
			},
		},
		table: createAnswerTable({ bytesMax: 1, namesMax: 1, seeds: [1, 2] }),
		counters: newServerCounters(),
		now: () => 0,
	});
	const answer = await answerer.later(query, "stream");
	assert.ok(answer.length > 40_000 - 512 && answer.length <= MESSAGE_OCTETS_MAX);
	assert.equal((answer[2] ?? 0) & 2, 2, "TC");
});

test("a key of YAML that is a list or a map is refused at once, however deep it goes", () => {
	const read = (text: string) => readServeConfig({ name: "dns.yaml", text }, {});
	const refused = { kind: "refused", faults: ["dns.yaml line 2: a key must be plain text"] };
	assert.deepEqual(read(`upstreams:\n  ${"? ".repeat(NESTED)}1\n`), refused);
	assert.deepEqual(read("upstreams: [192.0.2.1]\n[a, b]: 1\n"), refused);
});

test("a network is an address, not what stands before a percent sign", () => {
	assert.equal(networkFault("10.0.0.0%x/8"), 'not a network: "10.0.0.0%x/8"');
	assert.equal(networkFault("::1%eth1%eth"), 'not a network: "::1%eth1%eth"');
	assert.equal(networkFault("fe80::%eth0/10"), undefined);
	assert.equal(networkFault("::ffff:192.0.2.1"), undefined);
});

test("a message in chunks of one octet takes about its own octets, not an object for each of them", () => {
	setFlagsFromString("--expose-gc");
	const collect: () => void = runInNewContext("gc");
	// Octets outside of the heap are given back later than objects: those are what counts here.
	const taken = () => {
		collect();
		return process.memoryUsage().heapUsed;
	};
	const before = taken();
	const readers = Array.from({ length: 8 }, () => new FrameReader());
	for (const reader of readers) {
		assert.deepEqual(reader.read(Uint8Array.of(0xff, 0xff)), []);
		for (let octet = 1; octet < MESSAGE_OCTETS_MAX; octet++) reader.read(Uint8Array.of(octet));
	}
	const grown = taken() - before;
	assert.ok(grown < 8 * 4 * MESSAGE_OCTETS_MAX, `${grown} octets for 8 messages`);
	const [message] = readers[0]?.read(Uint8Array.of(7)) ?? [];
	assert.equal(message?.length, MESSAGE_OCTETS_MAX);
	assert.deepEqual([message?.[0], message?.[254], message?.at(-1)], [1, 255, 7]);
});
