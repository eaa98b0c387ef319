import assert from "node:assert/strict";
import { test } from "node:test";
import type { Finding, FindingId } from "./finding.ts";
import { asGraveAsTheirConsequences, rank } from "./rank.ts";

function made(id: FindingId, over: Partial<Finding> = {}): Finding {
	return {
		id,
		severity: "warning",
		level: "confirmed",
		confidence: 0.9,
		count: 1,
		title: id,
		story: id,
		candidates: [],
		evidence: [],
		joins: [],
		otherwise: [],
		fix: [],
		stop: [],
		verify: [],
		causes: [],
		...over,
	};
}

const order = (...findings: readonly Finding[]) => rank(findings).map((f) => f.id);

test("a cause comes before what follows from it, however bad that is", () => {
	const starved = made("pool-starved", { severity: "critical", causes: ["tx-open"] });
	assert.deepEqual(order(starved, made("tx-open", { severity: "note" })), ["tx-open", "pool-starved"]);
});

test("a chain is told from its beginning", () => {
	const lock = made("db-lock-wait", { causes: ["tx-open"] });
	const starved = made("pool-starved", { causes: ["db-lock-wait", "tx-open"], severity: "critical" });
	assert.deepEqual(order(starved, lock, made("tx-open")), ["tx-open", "db-lock-wait", "pool-starved"]);
});

test("among equals: severity, then level, then count", () => {
	const findings = [
		made("tx-open", { count: 3 }),
		made("rows-open", { count: 9 }),
		made("conn-held", { level: "suspected", count: 99 }),
		made("db-lock-wait", { severity: "critical", level: "suspected" }),
	];
	assert.deepEqual(order(...findings), ["db-lock-wait", "rows-open", "tx-open", "conn-held"]);
});

test("a ring of causes, or one that was not found, does not hang it", () => {
	const ring = [made("tx-open", { causes: ["rows-open"] }), made("rows-open", { causes: ["tx-open"] })];
	assert.equal(order(...ring).length, 2);
	assert.deepEqual(order(made("pool-starved", { causes: ["tx-open"] })), ["pool-starved"]);
});

test("a cause is as grave as what follows from it, at any distance; a note raises nothing", () => {
	const chain = [
		made("tx-open", { severity: "note" }),
		made("db-lock-wait", { severity: "warning", causes: ["tx-open"] }),
		made("pool-starved", { severity: "critical", causes: ["db-lock-wait"] }),
		made("rows-open", { severity: "warning" }),
	];
	const severities = asGraveAsTheirConsequences(chain).map((f) => f.severity);
	assert.deepEqual(severities, ["critical", "critical", "critical", "warning"]);
});
