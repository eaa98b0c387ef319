/** A ledger that comes and goes leaves no trace, in the program or here. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { tellHowManyRan } from "./testing/bpf-live.ts";
import { watchCode } from "./testing/ledger-code.ts";
import { attach, ledgerOf, poolOf, startProgram, until } from "./testing/ledger-live.ts";

test("attached and detached 20 times under load: no error, nothing left behind", async (t) => {
	const program = await startProgram(t, {
		args: ["-seconds", "30", "-workers", "8", "-rate", "500", "-pool-size", "6", "-hold"],
	});
	if (program === undefined) return;
	const code = watchCode(program.pid);
	t.after(() => code.close());
	program.go();
	const before = descriptorCount();
	assert.deepEqual(code.changed(), []);
	for (let turn = 0; turn < 20; turn++) {
		const session = await attach(t, program.pid, { mode: turn % 2 === 0 ? "return" : "fast", force: true });
		const pool = await until("it sees borrows", async () => {
			const seen = poolOf(await ledgerOf(session), "database/sql");
			return seen.acquired > 10 ? seen : undefined;
		});
		assert.equal(pool.replaced + pool.lost, 0);
		await session.close();
		assert.equal(descriptorCount(), before, `after turn ${turn}`);
	}
	assert.deepEqual(code.changed(), []);
	const { errors, dbStats } = await program.result;
	assert.deepEqual([errors, dbStats.InUse], [0, 0]);
});

function descriptorCount(): number {
	return readdirSync("/proc/self/fd").length;
}

tellHowManyRan();
