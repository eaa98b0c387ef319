import assert from "node:assert/strict";
import { test } from "node:test";
import { firstValue } from "./message.ts";
import type { RateLimitSettings } from "./settings.ts";
import { DONE, gateUnderTest, verdictOf } from "./testing/test-gate.ts";
import { testGateRequest, testRoute } from "./testing/test-requests.ts";

const PER_CLIENT: RateLimitSettings = {
	name: "per-client",
	by: { kind: "client" },
	requests: 2,
	perMs: 1000,
	burst: 2,
	keysMax: 100,
	shared: undefined,
};
const CROWD = { limit: 1, queueMax: 1, queueMs: 100, by: undefined, keysMax: 10 };
const AUTO = { mode: "auto", failuresInARow: 2, probeMs: 5000 } as const;

test("a route without protection lets all through by one and the same answer", () => {
	const { gate, enter } = gateUnderTest({});
	const first = enter();
	assert.equal(first, enter());
	assert.equal(verdictOf(first), "admitted");
	assert.equal(gate.counts.admitted, 2);
});

test("each client has its own rate, is told what is left of it, and when to come back", async () => {
	const { gate, enter, events, time } = gateUnderTest({ rateLimits: [PER_CLIENT] });
	const first = enter();
	assert.deepEqual(first.kind === "admitted" && first.fields, [
		"ratelimit-policy",
		'"per-client";q=2;w=1',
		"ratelimit",
		'"per-client";r=1;t=1',
		"x-ratelimit-limit",
		"2",
		"x-ratelimit-remaining",
		"1",
		"x-ratelimit-reset",
		"1",
	]);
	enter();
	const third = enter();
	assert.ok(third.kind === "refused");
	assert.equal(third.status, 429);
	assert.equal(firstValue(third.fields, "retry-after"), "1");
	assert.equal(firstValue(third.fields, "ratelimit"), '"per-client";r=0;t=1');
	assert.equal(firstValue(third.fields, "plumbline-refused"), "rate-limit");
	assert.equal(verdictOf(enter(testGateRequest("GET", "192.0.2.2"))), "admitted");
	await time.pass(1000);
	assert.equal(verdictOf(enter()), "admitted");
	assert.equal(gate.counts.refused["rate-limit"], 1);
	assert.equal(gate.counts.rateLimitKeys, 2);
	assert.deepEqual(
		events.map((event) => event.kind === "rate-limit" && event.allowed),
		[true, true, false, true, true],
	);
});

test("of several rates the one nearest to its end is told in the old fields, all in the new", () => {
	const all: RateLimitSettings = {
		...PER_CLIENT,
		name: "all",
		by: { kind: "route" },
		requests: 600,
		perMs: 60_000,
		burst: 3,
	};
	const { enter } = gateUnderTest({ rateLimits: [all, PER_CLIENT] });
	const first = enter();
	assert.ok(first.kind === "admitted");
	assert.equal(firstValue(first.fields, "ratelimit"), '"all";r=2;t=1, "per-client";r=1;t=1');
	assert.equal(firstValue(first.fields, "ratelimit-policy"), '"all";q=600;w=60, "per-client";q=2;w=1');
	assert.equal(firstValue(first.fields, "x-ratelimit-remaining"), "1");
	enter();
	const third = enter();
	assert.ok(third.kind === "refused");
	assert.equal(firstValue(third.fields, "ratelimit"), '"all";r=0;t=1, "per-client";r=0;t=1');
	assert.equal(firstValue(third.fields, "x-ratelimit-limit"), "2");
});

test("one at a time, one waits its turn, the third is refused at once, a late one too", async () => {
	const { gate, enter, leave, told, time } = gateUnderTest({ concurrency: CROWD });
	const first = enter();
	assert.equal(verdictOf(first), "admitted");
	assert.equal(verdictOf(enter()), "waiting");
	const third = enter();
	assert.ok(third.kind === "refused" && third.status === 503);
	assert.equal(firstValue(third.fields, "retry-after"), "1");
	assert.equal(gate.counts.waiting, 1);
	leave(first);
	assert.deepEqual(told.map(verdictOf), ["admitted"]);
	assert.equal(verdictOf(enter()), "waiting");
	await time.pass(99);
	assert.equal(told.length, 1);
	await time.pass(1);
	assert.deepEqual(told.map(verdictOf), ["admitted", "concurrency"]);
	leave(told[0]);
	assert.deepEqual(gate.counts.concurrency, { inFlight: 0, waiting: 0, keys: 0, limit: 1 });
	assert.equal(time.waiting(), 0);
});

