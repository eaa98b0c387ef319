/** What the probes take is watched as long as they are in: a service at rest when they were attached may wake up. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BudgetWatch } from "./ledger-budget.ts";
import type { CounterRow } from "./ledger-maps.ts";
import type { PlannedPool } from "./ledger-plan.ts";
import { POOLS } from "./ledger-pools.ts";
import { tellHowManyRan } from "./testing/bpf-live.ts";
import { watchCode } from "./testing/ledger-code.ts";
import { ledgerOf, poolOf, until, watchProgram } from "./testing/ledger-live.ts";

const WATCHED = POOLS.map((pool): PlannedPool => {
	return { kind: "watched", plan: { pool, mode: "return", acquire: [1], release: [], wait: [] } };
});
const [FIRST, SECOND] = [0, 1];

/** What two pools took of each second, in ms; pools that are let go, in order, with the second. */
function letGo(spent: readonly (readonly [number, number])[], lookMs = 1000): string[] {
	const counters = POOLS.map(() => ({ ...NO_HITS }));
	const watch = new BudgetWatch(structuredClone(counters), 0);
	return spent.flatMap((ms, look) => {
		for (const pool of [FIRST, SECOND]) {
			const row = counters[pool];
			// 20 us an acquisition at a return.
			if (row !== undefined) row.acquireHits += (ms[pool] ?? 0) * 50;
		}
		const over = watch.look(WATCHED, structuredClone(counters), (look + 1) * lookMs);
		return over === undefined ? [] : [`${look}: ${over.pool}`];
	});
}

const NO_HITS: { -readonly [K in keyof CounterRow]: number } = {
	replaced: 0,
	strangers: 0,
	lost: 0,
	stacksLost: 0,
	acquireHits: 0,
	releaseHits: 0,
	waitHits: 0,
};

test("within the budget, and bursts of one look: nothing is let go", () => {
	assert.deepEqual(
		letGo([
			[30, 20],
			[900, 0],
			[0, 0],
			[0, 900],
			[10, 10],
		]),
		[],
	);
});

test("two looks in a row over it: the dearest is let go, then it is looked anew", () => {
	assert.deepEqual(
		letGo([
			[20, 40],
			[20, 40],
		]),
		["1: 1"],
		"all together count",
	);
	assert.deepEqual(
		letGo([
			[90, 0],
			[90, 0],
			[90, 0],
			[90, 0],
		]),
		["1: 0", "3: 0"],
	);
});

test("looks closer together than half a second count as one", () => {
	assert.deepEqual(
		letGo(
			[
				[90, 0],
				[90, 0],
				[90, 0],
			],
			100,
		),
		[],
	);
});

test("the reason is told", () => {
	const watch = new BudgetWatch([NO_HITS], 0);
	watch.look(WATCHED, [{ ...NO_HITS, acquireHits: 5_000 }], 1000);
	assert.equal(
		watch.look(WATCHED, [{ ...NO_HITS, acquireHits: 11_000 }], 2000)?.why,
		"its probes were taken out again: they took about 12 % of a processor, the budget for all is 5 %, and what they had seen until then is not told; plumbline ledger --force leaves them in",
	);
});

for (const force of [false, true]) {
	test(`a service that wakes up while it is watched, force ${force}`, async (t) => {
		const args = ["-workers", "8", "-seconds", "6", "-leak-every", "5003", "-pool-size", "16", "-hold"];
		const watched = await watchProgram(t, { args }, { mode: "return", force });
		if (watched === undefined) return;
		const { program, session } = watched;
		const code = watchCode(program.pid);
		t.after(() => code.close());
		program.go();
		let told: string | undefined;
		let hasEnded = false;
		void program.result.then(() => {
			hasEnded = true;
		});
		await until("let go, or the end of the work", () => {
			told ??= session.overBudget();
			return told !== undefined || hasEnded || undefined;
		});
		const pool = poolOf(await ledgerOf(session), "database/sql");
		if (force) {
			assert.equal(told, undefined);
			assert.ok(pool.acquired > 0 && pool.refused === undefined);
			return;
		}
		assert.match(told ?? "", /^database\/sql: its probes were taken out again: they took about \d+ % /);
		assert.match(pool.refused ?? "", /^its probes were taken out again: /);
		assert.equal(pool.held, 0);
		const all = code.probed("return").length;
		await until("its breakpoints are out", () => code.changed().length < all || undefined);
		assert.equal((await program.result).errors, 0);
		await session.close();
		assert.deepEqual(code.changed(), []);
	});
}

tellHowManyRan();
