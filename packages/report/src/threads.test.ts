import assert from "node:assert/strict";
import { test } from "node:test";
import type { FindingId } from "@plumbline/diagnosis/finding";
import fc from "fast-check";
import { diagnoses } from "./testing/diagnoses.ts";
import { SAMPLES } from "./testing/samples.ts";
import { threadsOf } from "./threads.ts";
import { verdictOf } from "./verdict.ts";

const sample = SAMPLES.leak ?? assert.fail("no sample");
const [model = assert.fail("no finding")] = sample.findings;
const findings = (...all: readonly (readonly [FindingId, ...FindingId[]])[]) =>
	all.map(([id, ...causes]) => ({ ...model, id, causes }));
const shape = (...all: readonly (readonly [FindingId, ...FindingId[]])[]) =>
	threadsOf({ findings: findings(...all) }).map(({ cause, consequences }) => [
		cause.id,
		...consequences.map(({ finding }) => finding.id),
	]);

test("a chain is one thread, under its first cause", () => {
	assert.deepEqual(shape(["tx-open"], ["db-lock-wait", "tx-open"], ["pool-starved", "db-lock-wait"]), [
		["tx-open", "db-lock-wait", "pool-starved"],
	]);
});

test("circles and absent causes make causes of their own", () => {
	assert.deepEqual(shape(["pool-deadlock", "pool-starved"], ["pool-starved", "pool-deadlock"]), [
		["pool-deadlock", "pool-starved"],
	]);
	assert.deepEqual(shape(["pool-starved", "tx-open"]), [["pool-starved"]]);
	assert.deepEqual(shape(["pool-starved", "pool-starved"]), [["pool-starved"]]);
});

test("no finding is lost or told twice", () => {
	fc.assert(
		fc.property(diagnoses, (diagnosis) => {
			const told = threadsOf(diagnosis).flatMap(({ cause, consequences }) => [
				cause,
				...consequences.map(({ finding }) => finding),
			]);
			assert.equal(told.length, diagnosis.findings.length);
			assert.deepEqual(new Set(told), new Set(diagnosis.findings));
		}),
	);
});

test("the verdict counts causes and names the first", () => {
	const of = (...all: readonly (readonly [FindingId, ...FindingId[]])[]) =>
		verdictOf({ ...sample, findings: findings(...all) }).split(":")[0];
	assert.equal(of(["tx-open"]), "1 critical finding");
	assert.equal(of(["tx-open"], ["rows-open"]), "2 findings (2 critical); first");
	assert.equal(of(["tx-open"], ["pool-starved", "tx-open"]), "1 critical finding with 1 consequence");
});

test("nothing found says what was not read, and nothing read is not a finding of nothing", () => {
	const blind = SAMPLES.blind ?? assert.fail("no sample");
	assert.equal(
		verdictOf(blind),
		"nothing found in what was read; unexamined: goroutines, socket owners, database sessions",
	);
	const examined = blind.examined.map((each) => ({ ...each, state: "unexamined" as const }));
	assert.equal(
		verdictOf({ ...blind, examined }),
		"nothing was examined: no goroutines, socket owners, database sessions",
	);
	assert.equal(verdictOf({ ...blind, examined: [], gaps: [] }), "nothing was examined");
});
