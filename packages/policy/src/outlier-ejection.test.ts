import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OptionError } from "./option-check.ts";
import { OutlierEjection, type OutlierOptions } from "./outlier-ejection.ts";

const usual: OutlierOptions = {
	failuresInARow: 3,
	everyMs: 1_000,
	baseEjectionMs: 5_000,
	ejectionMsMax: 12_000,
	ejectedShareMax: 0.5,
};

function groupOf(names: readonly string[], options: Partial<OutlierOptions> = {}) {
	const ejection = new OutlierEjection<string>({ ...usual, ...options }, 0);
	for (const name of names) ejection.add(name);
	return ejection;
}

function fail(ejection: OutlierEjection<string>, member: string, times: number, nowMs: number): boolean {
	let isOut = false;
	for (let time = 0; time < times; time++) isOut = ejection.report(member, "failure", nowMs);
	return isOut;
}

test("so many failures in a row eject; a success in between begins anew", () => {
	const ejection = groupOf(["a", "b"]);
	assert.equal(fail(ejection, "a", 2, 0), false);
	ejection.report("a", "success", 0);
	assert.equal(fail(ejection, "a", 2, 0), false);
	assert.equal(fail(ejection, "a", 1, 0), true);
	assert.equal(fail(ejection, "a", 9, 0), false, "it is out already");
	assert.equal(ejection.ejected, 1);
});

test("each ejection is longer than the one before, up to the limit; quiet time takes them back", () => {
	const ejection = groupOf(["a", "b"]);
	const outFor = (nowMs: number) => {
		assert.equal(fail(ejection, "a", 3, nowMs), true);
		for (let ms = 0; ms <= 60_000; ms += 500) if (ejection.sweep(nowMs + ms).includes("a")) return ms;
		return assert.fail("never back");
	};
	assert.equal(outFor(0), 5_000);
	assert.equal(outFor(5_000), 10_000);
	assert.equal(outFor(15_000), 12_000);
	assert.deepEqual(ejection.sweep(29_000), [], "two quiet seconds");
	assert.equal(outFor(29_000), 10_000, "one time of three was left");
});

test("never the last one, nor above the share; one of two or more may go whatever the share", () => {
	assert.equal(fail(groupOf(["only"], { ejectedShareMax: 1 }), "only", 100, 0), false);
	assert.equal(fail(groupOf(["a", "b"], { ejectedShareMax: 0 }), "a", 3, 0), true);
	const half = groupOf(["a", "b", "c", "d"]);
	assert.deepEqual(
		["a", "b", "c"].map((member) => fail(half, member, 3, 0)),
		[true, true, false],
	);
	assert.equal(half.sweep(5_000).length, 2);
	assert.equal(fail(half, "c", 1, 5_000), true, "its failures were not forgotten");
});

test("who is removed frees the share; who is no member changes nothing", () => {
	const ejection = groupOf(["a", "b", "c"]);
	assert.equal(fail(ejection, "a", 3, 0), true);
	assert.equal(fail(ejection, "b", 3, 0), false);
	ejection.remove("a");
	ejection.remove("a");
	assert.equal(ejection.ejected, 0);
	assert.equal(fail(ejection, "b", 1, 0), true);
	assert.equal(fail(ejection, "a", 5, 0), false);
});

test("whatever comes, somebody is in, and everybody out comes back in time", () => {
	const event = fc.record({
		member: fc.integer({ min: 0, max: 6 }),
		does: fc.constantFrom("failure", "failure", "failure", "success", "add", "remove", "wait"),
		ms: fc.integer({ min: 0, max: 4_000 }),
	});
	fc.assert(
		fc.property(
			fc.array(event, { maxLength: 300 }),
			fc.double({ min: 0, max: 1, noNaN: true }),
			(events, share) => {
				const ejection = new OutlierEjection<number>({ ...usual, ejectedShareMax: share }, 0);
				const members = new Set<number>();
				const outSince = new Map<number, number>();
				let nowMs = 0;
				for (const { member, does, ms } of events) {
					if (does === "add") ejection.add(members.add(member) && member);
					else if (does === "remove") {
						ejection.remove(member);
						members.delete(member);
						outSince.delete(member);
					} else if (does === "wait") {
						nowMs += ms;
						for (const back of ejection.sweep(nowMs)) assert.ok(outSince.delete(back));
					} else if (ejection.report(member, does, nowMs)) {
						assert.ok(members.has(member) && !outSince.has(member));
						assert.ok(outSince.size < members.size - 1, "not the last");
						outSince.set(member, nowMs);
					}
					assert.equal(ejection.ejected, outSince.size);
					if (does === "wait")
						for (const sinceMs of outSince.values()) assert.ok(nowMs - sinceMs < usual.ejectionMsMax);
				}
			},
		),
	);
});

test("options that cannot be kept are refused by name", () => {
	const refused: readonly Partial<OutlierOptions>[] = [
		{ failuresInARow: 0 },
		{ everyMs: 0 },
		{ baseEjectionMs: -1 },
		{ ejectionMsMax: 4_999 },
		{ ejectedShareMax: Number.NaN },
	];
	for (const options of refused)
		assert.throws(
			() => groupOf([], options),
			(error) => error instanceof OptionError && error.option === Object.keys(options)[0],
		);
});
