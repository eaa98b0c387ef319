import assert from "node:assert/strict";
import { test } from "node:test";
import { PEER, poolStage } from "./testing/pool-stage.ts";

test("the first dials, the next takes what was given back, the newest first", () => {
	const { dials, pool, ask } = poolStage();
	const [one, other] = [ask(), ask()];
	assert.equal(dials.pending.length, 2);
	const [first, second] = [dials.succeed(), dials.succeed()];
	assert.equal(one.connection, first);
	assert.equal(other.connection, second);
	assert.equal(one.reused, false);
	second.finish();
	first.finish();
	const next = ask();
	assert.equal(next.connection, first);
	assert.equal(next.reused, true);
	assert.equal(next.ticket, undefined);
	const { opened, reused, idle, inUse, waited } = pool.counts;
	assert.deepEqual(
		{ opened, reused, idle, inUse, waited },
		{ opened: 2, reused: 1, idle: 1, inUse: 1, waited: 2 },
	);
});

test("at the limit they wait in their order; a place in the queue can be given up", () => {
	const { dials, pool, ask } = poolStage({ max: 1 });
	ask();
	const connection = dials.succeed();
	const [first, gone, last] = [ask(), ask(), ask()];
	assert.equal(dials.pending.length, 0);
	gone.ticket?.cancel();
	gone.ticket?.cancel();
	assert.equal(pool.counts.waiting, 2);
	connection.finish();
	assert.equal(first.connection, connection);
	connection.finish();
	assert.equal(last.connection, connection);
	assert.equal(gone.isDecided, false);
});

test("the queue has an end, in number and in time", async () => {
	const { time, dials, pool, ask } = poolStage({ max: 1, queueMax: 2, queueMs: 500 });
	ask();
	dials.succeed();
	const [first] = [ask(), ask()];
	const third = ask();
	assert.equal(third.failure?.kind, "full");
	assert.match(third.failure?.detail ?? "", /2 wait for 1 connections to 192.0.2.1:80/);
	await time.pass(449);
	assert.equal(first?.isDecided, false);
	await time.pass(101);
	assert.deepEqual([first?.failure?.kind, first?.failure?.timeout], ["timeout", "queue"]);
	const { timedOut, refused, waiting, waited } = pool.counts;
	assert.deepEqual({ timedOut, refused, waiting }, { timedOut: 2, refused: 1, waiting: 0 });
	assert.equal(waited, 3, "in vain is waited, too");
});

test("who waits only because connect is not answered is told so", async () => {
	const { time, ask } = poolStage({ queueMs: 500 });
	const asker = ask();
	await time.pass(600);
	assert.equal(asker.failure?.timeout, "connect");
});

test("a fresh one is never used before; at the limit a used idle one makes room", () => {
	const { dials, pool, ask } = poolStage({ max: 1 });
	ask();
	const used = dials.succeed();
	used.finish();
	const fresh = ask(true);
	assert.equal(used.isClosed, true);
	const unused = dials.succeed();
	assert.equal(fresh.connection, unused);
	assert.equal(fresh.reused, false);
	const [later, behind] = [ask(true), ask()];
	unused.finish();
	assert.equal(unused.isClosed, true, "who waits longest wants none that was used");
	const third = dials.succeed();
	assert.equal(later.connection, third);
	third.finish();
	assert.equal(behind.connection, third);
	assert.equal(pool.counts.closedBy.idle, 2);
});

test("used ones pass by those who wait for a fresh one that is on its way", () => {
	const { dials, ask } = poolStage({ max: 2 });
	ask();
	const used = dials.succeed();
	const [fresh, any] = [ask(true), ask()];
	used.finish();
	assert.equal(any.connection, used);
	assert.equal(fresh.isDecided, false);
	dials.succeed();
	assert.equal(fresh.reused, false);
});

test("a dial that nobody waits for any more gives an unused idle connection, if it would be kept", () => {
	const kept = poolStage();
	kept.ask().ticket?.cancel();
	kept.dials.succeed();
	assert.equal(kept.pool.counts.idle, 1);
	assert.equal(kept.ask(true).reused, false);
	const notKept = poolStage({ maxIdle: 0 });
	notKept.ask().ticket?.cancel();
	assert.equal(notKept.dials.pending.length, 0);
	assert.equal(notKept.ports.inUse(PEER), 0);
});

test("a failed dial denies who waited longest; all, if nothing else is open or on its way", () => {
	const { dials, ask } = poolStage({ max: 2 });
	const [first, second, third] = [ask(), ask(), ask()];
	dials.fail();
	assert.equal(first.failure?.kind, "connect");
	assert.equal(second.isDecided, false);
	dials.fail();
	// The first failure was followed by a dial for the third.
	assert.equal(dials.pending.length, 1);
	assert.equal(second.failure?.kind, "connect");
	assert.equal(third.isDecided, false);
	dials.fail();
	assert.equal(third.failure?.kind, "connect");
	assert.equal(ask().failure?.detail, "refused", "told without a wait");
});

test("after failures in a row dials go alone and are spaced, up to a second; a success ends that", async () => {
	const { time, dials, ask } = poolStage({ max: 5 });
	const gaps: number[] = [];
	let lastMs = 0;
	while (time.now() < 20_000) {
		ask();
		if (dials.pending.length > 0) {
			assert.equal(dials.pending.length, 1);
			gaps.push(time.now() - lastMs);
			lastMs = time.now();
			dials.fail();
		}
		await time.pass(5);
	}
	assert.ok(gaps.every((ms) => ms <= 1_010) && gaps.slice(-5).every((ms) => ms >= 700), gaps.join(" "));
	await time.pass(1_000);
	const [one, other] = [ask(), ask()];
	assert.equal(dials.pending.length, 1);
	dials.succeed();
	assert.equal(dials.pending.length, 1);
	dials.succeed();
	assert.ok(one.connection !== undefined && other.connection !== undefined);
});

