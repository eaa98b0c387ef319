/**
 * Two processes live through the same random changes of members and health, each with sessions of its own, and hear of
 * each other's rings at random. What must hold after each step is read off plain lists.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hashRing } from "@plumbline/policy/hash-ring";
import fc from "fast-check";
import type { Balancer } from "./balancer.ts";
import { createBalancer } from "./create-balancer.ts";
import type { PlainEndpoint } from "./testing/plain-group.ts";
import { PlainGroup, plainEndpoints, seededRandom } from "./testing/plain-group.ts";
import { plainRequest } from "./testing/plain-request.ts";

const SEED = 20_267;
const T0 = 1_700_000_000_000;
const SHIFT_MS = 20_000;
const ENDPOINTS = 6;
const KEYS = Array.from({ length: 15 }, (_, at) => `user-${at}`);

interface Open {
	readonly key: string;
	readonly endpoint: PlainEndpoint;
	readonly end: () => void;
	/** It was usable all the while. */
	isKept: boolean;
}

class Process {
	readonly all: readonly PlainEndpoint[];
	readonly group: PlainGroup;
	readonly balancer: Balancer;
	open: Open[] = [];

	constructor(order: "up" | "down", wallNow: () => number) {
		const up = plainEndpoints(ENDPOINTS);
		this.all = up;
		this.group = new PlainGroup(order === "up" ? up.slice(0, 3) : up.slice(0, 3).reverse());
		const parts = { random: seededRandom(9), wallNow, observe: () => {} };
		const balance = {
			kind: "hash",
			by: { kind: "header", name: "x-user" },
			ring: "ketama",
			bound: undefined,
			keepMs: 7 * 86_400_000,
			shiftMs: SHIFT_MS,
		} as const;
		this.balancer = createBalancer({ balance, slowStartMs: 0, zone: undefined }, this.group, parts, 0);
	}

	begin(key: string, nowMs: number): Open | undefined {
		const request = plainRequest("192.0.2.1", { fields: ["x-user", key] });
		const picked = this.balancer.pick(request, undefined, nowMs);
		const endpoint = this.all.find((one) => one === picked);
		if (endpoint === undefined) return undefined;
		const { call, session } = this.balancer;
		const end = () => this.balancer.ended(endpoint, call, "success", session, nowMs);
		return { key, endpoint, end, isKept: true };
	}

	where(key: string, nowMs: number): string | undefined {
		const open = this.begin(key, nowMs);
		open?.end();
		return open?.endpoint.id;
	}

	lookAtHealth(): void {
		for (const open of this.open) {
			if (!this.group.usable().includes(open.endpoint)) open.isKept = false;
		}
	}
}

const event = fc.oneof(
	{
		weight: 3,
		arbitrary: fc.record({ kind: fc.constant("open"), at: fc.nat(KEYS.length - 1), side: fc.nat(1) }),
	},
	{ weight: 2, arbitrary: fc.record({ kind: fc.constant("end"), at: fc.nat(20), side: fc.nat(1) }) },
	{ weight: 2, arbitrary: fc.record({ kind: fc.constant("wait"), at: fc.nat(9_000), side: fc.constant(0) }) },
	{
		weight: 1,
		arbitrary: fc.record({ kind: fc.constant("member"), at: fc.nat(ENDPOINTS - 1), side: fc.nat(1) }),
	},
	{
		weight: 1,
		arbitrary: fc.record({ kind: fc.constant("health"), at: fc.nat(ENDPOINTS - 1), side: fc.nat(1) }),
	},
	{ weight: 1, arbitrary: fc.record({ kind: fc.constant("tell"), at: fc.constant(0), side: fc.nat(1) }) },
);

test("no session moves that need not, and both processes give a key without sessions the same endpoint", () => {
	let compared = 0;
	let kept = 0;
	fc.assert(
		fc.property(fc.array(event, { minLength: 20, maxLength: 80 }), (events) => {
			let wallMs = T0 + 77;
			const sides = [new Process("up", () => wallMs), new Process("down", () => wallMs)] as const;
			const now = () => wallMs - T0;
			const both = (act: (process: Process) => void) => {
				for (const process of sides) {
					act(process);
					process.balancer.tick(now());
					process.lookAtHealth();
				}
			};
			for (const process of sides) process.where("first", now());
			for (const { kind, at, side } of events) {
				const process = sides[side] ?? sides[0];
				if (kind === "wait") {
					wallMs += at;
					both(() => {});
				} else if (kind === "open") {
					const open = process.begin(KEYS[at] ?? "", now());
					if (open !== undefined) process.open.push(open);
				} else if (kind === "end") process.open.splice(at, 1)[0]?.end();
				else if (kind === "tell")
					process.balancer.ring?.adopt(
						(sides[1 - side] ?? sides[1]).balancer.ring?.snapshot() ?? { stages: [], known: [] },
						now(),
					);
				else if (kind === "member") {
					both(({ group, all }) => {
						const members = all.filter((one, nth) => group.endpoints.includes(one) !== (nth === at));
						group.become(process === sides[0] ? members : members.reverse());
					});
				} else {
					both(({ group, all }) => {
						const endpoint = all[at] as PlainEndpoint;
						group.setOut(endpoint, endpoint.out.size === 0);
					});
				}
				for (const key of KEYS) {
					const places = sides.map((one) => {
						const sessions = one.open.filter((open) => open.key === key && open.isKept);
						const where = one.where(key, now());
						if (sessions.length === 0) return where;
						kept++;
						assert.ok(
							sessions.some(({ endpoint }) => endpoint.id === where),
							`${key} left its session`,
						);
						return undefined;
					});
					const hasSessions = sides.some((one) => one.open.some((open) => open.key === key));
					if (hasSessions) continue;
					compared++;
					assert.equal(places[0], places[1], key);
				}
			}
			wallMs += SHIFT_MS + 1_000;
			for (const process of sides) {
				for (const { end } of process.open.splice(0)) end();
				process.balancer.tick(now());
				const ring = hashRing(process.group.endpoints.map(({ id }) => ({ name: id })));
				const isUsable = (id: string | undefined) => process.group.usable().some((one) => one.id === id);
				for (const key of KEYS) {
					const own = ring.pick(key);
					if (isUsable(own)) assert.equal(process.where(key, now()), own);
				}
				const status = process.balancer.ring?.status(now());
				assert.deepEqual([status?.phase, status?.followed, status?.pinned], ["stable", 0, 0]);
			}
		}),
		{ seed: SEED, numRuns: 300 },
	);
	assert.ok(compared > 50_000 && kept > 10_000, `${compared} ${kept}`);
});
