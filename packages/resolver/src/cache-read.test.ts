/** What of the cache is kept decoded: it takes some fifteen times the room that the cache counts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ttlRules } from "@plumbline/policy/ttl-rules";
import { DNS_CLASS, DNS_TYPE, type DnsRecord } from "@plumbline/signals/dns-message";
import { DnsCache } from "./cache.ts";
import { storedAnswer } from "./stored-answer.ts";

const RULES = ttlRules();

/** Of the answer with so many addresses, as it is read twice in one moment. */
function readTwice(addresses: number) {
	const cache = new DnsCache({ rules: RULES });
	const name = "www.example.";
	const ask = { question: { name, type: DNS_TYPE.A, class: DNS_CLASS.IN } };
	const answers = Array.from(
		{ length: addresses },
		(_, index): DnsRecord => ({
			...{ name, type: DNS_TYPE.A, class: DNS_CLASS.IN, ttl: 300 },
			data: { kind: "address", address: `192.0.${index >> 8}.${index & 255}` },
		}),
	);
	const whole = { kind: "records", answers, authorities: [], authenticData: false, aliases: 0 } as const;
	const answer = storedAnswer(ask, whole, true, RULES);
	cache.put({ ask, answer, scope: { kind: "unasked" }, authenticated: true, storedAtMs: 0 }, 0);
	const [first, second] = [cache.find(ask, 1_500), cache.find(ask, 1_500)];
	assert.ok(first !== undefined && second !== undefined);
	return [first.resolution.message, second.resolution.message] as const;
}

test("an answer of the usual size is decoded once", () => {
	const [first, second] = readTwice(8);
	assert.equal(first, second);
});

test("a long one is decoded each time: two thousand of them would be gigabytes", () => {
	const [first, second] = readTwice(4_000);
	assert.notEqual(first, second);
	assert.deepEqual(first, second);
	assert.equal(first.answers.length, 4_000);
});
