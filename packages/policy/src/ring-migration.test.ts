import assert from "node:assert/strict";
import { test } from "node:test";
import { hashRing } from "./hash-ring.ts";
import { maglev } from "./maglev.ts";
import { RingMigration, type Session } from "./ring-migration.ts";

const nodesOf = (count: number) => Array.from({ length: count }, (_, at) => ({ name: `n${at}` }));
const OLD = hashRing(nodesOf(4));
const NEXT = hashRing(nodesOf(8));

/** Keys that the new ring gives to another node, and keys that it does not. */
const keys = Array.from({ length: 200 }, (_, at) => `key-${at}`);
const moving = keys.filter((key) => OLD.pick(key) !== NEXT.pick(key));
const staying = keys.filter((key) => OLD.pick(key) === NEXT.pick(key));
const [mover = "", otherMover = ""] = moving;
const [stayer = ""] = staying;

function opened(migration: RingMigration, key: string, nowMs: number): Session {
	const session = migration.open(key, nowMs);
	assert.ok(session !== undefined);
	return session;
}

test("a key with a session stays on its node until the session ends; others move at once", () => {
	const migration = new RingMigration(OLD);
	const session = opened(migration, mover, 0);
	const begun = migration.begin(NEXT, 1);
	assert.ok(begun.kind === "begun" && begun.pinned === 1);
	assert.equal(migration.pick(mover, 2), OLD.pick(mover));
	assert.equal(migration.pick(otherMover, 2), NEXT.pick(otherMover));
	const second = opened(migration, mover, 3);
	assert.equal(second.node, session.node);
	migration.close(session, 4);
	assert.equal(migration.pick(mover, 5), OLD.pick(mover));
	assert.equal(migration.phase.kind, "dual");
	migration.close(second, 6);
	assert.equal(migration.pick(mover, 7), NEXT.pick(mover));
	assert.deepEqual(migration.phase, { kind: "stable", ring: NEXT, previous: OLD });
	assert.equal(migration.counts.ended, 1);
});

test("a key whose node the new ring keeps is not pinned, and nothing pinned is no migration", () => {
	const migration = new RingMigration(OLD);
	opened(migration, stayer, 0);
	const begun = migration.begin(NEXT, 1);
	assert.ok(begun.kind === "begun" && begun.pinned === 0 && begun.difference.movedShare > 0.4);
	assert.equal(migration.phase.kind, "stable");
});

test("the same nodes in another order are no migration, nor are they while one is under way", () => {
	const migration = new RingMigration(OLD);
	opened(migration, mover, 0);
	assert.deepEqual(migration.begin(hashRing(nodesOf(4).reverse()), 0), { kind: "unchanged" });
	migration.begin(NEXT, 1);
	assert.deepEqual(migration.begin(hashRing(nodesOf(8).reverse()), 2), { kind: "unchanged" });
	assert.equal(migration.phase.kind, "dual");
});

test("the old ring expires: pinned keys are cut over with their sessions open, which then close without a trace", () => {
	const migration = new RingMigration(OLD, { keepMs: 1_000 });
	const session = opened(migration, mover, 0);
	migration.begin(NEXT, 100);
	assert.equal(migration.pick(mover, 1_099), OLD.pick(mover));
	assert.equal(migration.pick(mover, 1_100), NEXT.pick(mover));
	assert.equal(migration.phase.kind, "stable");
	const fresh = opened(migration, mover, 1_101);
	migration.close(session, 1_102);
	migration.close(session, 1_103);
	assert.deepEqual(migration.counts, { followed: 1, pinned: 0, ended: 0, cut: 1, lost: 0, unkept: 0 });
	migration.close(fresh, 1_104);
	assert.equal(migration.counts.followed, 0);
});

test("a session closed twice does not close another of its key", () => {
	const migration = new RingMigration(OLD);
	const twice = opened(migration, mover, 0);
	opened(migration, mover, 0);
	migration.begin(NEXT, 1);
	migration.close(twice, 2);
	migration.close(twice, 3);
	assert.equal(migration.pick(mover, 4), OLD.pick(mover));
	assert.equal(migration.counts.pinned, 1);
});

test("cut over by hand", () => {
	const migration = new RingMigration(OLD);
	assert.equal(migration.cutOver(), 0);
	for (const key of keys) opened(migration, key, 0);
	migration.begin(NEXT, 1);
	assert.equal(migration.cutOver(), moving.length);
	for (const key of keys) assert.equal(migration.pick(key, 2), NEXT.pick(key));
});

test("roll back in the middle: keys go home, but those with sessions on the new nodes stay until they end", () => {
	const migration = new RingMigration(OLD);
	opened(migration, mover, 0);
	migration.begin(NEXT, 1);
	const onNew = opened(migration, otherMover, 2);
	assert.equal(onNew.node, NEXT.pick(otherMover));
	const back = migration.rollBack(3);
	assert.ok(back?.kind === "begun" && back.pinned === 1);
	assert.equal(migration.pick(mover, 4), OLD.pick(mover));
	assert.equal(migration.pick(otherMover, 4), NEXT.pick(otherMover));
	migration.close(onNew, 5);
	assert.equal(migration.pick(otherMover, 6), OLD.pick(otherMover));
	assert.equal(migration.phase.kind, "stable");
});

