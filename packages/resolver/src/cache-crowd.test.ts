/** More answers for one name than are kept: none that proves itself gives way to one that does not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ttlRules } from "@plumbline/policy/ttl-rules";
import { DNS_CLASS } from "@plumbline/signals/dns-message";
import { DnsCache } from "./cache.ts";
import { storedAnswer } from "./stored-answer.ts";

const RULES = ttlRules();
const NAME = "www.example.";
/** More than the cache keeps of one name. */
const MANY = 200;
const FIRST_TYPE = 1_000;
const OTHER_TYPE = 999;

const askFor = (type: number) => ({ question: { name: NAME, type, class: DNS_CLASS.IN } });

function put(cache: DnsCache, type: number, authenticated: boolean) {
	const ask = askFor(type);
	const data = { kind: "opaque" as const, bytes: Uint8Array.of(1) };
	const answers = [{ ...ask.question, ttl: 300, data }];
	const whole = { kind: "records", answers, authorities: [], authenticData: false, aliases: 0 } as const;
	const answer = storedAnswer(ask, whole, authenticated, RULES);
	return cache.put({ ask, answer, scope: { kind: "unasked" }, authenticated, storedAtMs: 0 }, 0);
}

test("answers without proof push none out that has one", () => {
	const cache = new DnsCache({ rules: RULES });
	assert.equal(put(cache, OTHER_TYPE, true), "kept");
	for (let type = FIRST_TYPE; type < FIRST_TYPE + MANY; type++) put(cache, type, false);
	assert.equal(cache.find(askFor(OTHER_TYPE), 1)?.resolution.authenticated, true);
	assert.ok(cache.entries < MANY);
});

test("where all have a proof, the first goes for another with one, and none for one without", () => {
	const cache = new DnsCache({ rules: RULES });
	for (let type = FIRST_TYPE; type < FIRST_TYPE + MANY; type++) assert.equal(put(cache, type, true), "kept");
	assert.equal(cache.find(askFor(FIRST_TYPE), 1), undefined);
	const before = cache.entries;
	assert.equal(put(cache, OTHER_TYPE, false), "not-kept");
	assert.equal(cache.entries, before);
});
