import assert from "node:assert/strict";
import { test } from "node:test";
import type { Balancer } from "./balancer.ts";
import { createBalancer } from "./create-balancer.ts";
import type { Endpoint } from "./endpoint.ts";
import type { GatewayEvent } from "./observer.ts";
import type { HashSettings } from "./ring-transition.ts";
import { type PlainEndpoint, PlainGroup, plainEndpoints, seededRandom } from "./testing/plain-group.ts";
import { plainRequest } from "./testing/plain-request.ts";

const T0 = 1_700_000_000_000;
const DEFAULTS: HashSettings = {
	kind: "hash",
	by: { kind: "header", name: "x-user" },
	ring: "ketama",
	bound: undefined,
	keepMs: 600_000,
	shiftMs: 0,
};

/** One process: its own balancer over a group, and a monotonic clock that began elsewhere. */
class Process {
	readonly events: GatewayEvent[] = [];
	readonly group: PlainGroup;
	readonly balancer: Balancer;
	readonly open: (() => void)[] = [];
	wallMs = T0;

	constructor(endpoints: readonly PlainEndpoint[], settings: Partial<HashSettings> = {}) {
		this.group = new PlainGroup(endpoints);
		const parts = {
			random: seededRandom(3),
			wallNow: () => this.wallMs,
			observe: (event: GatewayEvent) => this.events.push(event),
		};
		const balance = { ...DEFAULTS, ...settings };
		this.balancer = createBalancer(
			{ balance, slowStartMs: 0, zone: undefined },
			this.group,
			parts,
			this.nowMs,
		);
	}

	get nowMs(): number {
		return this.wallMs - T0 + 12_345;
	}

	get ring() {
		assert.ok(this.balancer.ring !== undefined);
		return this.balancer.ring;
	}

	get status() {
		return this.ring.status(this.nowMs);
	}

	at(wallMs: number): void {
		this.wallMs = wallMs;
		this.balancer.tick(this.nowMs);
	}

	/** An exchange that goes on; who has it, and its end. */
	begin(key: string, tried?: readonly Endpoint[]): { readonly id: string; readonly end: () => void } {
		const request = plainRequest("192.0.2.1", { fields: ["x-user", key] });
		const endpoint = this.balancer.pick(request, tried, this.nowMs);
		assert.ok(endpoint !== undefined);
		const { call, session } = this.balancer;
		return {
			id: endpoint.id,
			end: () => this.balancer.ended(endpoint, call, "success", session, this.nowMs),
		};
	}

	/** One that is over at once. */
	ask(key: string, tried?: readonly Endpoint[]): string {
		const { id, end } = this.begin(key, tried);
		end();
		return id;
	}

	askAll(keys: readonly string[]): string[] {
		return keys.map((key) => this.ask(key));
	}
}

const keys = (count: number) => Array.from({ length: count }, (_, at) => `user-${at}`);
const moved = (one: readonly string[], other: readonly string[]) =>
	one.filter((id, at) => id !== other[at]).length;

test("a flap of health: its keys walk on and come back, nobody else's move", () => {
	for (const ring of ["ketama", "maglev"] as const) {
		const process = new Process(plainEndpoints(5), { ring });
		const [sick] = process.group.endpoints;
		assert.ok(sick !== undefined);
		const before = process.askAll(keys(2_000));
		process.group.setOut(sick, true);
		const during = process.askAll(keys(2_000));
		assert.ok(during.every((id, at) => id !== sick.id && (before[at] === sick.id || before[at] === id)));
		// What it had is spread over all the others.
		assert.equal(new Set(during.filter((_, at) => before[at] === sick.id)).size, 4);
		assert.equal(process.status.phase, "stable");
		process.group.setOut(sick, false);
		assert.deepEqual(process.askAll(keys(2_000)), before);
		assert.deepEqual(process.events, []);
	}
});

test("out and then removed: keys that walked on stay where they walked to", () => {
	const process = new Process(plainEndpoints(5));
	const [gone, ...rest] = process.group.endpoints;
	assert.ok(gone !== undefined);
	process.askAll(keys(1));
	process.group.setOut(gone, true);
	const during = process.askAll(keys(2_000));
	process.group.become(rest);
	assert.deepEqual(process.askAll(keys(2_000)), during);
	process.at(T0 + 5_000);
	assert.deepEqual(process.askAll(keys(2_000)), during);
});

