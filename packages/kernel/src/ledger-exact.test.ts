/** The ledger's books against a program that counts itself: equal to the last connection, under contention. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { openServers } from "@plumbline/lab/servers";
import { tellHowManyRan } from "./testing/bpf-live.ts";
import { expectExact, ledgerOf, poolOf, watchProgram } from "./testing/ledger-live.ts";

const servers = openServers();
after(() => servers.stop());

/** 8 callers for 5 connections, once the 7 kinds of leak have had theirs. */
const CONTENTION = ["-workers", "8", "-pool-size", "12", "-leak-max", "7", "-hold"];

for (const [what, mode, route, borrows, leakEvery] of [
	["a million borrows, fast mode", "fast", "auto", 1_000_003, 40_009],
	["a million borrows, return mode", "return", "auto", 1_000_003, 40_009],
	["30,000 borrows, return mode by perf events", "return", "perf", 30_011, 1_009],
	["30,000 borrows, fast mode by perf events", "fast", "perf", 30_011, 1_009],
] as const) {
	test(`${what}: what leaks is held, by line, and nothing else`, async (t) => {
		const args = ["-borrows", `${borrows}`, "-leak-every", `${leakEvery}`, ...CONTENTION];
		const watched = await watchProgram(t, { args }, { mode, route });
		if (watched === undefined) return;
		const { program, session } = watched;
		program.go();
		const result = await program.result;
		const ledger = await ledgerOf(session);
		assert.equal(result.borrows, borrows);
		assert.ok(result.dbStats.WaitCount > 0, "callers waited");
		expectExact(ledger, result);
		assert.equal(poolOf(ledger, "database/sql").mode, mode);
		assert.equal(result.dbStats.InUse, 7);
		assert.deepEqual(
			ledger.owners.map(({ open, idle, maxOpen }) => ({ open, idle, maxOpen })),
			[{ open: result.dbStats.OpenConnections, idle: result.dbStats.Idle, maxOpen: 12 }],
		);
		await session.close();
	});
}

for (const mode of ["return", "fast"] as const) {
	test(`${mode} mode: a healthy program holds nothing in the end`, async (t) => {
		const args = ["-borrows", "60013", "-workers", "8", "-pool-size", "3", "-hold"];
		const watched = await watchProgram(t, { args }, { mode });
		if (watched === undefined) return;
		watched.program.go();
		const result = await watched.program.result;
		assert.equal(result.dbStats.InUse, 0);
		expectExact(await ledgerOf(watched.session), result);
	});
}

test("HTTP: bodies left open are held, by line, and nothing else", async (t) => {
	const args = ["-http", "-borrows", "9001", "-leak-every", "1009", "-leak-max", "6", "-hold"];
	const watched = await watchProgram(t, { args });
	if (watched === undefined) return;
	watched.program.go();
	const result = await watched.program.result;
	const ledger = await ledgerOf(watched.session);
	expectExact(ledger, result, "net/http");
	assert.equal(ledger.held.length, 6);
});

for (const [what, flags, pool] of [
	["lib/pq", ["-driver", "postgres"], "database/sql"],
	["pgx stdlib", ["-driver", "pgx"], "database/sql"],
	["pgxpool", ["-pgxpool"], "pgxpool v5"],
] as const) {
	test(`PostgreSQL over ${what}: what leaks is held, by line and by socket`, async (t) => {
		const server = await servers.postgres();
		const args = [...flags, "-dsn", server.url(), "-borrows", "5003", "-leak-every", "499", ...CONTENTION];
		const watched = await watchProgram(t, { args });
		if (watched === undefined) return;
		watched.program.go();
		const result = await watched.program.result;
		const ledger = await ledgerOf(watched.session);
		expectExact(ledger, result, pool);
		assert.equal(result.dbStats.InUse, 7);
		const inodes = ledger.held.map(({ socket }) => socket?.inode);
		assert.equal(new Set(inodes).size, 7, "each has a socket of its own");
		assert.ok(!inodes.includes(undefined));
	});
}

tellHowManyRan();
