import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LeaseAudit, type LeaseLevel, RECLAIMED_MAX, REPORTED_MAX } from "./lease-audit.ts";

const SEED = 20_257;
const RULES = { warnAfterMs: 100, overdueAfterMs: 300, leasesMax: 8 };

test("held for an hour and at work: nothing is told of it", () => {
	const audit = new LeaseAudit();
	const id = audit.borrow("report", 0) ?? 0;
	for (let nowMs = 0; nowMs <= 3_600_000; nowMs += 20_000) {
		assert.equal(audit.touch(id, nowMs), true);
		assert.deepEqual(audit.sweep(nowMs + 10_000), []);
	}
	const back = audit.giveBack(id, 3_600_000);
	assert.ok(back.kind === "returned" && back.lease.heldMs === 3_600_000 && back.told === undefined);
});

test("each level is told once, with the tags of the borrow; a return after it says so", () => {
	const audit = new LeaseAudit<{ who: string; where: string }>(RULES);
	const id = audit.borrow({ who: "checkout", where: "cart.ts:12" }, 1_000) ?? 0;
	assert.deepEqual(audit.sweep(1_099), []);
	const lease = { id, tags: { who: "checkout", where: "cart.ts:12" }, borrowedAtMs: 1_000 };
	assert.deepEqual(audit.sweep(1_100), [{ level: "warn", lease: { ...lease, heldMs: 100, idleMs: 100 } }]);
	assert.deepEqual(audit.sweep(1_200), []);
	audit.touch(id, 1_250);
	assert.deepEqual(audit.sweep(1_400), []);
	assert.deepEqual(audit.sweep(1_550), [{ level: "overdue", lease: { ...lease, heldMs: 550, idleMs: 300 } }]);
	assert.deepEqual(audit.sweep(9_999), []);
	const back = audit.giveBack(id, 10_000);
	assert.ok(back.kind === "returned" && back.told === "overdue");
});

test("a sweep that comes late tells the higher level only", () => {
	const audit = new LeaseAudit<string>(RULES);
	audit.borrow("late", 0);
	assert.deepEqual(
		audit.sweep(5_000).map(({ level }) => level),
		["overdue"],
	);
	assert.deepEqual(audit.sweep(6_000), []);
});

