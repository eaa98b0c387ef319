import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Balancer } from "./balancer.ts";
import { createBalancer } from "./create-balancer.ts";
import type { Endpoint } from "./endpoint.ts";
import { type PlainEndpoint, PlainGroup, plainEndpoints, seededRandom } from "./testing/plain-group.ts";
import { plainRequest } from "./testing/plain-request.ts";

const SEED = 20_265;
const REQUEST = plainRequest("192.0.2.1");
const HASH = {
	kind: "hash",
	by: { kind: "client" },
	ring: "ketama",
	bound: undefined,
	keepMs: 1_000,
	shiftMs: 0,
} as const;
const WAYS = [
	{ kind: "round-robin" },
	{ kind: "least-requests" },
	{ kind: "two-choices" },
	HASH,
	{ ...HASH, ring: "maglev", bound: 1.25 },
] as const;
const ZONES = [undefined, "a"] as const;

function balancerOf(balance: (typeof WAYS)[number], group: PlainGroup, zone?: string): Balancer {
	const parts = { random: seededRandom(7), wallNow: () => 0, observe: () => {} };
	return createBalancer({ balance, slowStartMs: 0, zone }, group, parts, 0);
}

for (const way of WAYS) {
	for (const zone of ZONES) {
		const name = `${way.kind}${"ring" in way ? ` ${way.ring}` : ""}${zone === undefined ? "" : " with zones"}`;

		test(`${name}: whoever can be asked is found, and nobody else, whatever happens`, () => {
			const event = fc.oneof(
				fc.record({ kind: fc.constant("pick"), client: fc.nat(20), tried: fc.subarray([0, 1, 2, 3, 4]) }),
				fc.record({ kind: fc.constantFrom("out", "refuses", "member"), at: fc.nat(4), on: fc.boolean() }),
				fc.record({ kind: fc.constant("end"), at: fc.nat(10) }),
				fc.record({ kind: fc.constant("tick") }),
			);
			fc.assert(
				fc.property(fc.array(event, { maxLength: 60 }), (events) => {
					const all = [
						...plainEndpoints(2, { zone: "a" }),
						...plainEndpoints(3, { zone: "b", weight: 2 }, 2),
					];
					const group = new PlainGroup(all);
					const balancer = balancerOf(way, group, zone);
					const open: (() => void)[] = [];
					let nowMs = 0;
					for (const step of events) {
						nowMs += 40;
						if (step.kind === "tick") balancer.tick(nowMs);
						else if (step.kind === "end" && "at" in step) open.splice(step.at, 1)[0]?.();
						else if ("on" in step) turn(group, all, step.kind, step.at, step.on);
						else if ("client" in step) {
							const tried = step.tried.map((at) => all[at] as PlainEndpoint);
							const before = all.map(({ inFlight }) => inFlight);
							const request = plainRequest(`192.0.2.${step.client}`);
							const endpoint = balancer.pick(request, tried.length === 0 ? undefined : tried, nowMs);
							check(group, tried, endpoint, balancer.refused);
							const after = all.map(({ inFlight }, at) => inFlight - (before[at] ?? 0));
							assert.equal(
								after.reduce((sum, one) => sum + one),
								endpoint === undefined ? 0 : 1,
							);
							if (endpoint === undefined) continue;
							const { call, session } = balancer;
							open.push(() => balancer.ended(endpoint, call, "success", session, nowMs));
						}
					}
					for (const end of open) end();
					assert.ok(all.every(({ inFlight }) => inFlight === 0));
					assert.equal(balancer.ring?.status(nowMs).followed ?? 0, 0);
				}),
				{ seed: SEED, numRuns: 300 },
			);
		});
	}
}

function turn(group: PlainGroup, all: readonly PlainEndpoint[], kind: string, at: number, on: boolean): void {
	const endpoint = all[at] as PlainEndpoint;
	if (kind === "refuses") endpoint.refuses = on;
	else if (kind === "out") group.setOut(endpoint, on);
	else group.become(all.filter((one) => (one === endpoint ? on : group.endpoints.includes(one))));
}

