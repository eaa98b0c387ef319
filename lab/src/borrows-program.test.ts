/** The ledger's witness, checked itself: what it says it did is what its pool says. */
import assert from "node:assert/strict";
import { after, type TestContext, test } from "node:test";
import {
	type BorrowsOptions,
	type BorrowsProgram,
	type BorrowsResult,
	borrowsLeaks,
	startBorrows,
} from "./borrows-program.ts";
import { openServers } from "./servers.ts";
import { NoServiceError } from "./stage.ts";

const servers = openServers();
after(() => servers.stop());

const sum = (counts: Readonly<Record<string, number>>) =>
	Object.values(counts).reduce((total, count) => total + count, 0);

test("each kind of leak is marked once, by the name a stack gives it", () => {
	const leaks = borrowsLeaks();
	assert.equal(leaks.size, 13);
	const func = (kind: string) => leaks.get(kind)?.func;
	assert.equal(func("sql-conn"), "main.(*sqlPool).leakConn");
	assert.equal(func("sql-inlined"), "main.(*sqlPool).take");
	assert.equal(func("sql-generic"), "main.leakGeneric[...]");
	assert.equal(func("sql-closure"), "main.(*sqlPool).leakInClosure.func1");
});

test("in memory: leaks of every kind stay in the pool's own count", async (t) => {
	const result = await resultOf(t, {
		args: ["-borrows", "7000", "-pool-size", "30", "-leak-every", "500", "-before", "3"],
	});
	if (!result) return;
	assert.equal(result.borrows, 7000);
	assert.equal(result.errors, 0);
	assert.equal(sum(result.leaked), 12);
	assert.equal(sum(result.leakedBefore), 3);
	assert.equal(result.dbStats.InUse, 15);
	assert.deepEqual(kinds("sql-"), Object.keys({ ...result.leaked, ...result.leakedBefore }).toSorted());
});

test("a small pool makes its callers wait, and all is given back", async (t) => {
	const result = await resultOf(t, { args: ["-borrows", "20011", "-workers", "7", "-pool-size", "2"] });
	if (!result) return;
	assert.equal(result.borrows, 20011);
	assert.ok(result.dbStats.WaitCount > 0);
	assert.equal(result.dbStats.InUse, 0);
});

test("over HTTP: bodies left open keep their connections", async (t) => {
	const result = await resultOf(t, { args: ["-http", "-borrows", "1000", "-leak-every", "300"] });
	if (!result) return;
	assert.deepEqual(Object.keys(result.leaked).toSorted(), kinds("http-"));
	assert.equal(result.dbStats.InUse, 3);
});

for (const [mode, flags, prefix] of [
	["lib/pq", ["-driver", "postgres"], "sql-"],
	["pgx stdlib", ["-driver", "pgx"], "sql-"],
	["pgxpool", ["-pgxpool"], "pgx-"],
] as const) {
	test(`on PostgreSQL over ${mode}: as in memory`, async (t) => {
		const server = await servers.postgres();
		const sized = ["-borrows", "701", "-pool-size", "20", "-leak-every", "100"];
		const result = await resultOf(t, { args: [...flags, "-dsn", server.url(), ...sized] });
		if (!result) return;
		assert.equal(result.errors, 0);
		assert.equal(sum(result.leaked), 7);
		assert.deepEqual(Object.keys(result.leaked).toSorted(), kinds(prefix));
		assert.equal(result.dbStats.InUse, 7);
	});
}

test("it builds with the oldest Go, holds on after its work, and ends when told", async (t) => {
	const program = await started(t, { toolchain: "go1.19.8", args: ["-borrows", "10", "-hold"] });
	if (!program) return;
	assert.equal(program.goVersion, "go1.19.8");
	program.go();
	assert.equal((await program.result).borrows, 10);
	assert.ok(process.kill(program.pid, 0));
	await program.stop();
	assert.throws(() => process.kill(program.pid, 0), { code: "ESRCH" });
});

test("one that ends without a result says why", async (t) => {
	const args = ["-driver", "postgres", "-dsn", "postgres://127.0.0.1:1/", "-borrows", "1"];
	await assert.rejects(async () => {
		if (!(await started(t, { args }))) throw new Error("borrows: open: skipped");
	}, /borrows: open: /);
});

function kinds(prefix: string): readonly string[] {
	return [...borrowsLeaks().keys()].filter((kind) => kind.startsWith(prefix)).toSorted();
}

async function resultOf(t: TestContext, options: BorrowsOptions): Promise<BorrowsResult | undefined> {
	const program = await started(t, options);
	program?.go();
	return program?.result;
}

async function started(t: TestContext, options: BorrowsOptions): Promise<BorrowsProgram | undefined> {
	try {
		const program = await startBorrows(options);
		t.after(() => program.stop());
		return program;
	} catch (error) {
		if (!(error instanceof NoServiceError) || error.code !== "PLUMBLINE_LAB_NO_GO") throw error;
		t.skip("missing tool: go");
		return undefined;
	}
}