test("ten thousand sessions: none moves while it is open, those that end cross, the rest after keepMs", () => {
	const process = new Process(plainEndpoints(8), { keepMs: 60_000 });
	const users = keys(10_000);
	const sessions = users.map((user) => process.begin(user));
	const before = sessions.map(({ id }) => id);
	process.group.become([...process.group.endpoints, ...plainEndpoints(2, {}, 8)]);
	process.at(T0 + 1_000);
	assert.deepEqual(process.askAll(users), before);
	const { pinned, phase, movedShare, asked, differed } = process.status;
	assert.equal(phase, "dual");
	assert.ok(Math.abs(pinned / users.length - 0.2) < 0.03 && Math.abs(movedShare - 0.2) < 0.03, `${pinned}`);
	assert.deepEqual([asked, differed], [users.length, pinned]);
	for (const { end } of sessions.slice(0, 5_000)) end();
	const half = process.askAll(users);
	assert.ok(moved(half.slice(0, 5_000), before.slice(0, 5_000)) > 800);
	assert.equal(moved(half.slice(5_000), before.slice(5_000)), 0);
	process.at(T0 + 70_000);
	const fresh = new Process(process.group.endpoints).askAll(users);
	assert.deepEqual(process.askAll(users), fresh);
	assert.equal(process.status.phase, "stable");
	assert.equal(process.status.cut + process.status.ended, pinned);
	for (const { end } of sessions.slice(5_000)) end();
	assert.equal(process.status.followed, 0);
	const told = process.events.map((event) => (event.kind === "ring" ? event.phase : event.kind));
	assert.deepEqual([told[0], told.at(-1)], ["dual", "stable"]);
});

test("an endpoint is lost: its sessions' keys go at once and are counted, others stay", () => {
	const process = new Process(plainEndpoints(4));
	const users = keys(1_000);
	const before = users.map((user) => process.begin(user).id);
	const [gone, ...rest] = process.group.endpoints;
	assert.ok(gone !== undefined);
	process.group.become(rest);
	const after = process.askAll(users);
	assert.ok(after.every((id, at) => (before[at] === gone.id ? id !== gone.id : id === before[at])));
	assert.equal(process.status.lost, before.filter((id) => id === gone.id).length);
});

test("by a growing share, and two processes that began at other times and with another order agree", () => {
	const one = new Process(plainEndpoints(6), { shiftMs: 60_000 });
	const users = keys(3_000);
	const before = one.askAll(users);
	const grown = [...one.group.endpoints, ...plainEndpoints(2, {}, 6)];
	one.at(T0 + 300);
	one.group.become(grown);
	one.at(T0 + 400);
	one.at(T0 + 31_000);
	const halfway = one.askAll(users);
	const inTheEnd = new Process(grown).askAll(users);
	const must = moved(before, inTheEnd);
	assert.ok(Math.abs(moved(before, halfway) / must - 0.5) < 0.06);

	const other = new Process(plainEndpoints(8).reverse(), { shiftMs: 60_000 });
	other.wallMs = T0 + 31_000;
	assert.equal(other.ring.adopt(JSON.parse(JSON.stringify(one.ring.snapshot())), other.nowMs), true);
	assert.deepEqual(other.askAll(users), halfway);
	for (const process of [one, other]) process.at(T0 + 47_000);
	assert.deepEqual(other.askAll(users), one.askAll(users));
	for (const process of [one, other]) process.at(T0 + 62_000);
	assert.deepEqual(other.askAll(users), inTheEnd);
	assert.deepEqual(one.askAll(users), inTheEnd);
	assert.equal(one.status.phase, "stable");
});

test("sessions opened while keys are on their way keep their endpoint when the key's time has come", () => {
	const process = new Process(plainEndpoints(6), { shiftMs: 60_000, keepMs: 30_000 });
	const users = keys(500);
	process.askAll(users);
	process.group.become(plainEndpoints(9));
	process.at(T0 + 1_000);
	const sessions = users.map((user) => process.begin(user));
	for (let wallMs = T0 + 5_000; wallMs < T0 + 90_000; wallMs += 5_000) {
		process.at(wallMs);
		assert.deepEqual(
			process.askAll(users),
			sessions.map(({ id }) => id),
		);
	}
	process.at(T0 + 91_000);
	assert.ok(process.status.cut > 100);
	assert.deepEqual(process.askAll(users), new Process(plainEndpoints(9)).askAll(users));
});

test("two that see a change in other seconds agree once they have heard of each other", () => {
	const [one, other] = [0, 1].map(() => new Process(plainEndpoints(4), { shiftMs: 10_000 }));
	assert.ok(one !== undefined && other !== undefined);
	const users = keys(2_000);
	assert.deepEqual(one.askAll(users), other.askAll(users));
	for (const [process, wallMs] of [
		[one, T0 + 1_900],
		[other, T0 + 2_100],
	] as const) {
		process.at(wallMs);
		process.group.become(plainEndpoints(5));
		process.at(wallMs);
	}
	for (const process of [one, other]) process.at(T0 + 7_000);
	assert.ok(moved(one.askAll(users), other.askAll(users)) > 0);
	const [ours, theirs] = [one.ring.snapshot(), other.ring.snapshot()];
	assert.ok(one.ring.adopt(theirs, one.nowMs) && other.ring.adopt(ours, other.nowMs));
	assert.deepEqual(one.askAll(users), other.askAll(users));
	assert.deepEqual(one.ring.snapshot(), other.ring.snapshot());
});