function check(
	group: PlainGroup,
	tried: readonly PlainEndpoint[],
	endpoint: Endpoint | undefined,
	refused: number,
): void {
	const willing = group.usable().filter(({ refuses }) => !refuses);
	const better = willing.filter((one) => !tried.includes(one));
	const allowed: readonly Endpoint[] = better.length > 0 ? better : willing;
	if (endpoint === undefined) assert.equal(allowed.length, 0);
	else assert.ok(allowed.includes(endpoint), endpoint.id);
	if (endpoint === undefined && group.usable().length > 0) assert.ok(refused > 0);
}

test("a circuit is asked only of who would be taken", () => {
	for (const way of WAYS) {
		const endpoints = plainEndpoints(10);
		const balancer = balancerOf(way, new PlainGroup(endpoints));
		for (let nth = 0; nth < 100; nth++) balancer.pick(plainRequest(`192.0.2.${nth}`), undefined, 0);
		assert.equal(
			endpoints.reduce((sum, { asked }) => sum + asked, 0),
			100,
			way.kind,
		);
	}
});

test("least requests: like a look at all, with exchanges that end in any order", () => {
	const endpoints = plainEndpoints(13);
	const group = new PlainGroup(endpoints);
	const balancer = balancerOf({ kind: "least-requests" }, group);
	const random = seededRandom(11);
	const open: Endpoint[] = [];
	for (let nth = 0; nth < 5_000; nth++) {
		if (open.length > 0 && random() < 0.49) {
			const [ended] = open.splice(Math.floor(random() * open.length), 1);
			assert.ok(ended !== undefined);
			balancer.ended(ended, balancer.call, "success", undefined, 0);
			continue;
		}
		const least = Math.min(...endpoints.map(({ inFlight }) => inFlight));
		const endpoint = balancer.pick(REQUEST, undefined, 0);
		assert.ok(endpoint !== undefined);
		assert.equal(endpoint.inFlight - 1, least, `pick ${nth}`);
		open.push(endpoint);
	}
});

test("least requests: an idle endpoint whose circuit refuses is not asked by every request, and comes back", () => {
	const [sick, ...rest] = plainEndpoints(3);
	assert.ok(sick !== undefined);
	sick.refuses = true;
	const balancer = balancerOf({ kind: "least-requests" }, new PlainGroup([sick, ...rest]));
	for (let nth = 0; nth < 1_000; nth++) balancer.pick(REQUEST, undefined, 0);
	assert.equal(sick.asked, 1);
	sick.refuses = false;
	assert.equal(balancer.pick(REQUEST, undefined, 150), sick);
});

test("zones: ours has all while seven tenths of it are usable, then what is left of it for its part", () => {
	for (const kind of ["round-robin", "least-requests", "two-choices"] as const) {
		const ours = plainEndpoints(10, { zone: "a" });
		const group = new PlainGroup([...ours, ...plainEndpoints(10, { zone: "b" }, 10)]);
		const balancer = balancerOf({ kind }, group, "a");
		for (const [out, share] of [
			[0, 1],
			[3, 1],
			[6, 4 / 7],
			[9, 1 / 7],
			[10, 0],
		] as const) {
			for (const [at, endpoint] of ours.entries()) group.setOut(endpoint, at < out);
			let inOurs = 0;
			for (let nth = 0; nth < 4_000; nth++) {
				const endpoint = balancer.pick(REQUEST, undefined, 0);
				assert.ok(endpoint !== undefined);
				if (endpoint.zone === "a") inOurs++;
				balancer.ended(endpoint, balancer.call, "success", undefined, 0);
			}
			assert.ok(Math.abs(inOurs / 4_000 - share) < 0.03, `${kind}, ${out} out: ${inOurs}`);
		}
	}
});

test("zones: a zone that is not there, and others that are not", () => {
	const group = new PlainGroup(plainEndpoints(3, { zone: "b" }));
	assert.ok(balancerOf({ kind: "round-robin" }, group, "a").pick(REQUEST, undefined, 0) !== undefined);
	assert.ok(balancerOf({ kind: "round-robin" }, group, "b").pick(REQUEST, undefined, 0) !== undefined);
});

test("nobody", () => {
	for (const way of WAYS) {
		assert.equal(balancerOf(way, new PlainGroup([])).pick(REQUEST, undefined, 0), undefined);
		assert.equal(balancerOf(way, new PlainGroup([])).pick(REQUEST, [], 0), undefined);
	}
});
