import assert from "node:assert/strict";
import { test } from "node:test";
import { dnsAnswer } from "@plumbline/signals/dns-answer";
import type { DnsRecord } from "@plumbline/signals/dns-message";
import type { Exchange, Transport } from "./upstream.ts";
import { usableOnly } from "./usable-answers.ts";

const ASK = { question: { name: "a.test.", type: 1, class: 1 } };

function answering(answers: readonly DnsRecord[], rcode = 0): Transport {
	const message = dnsAnswer(ASK.question, { rcode, answers });
	const exchange: Exchange = { kind: "answered", message, protocol: "udp", tookMs: 3 };
	return {
		server: { protocol: "udp", address: "192.0.2.1", port: 53 },
		exchange: async () => exchange,
		async close() {},
	};
}

const alias = (name: string, to: string): DnsRecord => ({
	...{ name, type: 5, class: 1, ttl: 60 },
	data: { kind: "name", name: to },
});

for (const [what, transport, kind] of [
	[
		"an address",
		answering([{ ...ASK.question, ttl: 60, data: { kind: "address", address: "192.0.2.9" } }]),
		"answered",
	],
	["no such name", answering([], 3), "answered"],
	["no data", answering([]), "answered"],
	["an alias that is still to be followed", answering([alias("a.test.", "b.test.")]), "answered"],
	["aliases that go round", answering([alias("a.test.", "b.test."), alias("b.test.", "a.test.")]), "failed"],
	["SERVFAIL", answering([], 2), "failed"],
] as const) {
	test(`${what}: ${kind}`, async () => {
		const exchange = await usableOnly(transport).exchange(ASK, new AbortController().signal);
		assert.equal(exchange.kind, kind);
		assert.equal(exchange.tookMs, 3);
		if (exchange.kind === "failed") assert.equal(exchange.why, "server-failure");
	});
}