test("rolled back, by every process once; told of it, a worker that starts later does not undo it", () => {
	const process = new Process(plainEndpoints(4));
	const users = keys(1_000);
	const before = process.askAll(users);
	assert.equal(process.ring.rollBack(process.nowMs), false);
	process.group.become(plainEndpoints(6));
	process.at(T0 + 2_000);
	assert.ok(moved(before, process.askAll(users)) > 200);
	assert.equal(process.ring.rollBack(process.nowMs), true);
	assert.equal(process.ring.rollBack(process.nowMs), true);
	process.at(T0 + 4_000);
	assert.deepEqual(process.askAll(users), before);

	const later = new Process(plainEndpoints(6));
	later.at(T0 + 5_000);
	later.ring.adopt(process.ring.snapshot(), later.nowMs);
	for (const wallMs of [T0 + 6_000, T0 + 20_000, T0 + 40_000]) {
		later.at(wallMs);
		assert.deepEqual(later.askAll(users), before);
	}
});

test("cut over by hand: keys on their way and sessions, now", () => {
	const process = new Process(plainEndpoints(4), { shiftMs: 600_000 });
	const users = keys(1_000);
	for (const user of users) process.begin(user);
	process.group.become(plainEndpoints(6));
	process.at(T0 + 2_000);
	const { pinned } = process.status;
	assert.equal(process.ring.cutOver(process.nowMs), pinned);
	assert.equal(process.status.phase, "stable");
	assert.deepEqual(process.askAll(users), new Process(plainEndpoints(6)).askAll(users));
});

test("with a bound nobody has more than that times the mean, and most keys have their own endpoint", () => {
	for (const ring of ["ketama", "maglev"] as const) {
		const process = new Process(plainEndpoints(10), { ring, bound: 1.25 });
		const own = new Process(plainEndpoints(10), { ring });
		let away = 0;
		for (let nth = 0; nth < 2_000; nth++) {
			const { id } = process.begin(`user-${nth}`);
			if (id !== own.ask(`user-${nth}`)) away++;
			const fullest = Math.max(...process.group.endpoints.map(({ inFlight }) => inFlight));
			assert.ok(fullest <= Math.ceil((1.25 * (nth + 1)) / 10), `${fullest} of ${nth + 1}`);
		}
		assert.ok(away < 400, `${away}`);
		const hot = new Process(plainEndpoints(10), { ring, bound: 1.25 });
		for (let nth = 0; nth < 1_000; nth++) hot.begin("one");
		assert.ok(hot.group.endpoints.every(({ inFlight }) => inFlight <= 125));
	}
});

test("a second try goes to the next along the ring, always the same", () => {
	const process = new Process(plainEndpoints(5));
	const own = process.group.endpoints.find(({ id }) => id === process.ask("user"));
	assert.ok(own !== undefined);
	const second = process.ask("user", [own]);
	assert.notEqual(second, own.id);
	assert.equal(process.ask("user", [own]), second);
	assert.equal(process.ask("user", process.group.endpoints), own.id);
});

test("requests without a key are spread, and open no session", () => {
	const process = new Process(plainEndpoints(5));
	const ids = Array.from({ length: 500 }, () => process.begin("").id);
	assert.equal(new Set(ids).size, 5);
	assert.equal(process.balancer.session, undefined);
	assert.equal(process.status.followed, 0);
});

test("names that resolve one after the other at the start make one ring, not a migration", () => {
	const process = new Process([]);
	process.group.become(plainEndpoints(2));
	process.at(T0 + 100);
	process.group.become(plainEndpoints(4));
	process.at(T0 + 200);
	assert.equal(process.ring.snapshot().stages.length, 1);
	assert.deepEqual(process.askAll(keys(100)), new Process(plainEndpoints(4)).askAll(keys(100)));
});

test("a group that has nobody for a while keeps its ring", () => {
	const process = new Process(plainEndpoints(4), { shiftMs: 60_000 });
	const before = process.askAll(keys(200));
	process.group.become([]);
	process.at(T0 + 1_000);
	process.group.become(plainEndpoints(4));
	process.at(T0 + 2_000);
	assert.deepEqual(process.askAll(keys(200)), before);
	assert.equal(process.status.phase, "stable");
});
