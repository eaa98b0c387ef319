import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { GO_FOLDER } from "./build-service.ts";
import { compareVerdict, type VerdictFinding } from "./expect.ts";
import { leakLine, markedLine } from "./leak-marker.ts";
import { type ExpectedFinding, listScenarios } from "./scenario.ts";

const lineOf = () => 33;
const place = { func: "shop.(*Orders).Reserve", file: "orders/reserve.go" };
const seenAt = { func: "shop.(*Orders).Reserve", file: "/src/lab/go/orders/reserve.go", line: 33 };
const expected: ExpectedFinding = {
	id: "tx-open",
	level: "confirmed",
	count: 7,
	holder: place,
	also: ["pool-starved"],
};
const right: VerdictFinding = {
	id: "tx-open",
	severity: "critical",
	level: "confirmed",
	count: 7,
	holder: seenAt,
};
const starved: VerdictFinding = { id: "pool-starved", severity: "critical", level: "confirmed", count: 3 };
const noted: VerdictFinding = { id: "conn-held", severity: "note", level: "suspected", count: 1 };

function against(first: ExpectedFinding, ...findings: readonly VerdictFinding[]): readonly string[] {
	return compareVerdict({ expect: { first } }, { findings }, lineOf);
}

test("a verdict as expected has no mismatch; allowed consequences and notes are no mismatch", () => {
	assert.deepEqual(against(expected, right), []);
	assert.deepEqual(against(expected, right, starved, noted), []);
	assert.deepEqual(against({ ...expected, count: { min: 7, max: 9 } }, { ...right, count: 9 }), []);
});

test("each way to be wrong is told", () => {
	assert.deepEqual(against(expected), ["expected tx-open, found nothing"]);
	assert.deepEqual(against(expected, starved, right), [
		"expected tx-open first, found pool-starved (confirmed critical, 3)",
		"did not expect tx-open (confirmed critical, 7)",
	]);
	assert.deepEqual(against(expected, { ...right, level: "suspected", count: 8 }), [
		"expected level confirmed, found suspected",
		"expected count 7, found 8",
	]);
	assert.deepEqual(against({ ...expected, count: { min: 2, max: 6 } }, right), [
		"expected count 2 to 6, found 7",
	]);
	assert.deepEqual(against({ ...expected, severity: "warning" }, right), [
		"expected severity warning, found critical",
	]);
	assert.deepEqual(against(expected, right, { ...starved, id: "conn-held" }), [
		"did not expect conn-held (confirmed critical, 3)",
	]);
	assert.deepEqual(against({ ...expected, followedBy: ["db-lock-wait"] }, right), [
		"expected db-lock-wait to follow",
	]);
});

test("function, file and line of the holder all count", () => {
	const wanted = "expected holder shop.(*Orders).Reserve at orders/reserve.go:33, found";
	const { holder: _, ...unheld } = right;
	assert.deepEqual(against(expected, unheld), [`${wanted} none`]);
	const holder = { func: "shop.(*Orders).Reserve", file: "/src/orders/reserve.go", line: 33 };
	for (const other of [
		{ ...holder, line: 34 },
		{ ...holder, func: "shop.(*Orders).Refund" },
		{ ...holder, file: "/src/borders/reserve.go" },
	]) {
		assert.deepEqual(against(expected, { ...right, holder: other }), [
			`${wanted} ${other.func} at ${other.file}:${other.line}`,
		]);
	}
});

test("a healthy control expects nothing of warning or worse", () => {
	const none = { expect: { none: true } } as const;
	assert.deepEqual(compareVerdict(none, { findings: [noted] }, lineOf), []);
	assert.deepEqual(compareVerdict(none, { findings: [noted, starved] }, lineOf), [
		"expected nothing of warning or worse, found pool-starved (confirmed critical, 3)",
	]);
});

test("the marker names one line, and exactly one", () => {
	assert.equal(markedLine("a.go", "package a\n\ntx := begin() // LEAK\n"), 3);
	assert.throws(() => markedLine("a.go", "package a\n"), /a\.go: expected one line .* found 0/);
	assert.throws(() => markedLine("a.go", "x() // LEAK\ny() // LEAK\n"), /found 2/);
	assert.throws(() => markedLine("a.go", "x() // LEAK, they say\n"), /found 0/);
});

test("every expected holder has its marker inside the function it names", () => {
	for (const { name, expect } of listScenarios()) {
		if ("none" in expect || !expect.first.holder) continue;
		const { file, func } = expect.first.holder;
		const above = readFileSync(join(GO_FOLDER, file), "utf8").split("\n").slice(0, leakLine(file));
		const opening = above.findLast((line) => line.startsWith("func ")) ?? "";
		const [, receiver, called] = /^func (?:\(\w+ (\*\w+)\) )?(\w+)\(/.exec(opening) ?? [];
		const whole = `${receiver === undefined ? "" : `(${receiver}).`}${called}`;
		const inside = `plumbline.dev/lab/${dirname(file)}.${whole}`;
		assert.ok(func === inside || func.startsWith(`${inside}.func`), `${name}: ${func}, not ${inside}`);
	}
});

test("where only the function can be known, any line of it will do", () => {
	const loose: ExpectedFinding = { ...expected, holder: { ...place, anyLine: true } };
	assert.deepEqual(against(loose, { ...right, holder: { ...seenAt, line: 99 } }), []);
	assert.equal(against(loose, { ...right, holder: { ...seenAt, func: "f" } }).length, 1);
});

test("where nobody can be named, naming is as wrong as not listing", () => {
	const { holder: _, ...unheld } = right;
	const { holder: __, ...rest } = expected;
	const open: ExpectedFinding = { ...rest, unnamed: true, candidate: place };
	assert.deepEqual(against(open, { ...unheld, candidates: [seenAt] }), []);
	assert.equal(against(open, { ...right, candidates: [seenAt] }).length, 1);
	assert.equal(against(open, { ...unheld, candidates: [] }).length, 1);
});

test("what must be told may stand in any of its words; {server} is the service's name server", () => {
	const says = ["{server} lies", "tracker.example"];
	const told: VerdictFinding = {
		...right,
		title: "127.53.4.7 lies",
		story: "",
		evidence: [{ says: "forged", quote: "www CNAME n1.tracker.example." }],
	};
	const expect = { first: { ...expected, says } };
	assert.deepEqual(compareVerdict({ expect, server: "127.53.4.7" }, { findings: [told] }, lineOf), []);
	assert.deepEqual(compareVerdict({ expect, server: "127.53.9.9" }, { findings: [right] }, lineOf), [
		"expected tx-open to tell of 127.53.9.9 lies",
		"expected tx-open to tell of tracker.example",
	]);
});