test("what is idle too long is not used; the server may close it, then we do", async () => {
	const { time, dials, pool, ask } = poolStage({ max: 2, idleMs: 1_000, lingerMs: 3_000 });
	const [one, other] = [ask(), ask()];
	const [first, second] = [dials.succeed(), dials.succeed()];
	assert.ok(one.isDecided && other.isDecided);
	first.finish();
	second.finish();
	await time.pass(1_600);
	assert.deepEqual([first.isClosed, second.isClosed, pool.counts.idle], [false, false, 2]);
	first.drop();
	const next = ask();
	assert.equal(next.isDecided, false);
	dials.succeed();
	assert.equal(next.reused, false);
	await time.pass(3_500);
	assert.equal(second.isClosed, true);
	assert.deepEqual([pool.counts.closedBy.server, pool.counts.closedBy.idle], [1, 1]);
});

test("the clock is looked at when one is taken: the loop may have stood still", async () => {
	const { time, dials, ask } = poolStage({ idleMs: 100, lingerMs: 50 });
	ask();
	const old = dials.succeed();
	old.finish();
	await time.pass(120);
	assert.equal(old.isClosed, false, "no sweep yet");
	assert.equal(ask().isDecided, false);
});

test("lifetimes end when a connection comes back or is idle; so many requests end it too", async () => {
	const { time, dials, pool, ask } = poolStage({ lifetimeMs: 1_000, lifetimeJitter: 0.4, requestsMax: 3 });
	ask();
	const aged = dials.succeed();
	await time.pass(900);
	assert.equal(aged.isClosed, false);
	aged.finish();
	assert.equal(aged.isClosed, true, "800 ms: chance took 20 %");
	ask();
	const worn = dials.succeed();
	for (let times = 0; times < 2; times++) {
		worn.finish();
		assert.equal(ask().connection, worn);
	}
	worn.finish();
	assert.equal(worn.isClosed, true);
	assert.deepEqual([pool.counts.closedBy.lifetime, pool.counts.closedBy.requests], [1, 1]);
});

test("many exchanges share a connection; another is dialled only for who finds no room", () => {
	const { dials, pool, ask } = poolStage({ streamsMax: 2, requestsMax: 6 }, { protocol: "h2c" });
	const askers = [ask(), ask(), ask()];
	assert.equal(dials.pending.length, 2, "two streams a connection");
	const first = dials.succeed(100);
	assert.deepEqual(
		askers.map(({ connection }) => connection === first),
		[true, true, false],
	);
	const second = dials.succeed(1);
	assert.equal(askers[2]?.connection, second, "the server allows one");
	const fourth = ask();
	assert.equal(fourth.isDecided, false);
	second.allow(2);
	assert.equal(fourth.connection, second);
	first.finish();
	assert.equal(ask(true).connection, first, "one with an exchange on it is not closed for idleness");
	first.finish();
	first.finish();
	assert.equal(ask(true).isDecided, false, "idle and used");
	assert.equal(pool.counts.connecting, 1);
});

test("a connection that has served enough takes no more, and ends when the last exchange on it has", () => {
	const { dials, ask } = poolStage({ streamsMax: 10, requestsMax: 2 }, { protocol: "h2c" });
	ask();
	const worn = dials.succeed(10);
	ask();
	assert.equal(ask().isDecided, false);
	worn.finish();
	assert.deepEqual([worn.isRetired, worn.isClosed], [true, false]);
	worn.finish();
	assert.equal(worn.isClosed, true);
});

test("warm ones are there before anybody asks, and are replaced", async () => {
	const { time, dials, pool } = poolStage({ warm: 2 });
	assert.equal(dials.pending.length, 2);
	const first = dials.succeed();
	dials.succeed();
	first.drop();
	await time.pass(600);
	assert.equal(dials.pending.length, 1);
	dials.fail();
	await time.pass(600);
	assert.equal(dials.pending.length, 1);
	pool.close();
	assert.equal(time.waiting(), 0);
});

test("draining: idle ones go at moments of their own, those in use when they are done, nobody new", async () => {
	const { time, dials, pool, ask } = poolStage();
	ask();
	ask();
	const [idle, busy] = [dials.succeed(), dials.succeed()];
	idle.finish();
	const waiting = ask(true);
	let isEmpty = false;
	pool.drain(4_000, () => {
		isEmpty = true;
	});
	assert.equal(dials.pending.length, 0);
	assert.equal(waiting.failure?.kind, "refused");
	assert.equal(ask().failure?.kind, "refused");
	await time.pass(1_500);
	assert.equal(idle.isClosed, false);
	await time.pass(1_000);
	assert.equal(idle.isClosed, true);
	assert.equal(isEmpty, false);
	busy.finish();
	assert.deepEqual([isEmpty, pool.counts.closedBy.drain], [true, 2]);
});

test("out of ports: a clear refusal, told before", async () => {
	const { dials, pool, ports, ask } = poolStage({ max: 100 }, {}, 10);
	for (let times = 0; times < 9; times++) {
		assert.equal(ask().isDecided, false);
		dials.succeed();
	}
	const { failure } = ask();
	assert.equal(failure?.kind, "full");
	assert.match(failure?.detail ?? "", /9 of 10 local ports are in use towards 192.0.2.1:80/);
	pool.close();
	assert.equal(ports.inUse(PEER), 0);
});
