import assert from "node:assert/strict";
import { test } from "node:test";
import { LEDGER_NAMES, NOT_IN_USE, REFUSED } from "@plumbline/capture/ledger";
import type { Capture } from "@plumbline/signals/capture";
import type { Ledger } from "@plumbline/signals/ledger";
import type { Signals } from "@plumbline/signals/signals";
import { ledgerFate, poolCounts, poolMismatches } from "./lab-ledger.ts";

function without(why: string): Pick<Capture, "parts" | "gaps"> {
	return { parts: [], gaps: [{ ...LEDGER_NAMES, why, weight: "note" }] };
}

test("only a flag, a right or the kernel excuses a missing ledger", () => {
	const kindOf = (why: string) => ledgerFate(without(why), undefined).kind;
	assert.equal(kindOf(`${REFUSED.denied}loading BPF program p: EPERM (1); missing: CAP_BPF`), "excused");
	assert.equal(kindOf(`${REFUSED.unsupported}this kernel was built without it`), "excused");
	assert.equal(kindOf(`${REFUSED.unsupported}database/sql: one of its functions was inlined`), "missing");
	assert.equal(kindOf(`${REFUSED.failed}the program uses none of the pools`), "missing");
	assert.equal(kindOf(NOT_IN_USE), "needless");
	assert.equal(kindOf("reading it took too long"), "missing");
	assert.equal(ledgerFate({ parts: [], gaps: [] }, undefined).kind, "missing");
	assert.equal(ledgerFate(without("turned off by --no-ledger"), false).kind, "excused");
	const part = { format: "ledger" } as Capture["parts"][number];
	assert.equal(ledgerFate({ parts: [part], gaps: [] }, undefined).kind, "kept");
});

const staged = { staged: { inUse: 7 }, provoke: [] };

function signalsOf(held: number, inUse: number, exposed: readonly number[]): Signals {
	const ledger = {
		pools: [
			{ kind: "sql", held },
			{ kind: "http", held: 100 },
		],
		held: Array.from({ length: held }, () => ({ owner: "0x1" })),
		owners: [{ owner: "0x1", pool: "database/sql", open: inUse + 3, idle: 3, maxOpen: 0 }],
	} as unknown as Ledger;
	const page = { pools: exposed.map((one) => ({ inUse: one })) };
	return { ledgers: [{ value: ledger }], metrics: [{ value: page }] } as unknown as Signals;
}

function wrongIn(scenario: Parameters<typeof poolMismatches>[0], signals: Signals): number {
	const counts = poolCounts(staged, signals);
	return poolMismatches(scenario, signals.ledgers[0]?.value, counts).length;
}

test("what the ledger holds, what its pool has in use and what the metrics say", () => {
	assert.deepEqual(poolCounts(staged, signalsOf(4, 11, [8, 3])), {
		ledgerHeld: 4,
		ledgerInUse: 11,
		metricsInUse: 11,
	});
	assert.deepEqual(poolCounts(staged, { ...signalsOf(4, 11, []), metrics: [] }), {
		ledgerHeld: 4,
		ledgerInUse: 11,
	});
	assert.equal(poolCounts({ staged: {} }, signalsOf(4, 11, [])), undefined);
	assert.equal(poolCounts(staged, { ledgers: [], metrics: [] }), undefined);
});

test("they may differ by what is under way, no more", () => {
	const busy = { ...staged, background: { path: "/", perSecond: 60, concurrencyMax: 5 } };
	assert.equal(wrongIn(staged, signalsOf(4, 11, [11])), 0);
	assert.equal(wrongIn(staged, signalsOf(4, 11, [12])), 1);
	assert.equal(wrongIn(busy, signalsOf(4, 11, [16])), 0);
	assert.equal(wrongIn(busy, signalsOf(4, 11, [17])), 1);
	assert.equal(wrongIn(busy, signalsOf(4, 11, [5])), 1);
	assert.equal(wrongIn(staged, signalsOf(12, 11, [])), 1);
	assert.equal(wrongIn(busy, signalsOf(16, 11, [])), 0);
	assert.equal(wrongIn(busy, signalsOf(17, 11, [])), 1);
	const drip = { path: "/", everyMs: 2000, max: 4 };
	assert.equal(wrongIn({ ...staged, drip }, signalsOf(4, 11, [12])), 0);
	const steady = { path: "/", count: 7, until: "steady" } as const;
	assert.equal(wrongIn({ ...staged, provoke: [steady] }, signalsOf(4, 11, [18])), 0);
});
