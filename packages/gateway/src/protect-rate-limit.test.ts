import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { realTimers } from "@plumbline/resolver/timers";
import type { Admitted, Refused } from "./gate.ts";
import { firstValue } from "./message.ts";
import type { GatewayEvent } from "./observer.ts";
import { createGate } from "./protect-gate.ts";
import { SharedStores } from "./protect-rate-limit-shared.ts";
import { LoopLag } from "./protect-shed.ts";
import type { RateLimitSettings } from "./settings.ts";
import { DONE, verdictOf } from "./testing/test-gate.ts";
import { missingRedis, startRedis, type TestRedis } from "./testing/test-redis.ts";
import { testGateRequest, testRoute } from "./testing/test-requests.ts";

const skip = missingRedis();
let redis: TestRedis | undefined;
before(async () => {
	if (skip === false) redis = await startRedis();
});
after(() => redis?.stop());

const now = () => performance.now();
const UNTIL_MS_MAX = 20_000;

function gateway(rateLimits: readonly RateLimitSettings[], more: Parameters<typeof testRoute>[0] = {}) {
	const events: GatewayEvent[] = [];
	const gate = createGate(testRoute({ rateLimits, ...more }), {
		now,
		timers: realTimers,
		random: Math.random,
		observe: (event) => events.push(event),
		lag: new LoopLag(now, realTimers),
		stores: new SharedStores({ now, timers: realTimers, random: Math.random }),
	});
	const enter = (client = "192.0.2.1") =>
		new Promise<Admitted | Refused>((resolve) => {
			const decision = gate.enter(testGateRequest("GET", client), now(), resolve);
			if (decision.kind !== "waiting") resolve(decision);
		});
	return { gate, events, enter };
}

/** Asks as somebody else each time, until the store answers. */
async function untilReached({ enter, events }: ReturnType<typeof gateway>): Promise<void> {
	const untilMs = now() + UNTIL_MS_MAX;
	for (let asked = 0; ; asked++) {
		const before = events.length;
		const decision = await enter(`198.51.${asked >> 8}.${asked & 255}`);
		if (decision.kind === "admitted") decision.leave(DONE, now());
		const changes = events.filter((event) => event.kind === "rate-limit-shared");
		if (
			decision.kind === "admitted" &&
			changes.at(-1)?.reachable !== false &&
			events.length > before &&
			asked > 0
		)
			return;
		assert.ok(now() < untilMs);
		await pause(2);
	}
}

function sharedLimit(more: Partial<RateLimitSettings> = {}): RateLimitSettings {
	return {
		name: "all-gateways",
		by: { kind: "client" },
		requests: 3,
		perMs: 3_600_000,
		burst: 3,
		keysMax: 1000,
		shared: { redis: redis?.url ?? "", timeoutMs: 2000 },
		...more,
	};
}

test("two gateways give a client together what one of them would", { skip }, async (t) => {
	const gateways = [gateway([sharedLimit()]), gateway([sharedLimit()])] as const;
	t.after(() => {
		for (const { gate } of gateways) gate.close();
	});
	for (const each of gateways) await untilReached(each);
	const said: (string | undefined)[] = [];
	for (let at = 0; at < 4; at++) {
		const decision = await gateways[at % 2 === 0 ? 0 : 1].enter();
		said.push(`${verdictOf(decision)} ${firstValue(decision.fields, "ratelimit")}`);
	}
	assert.deepEqual(said, [
		'admitted "all-gateways";r=2;t=1200',
		'admitted "all-gateways";r=1;t=2400',
		'admitted "all-gateways";r=0;t=3600',
		'rate-limit "all-gateways";r=0;t=1200',
	]);
});

test("while it cannot be reached each counts alone, says so once, and once more when it is back", {
	skip,
}, async (t) => {
	const own = await startRedis();
	t.after(() => own.stop());
	const one = gateway([sharedLimit({ shared: { redis: own.url, timeoutMs: 2000 } })]);
	t.after(() => one.gate.close());
	await untilReached(one);
	assert.equal(verdictOf(await one.enter()), "admitted");
	await own.stop();
	const changes = () => one.events.filter((event) => event.kind === "rate-limit-shared");
	while (changes().at(-1)?.reachable !== false) await one.enter("203.0.113.1");
	const beganAt = changes().length;
	// One was counted here too, while the store still answered.
	const said: (string | undefined)[] = [];
	for (let at = 0; at < 3; at++) said.push(verdictOf(await one.enter()));
	assert.deepEqual(said, ["admitted", "admitted", "rate-limit"]);
	assert.equal(changes().length, beganAt);
	const again = await startRedis(own.port);
	t.after(() => again.stop());
	await untilReached(one);
	assert.deepEqual(changes().slice(beganAt - 1), [
		{ kind: "rate-limit-shared", limit: "all-gateways", reachable: false },
		{ kind: "rate-limit-shared", limit: "all-gateways", reachable: true },
	]);
});

test("what a limit here refuses is not asked of the store; the client may leave while it is asked", {
	skip,
}, async (t) => {
	const here = sharedLimit({ name: "here", shared: undefined, requests: 1, burst: 1 });
	const together = sharedLimit({ name: "together" });
	const crowd = { limit: 1, queueMax: 0, queueMs: 0, by: undefined, keysMax: 10 };
	const one = gateway([together, here], { concurrency: crowd });
	t.after(() => one.gate.close());
	await untilReached(one);
	const first = await one.enter();
	assert.ok(first.kind === "admitted");
	first.leave(DONE, now());
	const second = await one.enter();
	assert.equal(firstValue(second.fields, "ratelimit")?.startsWith('"here";r=0'), true);
	const decision = one.gate.enter(testGateRequest("GET", "192.0.2.9"), now(), () => assert.fail("it left"));
	if (decision.kind === "waiting") decision.cancel();
	// Its answer comes before this one's, over the same connection.
	assert.equal(verdictOf(await one.enter("192.0.2.10")), "admitted");
	assert.equal(one.gate.counts.concurrency?.inFlight, 1);
	assert.equal(one.gate.counts.waiting, 0);
});
