/** What of the cache is kept decoded: it takes some fifteen times the room that the cache counts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ttlRules } from "@plumbline/policy/ttl-rules";
import { DNS_CLASS, DNS_TYPE, type DnsMessage, type DnsRecord } from "@plumbline/signals/dns-message";
import { DnsCache } from "./cache.ts";
import { storedAnswer } from "./stored-answer.ts";

const RULES = ttlRules();
const WIRE_OCTETS_MAX = 2 * 1024 * 1024;
/** Of an address in wire form, with its name as a pointer. */
const RECORD_OCTETS = 16;

/** Reads an answer of so many addresses in a cache that holds `names` of them. */
function reader(names: number, addresses: number): (index: number) => DnsMessage {
	const cache = new DnsCache({ rules: RULES });
	const asks = Array.from({ length: names }, (_, index) => ({
		question: { name: `n${index}.example.`, type: DNS_TYPE.A, class: DNS_CLASS.IN },
	}));
	for (const ask of asks) {
		const answers = Array.from(
			{ length: addresses },
			(_, index): DnsRecord => ({
				...{ ...ask.question, ttl: 300 },
				data: { kind: "address", address: `192.0.${index >> 8}.${index & 255}` },
			}),
		);
		const whole = { kind: "records", answers, authorities: [], authenticData: false, aliases: 0 } as const;
		const answer = storedAnswer(ask, whole, true, RULES);
		cache.put({ ask, answer, scope: { kind: "unasked" }, authenticated: true, storedAtMs: 0 }, 0);
	}
	return (index) => {
		const ask = asks[index];
		const held = ask && cache.find(ask, 1_500);
		assert.ok(held?.resolution.message.answers.length === addresses);
		return held.resolution.message;
	};
}

for (const addresses of [8, 4_000])
	test(`${addresses} addresses are decoded once`, () => {
		const read = reader(1, addresses);
		assert.equal(read(0), read(0));
	});

test("two megabytes of long answers are kept decoded: all that a cache can hold would be gigabytes", () => {
	const names = 100;
	const addresses = 4_000;
	const read = reader(names, addresses);
	const first = Array.from({ length: names }, (_, index) => read(index));
	let kept = 0;
	// From the last one on, for each that is not there any more pushes out another one.
	for (let index = names - 1; index >= 0 && read(index) === first[index]; index--) kept++;
	assert.equal(kept, Math.floor(WIRE_OCTETS_MAX / (addresses * RECORD_OCTETS + RECORD_OCTETS)));
});
