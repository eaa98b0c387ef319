/** How even the shares are, by numbers with fixed seeds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Balancer } from "./balancer.ts";
import { createBalancer } from "./create-balancer.ts";
import type { Endpoint } from "./endpoint.ts";
import { PlainEndpoint, PlainGroup, plainEndpoints, seededRandom } from "./testing/plain-group.ts";
import { plainRequest } from "./testing/plain-request.ts";

const REQUEST = plainRequest("192.0.2.1");
const KINDS = ["round-robin", "least-requests", "two-choices"] as const;

function balancerOf(kind: (typeof KINDS)[number], group: PlainGroup, seed = 7, slowStartMs = 0): Balancer {
	const parts = { random: seededRandom(seed), wallNow: () => 0, observe: () => {} };
	return createBalancer({ balance: { kind }, slowStartMs, zone: undefined }, group, parts, 0);
}

/** One request at a time, or so many at once, the oldest ending first. */
function shares(balancer: Balancer, requests: number, atOnce = 1, nowMs = 0): Map<Endpoint, number> {
	const counts = new Map<Endpoint, number>();
	const open: Endpoint[] = [];
	for (let nth = 0; nth < requests; nth++) {
		const endpoint = balancer.pick(REQUEST, undefined, nowMs);
		assert.ok(endpoint !== undefined);
		counts.set(endpoint, (counts.get(endpoint) ?? 0) + 1);
		open.push(endpoint);
		const ended = open.length < atOnce ? undefined : open.shift();
		if (ended !== undefined) balancer.ended(ended, balancer.call, "success", undefined, nowMs);
	}
	return counts;
}

/** Of what came against what the weights say. */
function chiSquare(counts: ReadonlyMap<Endpoint, number>, endpoints: readonly Endpoint[]): number {
	const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
	const weights = endpoints.reduce((sum, { weight }) => sum + weight, 0);
	return endpoints.reduce((sum, endpoint) => {
		const expected = (total * endpoint.weight) / weights;
		return sum + ((counts.get(endpoint) ?? 0) - expected) ** 2 / expected;
	}, 0);
}

for (const kind of KINDS) {
	test(`${kind}: shares are those of the weights`, () => {
		const weights = [1, 2, 3, 5, 8];
		const endpoints = weights.map((weight, at) => new PlainEndpoint(`10.0.0.${at}`, { weight }));
		const counts = shares(balancerOf(kind, new PlainGroup(endpoints)), 19_000);
		// Four degrees of freedom: chance alone passes 18.5 once in a thousand times. Turns leave nothing to chance.
		assert.ok(
			chiSquare(counts, endpoints) < (kind === "two-choices" ? 18.5 : 0.1),
			`${[...counts.values()]}`,
		);
	});

	test(`${kind}: a hundred of equal weight, with 50 requests at once`, () => {
		const endpoints = plainEndpoints(100);
		const counts = shares(balancerOf(kind, new PlainGroup(endpoints)), 20_000, 50);
		// 99 degrees of freedom: 149 once in a thousand times.
		assert.ok(chiSquare(counts, endpoints) < 149, `${chiSquare(counts, endpoints)}`);
	});
}

test("round robin: nobody has two turns before another of its weight has one", () => {
	const group = new PlainGroup(plainEndpoints(7));
	const balancer = balancerOf("round-robin", group);
	for (let round = 0; round < 50; round++) assert.equal(shares(balancer, 7).size, 7);
});

test("round robin: a heavy endpoint's turns lie between those of others", () => {
	const heavy = new PlainEndpoint("10.0.0.9", { weight: 3 });
	const balancer = balancerOf("round-robin", new PlainGroup([heavy, ...plainEndpoints(3)]));
	let inARow = 0;
	for (let nth = 0; nth < 600; nth++) {
		inARow = balancer.pick(REQUEST, undefined, 0) === heavy ? inARow + 1 : 0;
		assert.ok(inARow <= 2, `turn ${nth}`);
	}
});

test("round robin: many gateways that start at once do not begin with the same endpoint", () => {
	const endpoints = plainEndpoints(10);
	const counts = new Map<Endpoint, number>();
	for (let seed = 1; seed <= 1_000; seed++) {
		const first = balancerOf("round-robin", new PlainGroup(endpoints), seed).pick(REQUEST, undefined, 0);
		assert.ok(first !== undefined);
		counts.set(first, (counts.get(first) ?? 0) + 1);
	}
	// Nine degrees of freedom.
	assert.ok(chiSquare(counts, endpoints) < 27.9, `${[...counts.values()]}`);
});

test("two choices: the fullest of a hundred stays near the mean, where one choice would not", () => {
	const endpoints = plainEndpoints(100);
	const balancer = balancerOf("two-choices", new PlainGroup(endpoints));
	for (let nth = 0; nth < 1_000; nth++) balancer.pick(REQUEST, undefined, 0);
	const fullest = Math.max(...endpoints.map(({ inFlight }) => inFlight));
	assert.ok(fullest <= 13, `${fullest}`);
});

test("slow start: a tenth at first, growing, all at the end", () => {
	const old = plainEndpoints(4);
	const young = new PlainEndpoint("10.0.9.9", { sinceMs: 0 });
	const group = new PlainGroup([...old, young]);
	for (const kind of KINDS) {
		const balancer = balancerOf(kind, group, 7, 10_000);
		const shareAt = (nowMs: number) => (shares(balancer, 4_100, 1, nowMs).get(young) ?? 0) / 4_100;
		for (const [nowMs, weight] of [
			[0, 0.1],
			[5_000, 0.5],
			[10_000, 1],
		] as const) {
			const share = shareAt(nowMs);
			assert.ok(Math.abs(share - weight / (4 + weight)) < 0.02, `${kind} at ${nowMs}: ${share}`);
		}
	}
});
