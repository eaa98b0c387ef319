import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeDnsMessage } from "@plumbline/signals/dns-message-decode";
import { createAnswerTable } from "./server-answer-table.ts";
import { ANSWER_ROOM, type Carrier, createAnswerer, LATER } from "./server-answerer.ts";
import { newServerCounters } from "./server-counters.ts";
import { clientKey } from "./server-gate.ts";
import { queryFor } from "./testing/dns-clients.ts";
import { scriptedResolver } from "./testing/scripted-resolver.ts";
import type { Ask } from "./upstream.ts";

function setUp() {
	const clock = { nowMs: 0 };
	const resolver = scriptedResolver();
	const counters = newServerCounters();
	const table = createAnswerTable({ bytesMax: 0, namesMax: 64, seeds: [1, 3] });
	const answerer = createAnswerer({ resolver, table, counters, now: () => clock.nowMs });
	const slot = new Uint8Array(ANSWER_ROOM);
	/** Undefined: the resolver has to be asked. */
	const atOnce = (query: Uint8Array, carrier: Carrier = "udp") => {
		slot.set(query);
		const length = answerer.atOnce(slot, 0, query.length, carrier, clock.nowMs);
		return length === LATER ? undefined : decoded(slot.subarray(0, length));
	};
	return { clock, resolver, counters, table, answerer, atOnce };
}

function decoded(bytes: Uint8Array) {
	const read = decodeDnsMessage(bytes);
	assert.ok(read.kind === "decoded", JSON.stringify(read));
	return read.message;
}

test("what the resolver found is answered at once from then on, its TTL counted down, until its time is over", async () => {
	const { clock, answerer, atOnce, resolver } = setUp();
	const query = queryFor("H7.test", 77);
	assert.equal(atOnce(query), undefined);
	const first = decoded(await answerer.later(query, "udp"));
	assert.equal(first.id, 77);
	assert.deepEqual(first.questions, [{ name: "H7.test.", type: 1, class: 1 }], "in the client's spelling");
	clock.nowMs = 100_500;
	const later = atOnce(query);
	assert.deepEqual(later?.answers, [
		{ name: "H7.test.", type: 1, class: 1, ttl: 200, data: { kind: "address", address: "10.0.0.7" } },
	]);
	clock.nowMs = 300_000;
	assert.equal(atOnce(query), undefined, "not a moment longer than the cache said");
	assert.equal(resolver.asked.length, 1);
});

test("what is too long for the table is told over UDP out of it, cut; a stream never sees that", async () => {
	const { clock, answerer, atOnce, counters, resolver } = setUp();
	const query = queryFor("Huge.test", 77, 16);
	const cut = decoded(await answerer.later(query, "udp"));
	assert.equal(cut.isTruncated, true);
	assert.deepEqual(cut.questions, [{ name: "Huge.test.", type: 16, class: 1 }]);
	clock.nowMs = 299_999;
	assert.equal(counters.refreshes, 0);
	assert.deepEqual(atOnce(query), cut);
	assert.equal(counters.hits, 1);
	for (const carrier of ["stream", "tls"] as const) {
		assert.equal(atOnce(query, carrier), undefined);
		const whole = decoded(await answerer.later(query, carrier));
		assert.equal(whole.isTruncated, false);
		assert.equal(whole.answers.length, 1);
	}
	assert.equal(counters.refreshes, 1, "it is fetched ahead of its end as others are");
	assert.equal(resolver.asked.length, 4);
	clock.nowMs = 599_999;
	assert.equal(atOnce(query), undefined, "no longer than the answer itself");
	assert.equal(atOnce(queryFor("huge.test", 77, 1)), undefined, "another type");
});

test("in the last tenth of its time a name is asked for once behind the answer", async () => {
	const { clock, answerer, atOnce, counters, resolver } = setUp();
	const query = queryFor("h7.test");
	await answerer.later(query, "udp");
	clock.nowMs = 269_999;
	assert.ok(atOnce(query));
	assert.equal(counters.refreshes, 0);
	clock.nowMs = 270_000;
	for (let times = 0; times < 3; times++) assert.ok(atOnce(query), "nobody waits");
	assert.equal(counters.refreshes, 1);
	await answerer.idle();
	assert.equal(resolver.asked.length, 2);
	clock.nowMs = 400_000;
	assert.ok(atOnce(query), "and it lives on");
});

