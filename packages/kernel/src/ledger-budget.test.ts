/** What the ledger would cost is predicted from what the program does, and kept within the budget. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BUDGET_SHARE } from "./ledger-budget.ts";
import { tellHowManyRan } from "./testing/bpf-live.ts";
import { attach, ledgerOf, poolOf, startProgram, until } from "./testing/ledger-live.ts";

for (const { rate, asked, mode, why } of [
	{ rate: 500, asked: "fast", mode: "fast", why: "behind the calls it is within the budget" },
	{ rate: 500, asked: "return", mode: "return", why: "at returns too" },
	{ rate: 5_000, asked: "return", mode: undefined, why: "at returns it is not" },
	{ rate: 0, asked: "fast", mode: undefined, why: "behind the calls it is not either" },
] as const) {
	const pace = rate === 0 ? "as fast as it goes" : `${rate} borrows/s`;
	test(`${pace}, ${asked}: ${why}`, async (t) => {
		const args = ["-workers", "16", "-seconds", "8", "-rate", `${rate}`, "-hold"];
		const program = await startProgram(t, { args });
		if (program === undefined) return;
		program.go();
		// It is at work when a first ledger sees it.
		const first = await attach(t, program.pid, { force: true });
		await until("it borrows", async () => {
			return poolOf(await ledgerOf(first), "database/sql").acquired > 100 || undefined;
		});
		await first.close();
		const session = await attach(t, program.pid, { mode: asked });
		const pool = poolOf(await ledgerOf(session), "database/sql");
		assert.equal(pool.mode, mode);
		assert.ok(session.forecast.share < BUDGET_SHARE);
		if (mode === undefined) {
			assert.match(
				pool.refused ?? "",
				/^at \d+ returns\/s it would take about \d+ % of a processor, the budget for all is 5 %; plumbline ledger --force/,
			);
			const forced = await attach(t, program.pid, { mode: asked, force: true });
			assert.equal(poolOf(await ledgerOf(forced), "database/sql").mode, asked);
			await forced.close();
		}
		await session.close();
		assert.equal((await program.result).errors, 0);
	});
}

tellHowManyRan();