test("roll back after the cut-over, and with nothing to go back to", () => {
	const migration = new RingMigration(OLD);
	assert.equal(migration.rollBack(0), undefined);
	migration.begin(NEXT, 1);
	assert.equal(migration.rollBack(2)?.kind, "begun");
	assert.equal(migration.pick(mover, 3), OLD.pick(mover));
});

test("a second migration before the first is done: old pins keep their time, keys that come home are free", () => {
	const migration = new RingMigration(OLD, { keepMs: 1_000 });
	const session = opened(migration, mover, 0);
	migration.begin(NEXT, 0);
	migration.begin(hashRing(nodesOf(9)), 500);
	assert.equal(migration.pick(mover, 999), session.node);
	assert.notEqual(migration.pick(mover, 1_000), session.node);
	const again = new RingMigration(OLD, { keepMs: 1_000 });
	opened(again, mover, 0);
	again.begin(NEXT, 0);
	again.begin(OLD, 500);
	assert.equal(again.pick(mover, 5_000), OLD.pick(mover));
	assert.equal(again.counts.cut, 0);
});

test("a lost node: its keys are not kept on it", () => {
	const migration = new RingMigration(OLD);
	opened(migration, mover, 0);
	migration.begin(NEXT, 1);
	assert.equal(migration.lost(OLD.pick(mover) ?? "", 2), 1);
	assert.equal(migration.pick(mover, 3), NEXT.pick(mover));
	assert.equal(migration.phase.kind, "stable");
});

test("too many keys: a session is opened without an affinity, counted, and its key moves", () => {
	const migration = new RingMigration(OLD, { keysMax: 1 });
	const kept = opened(migration, mover, 0);
	const unkept = opened(migration, otherMover, 0);
	opened(migration, mover, 0);
	assert.equal(migration.counts.unkept, 1);
	migration.begin(NEXT, 1);
	assert.equal(migration.pick(mover, 2), kept.node);
	assert.equal(migration.pick(otherMover, 2), NEXT.pick(otherMover));
	migration.close(unkept, 3);
	assert.equal(migration.counts.followed, 1);
});

test("from a hash ring to a Maglev table, and to no nodes at all", () => {
	const migration = new RingMigration(OLD);
	const session = opened(migration, mover, 0);
	const table = maglev(nodesOf(5), { size: 101 });
	migration.begin(table, 1);
	for (const key of staying) assert.equal(migration.pick(key, 2), table.pick(key));
	migration.begin(hashRing([]), 3);
	assert.equal(migration.open(otherMover, 4), undefined);
	assert.equal(migration.pick(mover, 4), session.node);
});

test("options that cannot be kept are refused", () => {
	assert.throws(() => new RingMigration(OLD, { keepMs: 0 }), /keepMs must be a number from 1/);
	assert.throws(() => new RingMigration(OLD, { keysMax: 0.5 }), /keysMax must be a whole number from 1/);
});

test("a time that is no number cuts nobody off", () => {
	const migration = new RingMigration(OLD, { keepMs: 1_000 });
	opened(migration, mover, 0);
	migration.begin(NEXT, 1);
	migration.tick(Number.NaN);
	assert.equal(migration.pick(mover, Number.NaN), OLD.pick(mover));
	assert.equal(migration.counts.cut, 0);
});

test("a ring that comes in by and by: dual until its end, and sessions opened on old nodes meanwhile are kept", () => {
	const migration = new RingMigration(OLD, { keepMs: 1_000 });
	const begun = migration.begin(NEXT, 0, 500);
	assert.ok(begun.kind === "begun" && begun.pinned === 0);
	const old = OLD.pick(mover);
	assert.ok(old !== undefined);
	const session = migration.open(mover, 100, old);
	assert.ok(session?.node === old && migration.kept(mover) === old && migration.counts.pinned === 1);
	assert.equal(migration.kept(stayer), undefined);
	migration.tick(1_499);
	assert.equal(migration.pick(mover, 1_499), old);
	assert.equal(migration.pick(mover, 1_500), NEXT.pick(mover));
	assert.deepEqual([migration.phase.kind, migration.counts.cut], ["stable", 1]);
	migration.close(session, 1_600);

	migration.begin(OLD, 2_000, 500);
	const kindAt = (nowMs: number) => {
		migration.tick(nowMs);
		return migration.phase.kind;
	};
	assert.deepEqual([kindAt(2_499), kindAt(2_500)], ["dual", "stable"]);
	migration.begin(NEXT, 3_000, 500);
	assert.equal(kindAt(3_000), "dual");
	assert.equal(migration.cutOver(), 0);
	assert.equal(kindAt(3_000), "stable");
});

test("pins of a quick migration do not end before those of a slow one under way", () => {
	const migration = new RingMigration(OLD, { keepMs: 1_000 });
	opened(migration, mover, 0);
	migration.begin(NEXT, 0, 5_000);
	opened(migration, stayer, 1);
	migration.begin(hashRing([{ name: "other" }]), 10);
	migration.tick(5_999);
	assert.equal(migration.counts.pinned, 2);
	migration.tick(6_000);
	assert.deepEqual([migration.counts.pinned, migration.counts.cut], [0, 2]);
});

test("several nodes are lost in one go", () => {
	const migration = new RingMigration(OLD);
	for (const key of keys) opened(migration, key, 0);
	const lost = keys.filter((key) => ["n0", "n1"].includes(OLD.pick(key) ?? "")).length;
	assert.equal(migration.lost(new Set(["n0", "n1", "n9"]), 1), lost);
	assert.equal(migration.counts.lost, lost);
});