test("double, unknown and late returns are told, and never throw", () => {
	const audit = new LeaseAudit<string>(RULES);
	const one = audit.borrow("one", 0) ?? 0;
	const two = audit.borrow("two", 0) ?? 0;
	assert.equal(audit.giveBack(one, 1).kind, "returned");
	assert.equal(audit.giveBack(one, 2).kind, "returned-before");
	assert.equal(audit.reclaim(two, 3)?.tags, "two");
	assert.equal(audit.reclaim(two, 4), undefined);
	assert.equal(audit.giveBack(two, 5).kind, "reclaimed-before");
	assert.equal(audit.giveBack(two, 6).kind, "returned-before");
	for (const never of [0, 3, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
		assert.equal(audit.giveBack(never, 7).kind, "unknown");
	}
	assert.equal(audit.touch(one, 8), false);
	assert.equal(audit.report(9).wrongReturns, 9);
});

test("too many open: the borrow goes untracked, and a place is free again after a return", () => {
	const audit = new LeaseAudit<number>({ ...RULES, leasesMax: 2 });
	const first = audit.borrow(1, 0) ?? 0;
	audit.borrow(2, 0);
	assert.equal(audit.borrow(3, 0), undefined);
	audit.giveBack(first, 1);
	assert.equal(audit.borrow(4, 1), 3);
	const { open, borrowed, untracked } = audit.report(1);
	assert.deepEqual({ open, borrowed, untracked }, { open: 2, borrowed: 3, untracked: 1 });
});

test("reclaimed leases are remembered by name up to a bound, the report lists up to one", () => {
	const audit = new LeaseAudit<number>({ ...RULES, leasesMax: 10_000 });
	for (let id = 1; id <= RECLAIMED_MAX + 2; id++) {
		audit.borrow(id, 0);
		audit.reclaim(id, 1);
	}
	assert.equal(audit.giveBack(2, 2).kind, "returned-before");
	assert.equal(audit.giveBack(3, 2).kind, "reclaimed-before");
	for (let more = 0; more < REPORTED_MAX + 5; more++) audit.borrow(more, 1_000 - more);
	const report = audit.report(2_000);
	assert.equal(report.overdue, REPORTED_MAX + 5);
	assert.equal(report.worst.length, REPORTED_MAX);
	assert.equal(report.worst[0]?.tags, REPORTED_MAX + 4);
});

test("a clock that runs back makes nobody younger or older", () => {
	const audit = new LeaseAudit<string>(RULES);
	const id = audit.borrow("a", 1_000) ?? 0;
	audit.touch(id, 500);
	assert.deepEqual(audit.sweep(0), []);
	assert.deepEqual(audit.sweep(1_050), []);
	const back = audit.giveBack(id, 0);
	assert.ok(back.kind === "returned" && back.lease.heldMs === 0 && back.lease.idleMs === 0);
});

test("options that contradict each other are refused", () => {
	assert.throws(
		() => new LeaseAudit({ warnAfterMs: 10, overdueAfterMs: 5 }),
		/warnAfterMs must be no more than/,
	);
	assert.throws(() => new LeaseAudit({ overdueAfterMs: Number.NaN }), /overdueAfterMs must be a number/);
	assert.throws(() => new LeaseAudit({ leasesMax: 0 }), /leasesMax must be a whole number/);
});

/** Everything that ever happened is kept; the present is read off it. */
class NaiveAudit {
	readonly leases: {
		readonly id: number;
		readonly borrowed: number;
		readonly activity: number[];
		readonly told: LeaseLevel[];
		ended: "returned" | "reclaimed" | undefined;
		lateSeen: boolean;
	}[] = [];
	untracked = 0;
	wrong = 0;
	open() {
		return this.leases.filter(({ ended }) => ended === undefined);
	}
	find(id: number) {
		return this.leases.find((lease) => lease.id === id);
	}
	borrow(now: number): number | undefined {
		if (this.open().length === RULES.leasesMax) {
			this.untracked++;
			return undefined;
		}
		const id = this.leases.length + 1;
		this.leases.push({ id, borrowed: now, activity: [now], told: [], ended: undefined, lateSeen: false });
		return id;
	}
	giveBack(id: number): string {
		const lease = this.find(id);
		if (lease?.ended === undefined && lease !== undefined) {
			lease.ended = "returned";
			return `returned ${lease.told.at(-1)}`;
		}
		this.wrong++;
		if (lease === undefined) return "unknown";
		const late = lease.ended === "reclaimed" && !lease.lateSeen;
		lease.lateSeen = true;
		return late ? "reclaimed-before" : "returned-before";
	}
	sweep(now: number): string[] {
		return this.open().flatMap((lease) => {
			const idle = now - Math.max(...lease.activity);
			const level = idle >= 300 ? "overdue" : "warn";
			if (idle < 100 || lease.told.includes(level) || lease.told.includes("overdue")) return [];
			lease.told.push(level);
			return [`${level} ${lease.id} ${idle}`];
		});
	}
}

type Step = {
	readonly does: "borrow" | "touch" | "return" | "reclaim" | "sweep";
	readonly back: number;
	readonly later: number;
};

test("120,000 random steps agree with a naive audit that keeps everything", () => {
	const step: fc.Arbitrary<Step> = fc.record({
		does: fc.constantFrom(
			"borrow",
			"borrow",
			"borrow",
			"touch",
			"touch",
			"return",
			"return",
			"reclaim",
			"sweep",
		),
		back: fc.integer({ min: -1, max: 12 }),
		later: fc.integer({ min: 0, max: 60 }),
	});
	fc.assert(
		fc.property(fc.array(step, { minLength: 300, maxLength: 300 }), (steps) => followBoth(steps)),
		{ seed: SEED, numRuns: 400 },
	);
});

function followBoth(steps: readonly Step[]): void {
	const audit = new LeaseAudit<string>(RULES);
	const naive = new NaiveAudit();
	let now = 0;
	for (const { does, back, later } of steps) {
		now += later;
		const id = naive.leases.length - back;
		const known = naive.find(id);
		const isOpen = known !== undefined && known.ended === undefined;
		if (does === "borrow") assert.equal(audit.borrow("t", now), naive.borrow(now));
		else if (does === "touch") {
			assert.equal(audit.touch(id, now), isOpen);
			if (isOpen) known.activity.push(now);
		} else if (does === "return") {
			const answer = audit.giveBack(id, now);
			const said = answer.kind === "returned" ? `returned ${answer.told}` : answer.kind;
			assert.equal(said, naive.giveBack(id));
		} else if (does === "reclaim") {
			assert.equal(audit.reclaim(id, now)?.heldMs, isOpen ? now - known.borrowed : undefined);
			if (isOpen) known.ended = "reclaimed";
		} else {
			const told = audit.sweep(now).map(({ level, lease }) => `${level} ${lease.id} ${lease.idleMs}`);
			assert.deepEqual(told, naive.sweep(now));
		}
	}
	const { worst: _, ...counts } = audit.report(now);
	const ended = (how: string) => naive.leases.filter((lease) => lease.ended === how).length;
	assert.deepEqual(counts, {
		open: naive.open().length,
		overdue: naive.open().filter(({ activity }) => now - Math.max(...activity) >= 300).length,
		borrowed: naive.leases.length,
		returned: ended("returned"),
		reclaimed: ended("reclaimed"),
		untracked: naive.untracked,
		wrongReturns: naive.wrong,
	});
}