test("a failure and a stale answer are held for a second; a failure is not made to look older", async () => {
	const { clock, answerer, atOnce } = setUp();
	for (const name of ["fail.test", "stale.test"]) {
		clock.nowMs = 0;
		await answerer.later(queryFor(name), "udp");
		clock.nowMs = 999;
		assert.ok(atOnce(queryFor(name)), name);
		clock.nowMs = 1000;
		assert.equal(atOnce(queryFor(name)), undefined, name);
	}
});

test("answers differ by DO and CD, and each query gets its own", async () => {
	const { answerer, atOnce } = setUp();
	const plain = queryFor("h7.test");
	const checkingDisabled = Buffer.from(plain);
	checkingDisabled[3] = 0x10;
	await answerer.later(plain, "udp");
	assert.equal(atOnce(checkingDisabled), undefined);
	await answerer.later(checkingDisabled, "udp");
	assert.equal(atOnce(checkingDisabled)?.checkingDisabled, true);
	assert.equal(atOnce(plain)?.checkingDisabled, false);
});

test("without TLS to the server nobody can have validated: AD is not passed on", async () => {
	const { answerer, atOnce } = setUp();
	const query = queryFor("h7.test");
	query[3] = 0x20;
	assert.equal(decoded(await answerer.later(query, "udp")).authenticData, false);
	assert.equal(atOnce(query)?.authenticData, false);
});

test("when too many are under way, what the cache knows is still given", async () => {
	const { table, counters } = setUp();
	const scripted = scriptedResolver();
	const known = await scripted.resolve({ question: { name: "h5.test.", type: 1, class: 1 } });
	const resolver = {
		...scripted,
		cached: (ask: Ask) => (ask.question.name === "h5.test." ? known : undefined),
	};
	const answerer = createAnswerer({ resolver, table, counters, now: () => 0, inFlightMax: 1 });
	const waiting = answerer.later(queryFor("never.test"), "udp");
	assert.equal(decoded(await answerer.later(queryFor("h5.test"), "udp")).rcode, 0);
	assert.equal(decoded(await answerer.later(queryFor("h6.test"), "udp")).rcode, 2);
	assert.equal(counters.overloaded, 1);
	scripted.release();
	assert.equal(decoded(await waiting).rcode, 0);
});

test("a client that holds its share is refused, but for what the cache knows; another one is not", async () => {
	const { table, counters } = setUp();
	const scripted = scriptedResolver();
	const known = await scripted.resolve({ question: { name: "h5.test.", type: 1, class: 1 } });
	const resolver = {
		...scripted,
		cached: (ask: Ask) => (ask.question.name === "h5.test." ? known : undefined),
	};
	const answerer = createAnswerer({ resolver, table, counters, now: () => 0, inFlightMax: 4 });
	const [greedy, modest] = [clientKey("192.0.2.1"), clientKey("192.0.2.2")];
	const waiting = ["never1.test", "never2.test"].map((name) => answerer.later(queryFor(name), "udp", greedy));
	const withEdns = Buffer.concat([queryFor("h6.test"), Buffer.from([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0])]);
	withEdns[11] = 1;
	const refused = decoded(await answerer.later(withEdns, "stream", greedy));
	assert.equal(refused.rcode, 2);
	assert.deepEqual(refused.edns?.options, [{ kind: "extended-error", code: 14, text: "" }]);
	assert.equal(decoded(await answerer.later(queryFor("h5.test"), "udp", greedy)).rcode, 0);
	assert.equal(decoded(await answerer.later(queryFor("h7.test"), "udp", modest)).rcode, 0);
	assert.equal(counters.overloaded, 1);
	scripted.release();
	await Promise.all(waiting);
	assert.equal(decoded(await answerer.later(withEdns, "udp", greedy)).rcode, 0, "it has its places back");
	assert.equal(answerer.inFlight(), 0);
});

test("a resolver that throws is a SERVFAIL, not silence", async () => {
	const { table, counters } = setUp();
	const resolver = { ...scriptedResolver(), resolve: () => Promise.reject(new Error("a fault")) };
	const answerer = createAnswerer({ resolver, table, counters, now: () => 0 });
	assert.equal(decoded(await answerer.later(queryFor("h1.test"), "udp")).rcode, 2);
	assert.equal(answerer.inFlight(), 0);
});