test("who leaves while it waits is told nothing, and its place is free", async () => {
	const { gate, enter, leave, told, time } = gateUnderTest({ concurrency: CROWD });
	const first = enter();
	const second = enter();
	assert.ok(second.kind === "waiting");
	second.cancel();
	second.cancel();
	assert.equal(verdictOf(enter()), "waiting");
	leave(first);
	leave(first);
	await time.pass(1000);
	assert.deepEqual(told.map(verdictOf), ["admitted"]);
	assert.equal(gate.counts.waiting, 0);
});

test("writes that fail in a row make a route read-only, until one that is tried goes well", async () => {
	const { gate, enter, leave, events, time } = gateUnderTest({ readOnly: AUTO });
	const post = () => enter(testGateRequest("POST"));
	for (let failed = 0; failed < 2; failed++) leave(post(), { ...DONE, status: 500 });
	assert.equal(gate.counts.readOnly, true);
	const refused = post();
	assert.ok(refused.kind === "refused" && refused.status === 503);
	assert.equal(firstValue(refused.fields, "retry-after"), "5");
	assert.equal(firstValue(refused.fields, "plumbline-refused"), "read-only");
	assert.equal(verdictOf(enter(testGateRequest("GET"))), "admitted");
	await time.pass(5000);
	const probe = post();
	assert.equal(verdictOf(post()), "read-only");
	leave(probe, { ...DONE, status: undefined });
	assert.equal(verdictOf(post()), "read-only");
	await time.pass(5000);
	leave(post(), { ...DONE, status: 409 });
	assert.equal(verdictOf(post()), "admitted");
	assert.deepEqual(events, [
		{ kind: "read-only", route: "orders", on: true },
		{ kind: "read-only", route: "orders", on: false },
	]);
});

test("a write that is tried but refused by a rate gives its place to the next", async () => {
	const one = { ...PER_CLIENT, requests: 1, perMs: 60_000, burst: 1 };
	const { enter, leave, time } = gateUnderTest({ readOnly: AUTO, rateLimits: [one] });
	for (const client of ["192.0.2.1", "192.0.2.2"])
		leave(enter(testGateRequest("PUT", client)), { ...DONE, status: 503 });
	await time.pass(5000);
	assert.equal(verdictOf(enter(testGateRequest("PUT", "192.0.2.1"))), "rate-limit");
	leave(enter(testGateRequest("PUT", "192.0.2.3")));
	assert.equal(verdictOf(enter(testGateRequest("PUT", "192.0.2.4"))), "admitted");
});

test("a pool that keeps everybody waiting sheds load, the less urgent first", async () => {
	const { gate, enter, time } = gateUnderTest({ shed: { queueMs: 20, windowMs: 100 } });
	for (let window = 0; window < 3; window++) {
		await time.pass(100);
		gate.observeWait(50);
	}
	await time.pass(100);
	assert.ok(Math.abs(gate.counts.shedShare - 0.3) < 1e-9);
	assert.equal(verdictOf(enter()), "admitted");
	assert.equal(verdictOf(enter(testGateRequest("GET", "192.0.2.1", ["priority", "u=5, i"]))), "shed");
	assert.equal(verdictOf(enter(testGateRequest("GET", "192.0.2.1", ["priority", "i, u=3"]))), "admitted");
	gate.close();
	assert.equal(time.waiting(), 0);
});

test("a reload keeps the counts of what it left as it was, and only those", () => {
	const route = { rateLimits: [PER_CLIENT], concurrency: CROWD };
	const { gate, enter, leave } = gateUnderTest(route);
	const first = enter();
	gate.update(testRoute({ ...route, concurrency: { ...CROWD, limit: 2 } }));
	const second = enter();
	assert.equal(verdictOf(second), "admitted");
	assert.equal(verdictOf(enter()), "rate-limit");
	// It came in by the limit of before.
	leave(first);
	leave(second);
	assert.equal(gate.counts.concurrency?.inFlight, 0);
	gate.update(testRoute({}));
	assert.equal(enter(), enter());
});

test("a gate that closes refuses those who wait and those who come", () => {
	const { gate, enter, leave, told, time } = gateUnderTest({ concurrency: CROWD });
	const first = enter();
	enter();
	gate.close();
	gate.close();
	assert.deepEqual(told.map(verdictOf), ["closing"]);
	assert.equal(verdictOf(enter()), "closing");
	leave(first);
	assert.equal(time.waiting(), 0);
	assert.equal(gate.counts.refused.closing, 2);
});
