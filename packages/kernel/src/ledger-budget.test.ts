/** What the ledger would cost is predicted from what the program does, and kept within the budget. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { BUDGET_SHARE } from "./ledger-session.ts";
import { tellHowManyRan } from "./testing/bpf-live.ts";
import { attach, ledgerOf, poolOf, refusalOf, startProgram, until } from "./testing/ledger-live.ts";

for (const { rate, mode, why } of [
	{ rate: 500, mode: "return", why: "its returns are within the budget" },
	{ rate: 5_000, mode: "fast", why: "its returns are not, its callers' checks are" },
	{ rate: 0, mode: undefined, why: "neither is" },
] as const) {
	const pace = rate === 0 ? "as fast as it goes" : `${rate} borrows/s`;
	test(`${pace}: ${why}`, async (t) => {
		const args = ["-workers", "16", "-seconds", "8", "-rate", `${rate}`, "-hold"];
		const program = await startProgram(t, { args });
		if (program === undefined) return;
		program.go();
		// It is at work when a first ledger sees it.
		const first = await attach(t, program.pid, { mode: "fast", force: true });
		await until("it borrows", async () => {
			return poolOf(await ledgerOf(first), "database/sql").acquired > 100 || undefined;
		});
		await first.close();
		if (mode === undefined) {
			assert.match(
				await refusalOf(program.pid),
				/^unsupported: at \d+ returns\/s the ledger would take about \d+ % of a processor, the budget is 5 %; --force/,
			);
			assert.equal(await refusalOf(program.pid, { force: true }), "attached");
		} else {
			const session = await attach(t, program.pid);
			assert.ok(session.forecast.share < BUDGET_SHARE);
			assert.equal(poolOf(await ledgerOf(session), "database/sql").mode, mode);
			await session.close();
		}
		assert.equal((await program.result).errors, 0);
	});
}

tellHowManyRan();
