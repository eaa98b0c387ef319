/** Whatever happens to the one who watches, the watched goes on unharmed; and the other way round. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { BorrowsProgram } from "@plumbline/lab/borrows-program";
import { tellHowManyRan } from "./testing/bpf-live.ts";
import { attachFromChild } from "./testing/ledger-attacher.ts";
import { type CodeWatch, watchCode } from "./testing/ledger-code.ts";
import {
	attach,
	expectExact,
	ledgerOf,
	poolOf,
	startProgram,
	until,
	watchProgram,
} from "./testing/ledger-live.ts";

/** A service at work: it borrows all the time while a test does what it does, and ends by itself. */
const AT_WORK = ["-workers", "8", "-rate", "500", "-pool-size", "6", "-hold"];

/** The kernel takes its time over perf events. */
for (const [mode, route, seconds] of [
	["return", "auto", 8],
	["fast", "auto", 8],
	["return", "perf", 16],
] as const) {
	test(`${mode} mode, route ${route}: the ledger's process is killed under load`, async (t) => {
		const program = await startProgram(t, { args: ["-seconds", `${seconds}`, ...AT_WORK] });
		if (program === undefined) return;
		const code = codeOf(t, program.pid);
		assert.deepEqual(code.changed(), []);
		program.go();
		const child = await attachFromChild(program.pid, { mode, route });
		t.after(() => child.kill());
		assert.equal(child.said, "attached");
		if (process.arch === "x64") assert.deepEqual(code.changed(), code.probed(mode), "only the probes");
		await child.kill();
		await until("the kernel has taken the breakpoints out", () => isUntouched(code));
		await expectGoesOn(t, program);
		assert.equal((await program.result).errors, 0);
		assert.deepEqual(code.changed(), []);
	});
}

test("two ledgers on one process at once: both are exact", async (t) => {
	const args = ["-workers", "8", "-borrows", "60013", "-pool-size", "12", "-leak-every", "4001", "-hold"];
	const watched = await watchProgram(t, { args }, { mode: "return" });
	if (watched === undefined) return;
	const { program, session } = watched;
	const second = await attach(t, program.pid, { mode: "fast" });
	program.go();
	const result = await program.result;
	expectExact(await ledgerOf(session), result);
	expectExact(await ledgerOf(second), result);
	await session.close();
	expectExact(await ledgerOf(second), result);
});

test("the program ends while it is watched: the books stay, and it is told", async (t) => {
	const args = ["-borrows", "3001", "-pool-size", "16", "-leak-every", "401"];
	const watched = await watchProgram(t, { args });
	if (watched === undefined) return;
	const { program, session } = watched;
	assert.equal(session.whyGone(), undefined);
	program.go();
	const result = await program.result;
	const why = await until("it has ended", () => session.whyGone());
	assert.match(why, new RegExp(`process ${program.pid}`));
	const ledger = await ledgerOf(session);
	const { acquired, released, held } = poolOf(ledger, "database/sql");
	assert.deepEqual([acquired, released, held], [3001, 2994, 7]);
	assert.equal(result.dbStats.InUse, 7);
	assert.deepEqual(ledger.owners, [], "its memory is gone");
	assert.equal(ledger.held.length, 7);
	await session.close();
});

test("the program is killed while it is watched", async (t) => {
	const watched = await watchProgram(t, { args: ["-seconds", "600", ...AT_WORK] });
	if (watched === undefined) return;
	const { program, session } = watched;
	program.go();
	await until(
		"it sees borrows",
		async () => poolOf(await ledgerOf(session), "database/sql").acquired > 10 || undefined,
	);
	process.kill(program.pid, "SIGKILL");
	await until("it has ended", () => session.whyGone());
	const { acquired, released, held, replaced } = poolOf(await ledgerOf(session), "database/sql");
	assert.equal(acquired, released + held);
	assert.equal(replaced, 0);
	await session.close();
});

function codeOf(t: TestContext, pid: number): CodeWatch {
	const code = watchCode(pid);
	t.after(() => code.close());
	return code;
}

function isUntouched(code: CodeWatch): true | undefined {
	return code.changed().length === 0 || undefined;
}

async function expectGoesOn(t: TestContext, { pid }: BorrowsProgram): Promise<void> {
	const session = await attach(t, pid, { force: true });
	await until("a new ledger sees borrows", async () => {
		const { acquired } = poolOf(await ledgerOf(session), "database/sql");
		return acquired > 100 || undefined;
	});
	await session.close();
}

tellHowManyRan();
