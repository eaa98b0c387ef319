/** Full tables: what finds no room is counted, what is in them stays right, and the program does not notice. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { openServers } from "@plumbline/lab/servers";
import { POOLS } from "./ledger-pools.ts";
import { tellHowManyRan } from "./testing/bpf-live.ts";
import { attach, heldByKind, ledgerOf, poolOf, until, watchProgram } from "./testing/ledger-live.ts";

const servers = openServers();
after(() => servers.stop());

test("full of held ones: the oldest stay, the others are counted as lost", async (t) => {
	const args = ["-workers", "1", "-borrows", "4001", "-leak-every", "100", "-leak-max", "9", "-hold"];
	const watched = await watchProgram(t, { args }, { limits: { held: 5 } });
	if (watched === undefined) return;
	watched.program.go();
	const result = await watched.program.result;
	assert.equal(result.errors, 0);
	assert.equal(result.dbStats.InUse, 9);
	const ledger = await ledgerOf(watched.session);
	const { acquired, released, held, replaced, lost, strangers } = poolOf(ledger, "database/sql");
	// One worker: until the fifth leak there was room, from then on there was none.
	assert.deepEqual(
		{ acquired, released, held, replaced, lost, strangers },
		// Those lost that came back, all but four leaks, came back as strangers.
		{ acquired: 500, released: 495, held: 5, replaced: 0, lost: 3501, strangers: 3497 },
	);
	assert.deepEqual(heldByKind(ledger), {
		"sql-conn": 1,
		"sql-tx": 1,
		"sql-rows": 1,
		"sql-row": 1,
		"sql-inlined": 1,
	});
});

test("full under contention: what is in the table adds up, what is not is lost", async (t) => {
	const args = ["-workers", "8", "-borrows", "50021", "-leak-every", "1009", "-leak-max", "7", "-hold"];
	const watched = await watchProgram(t, { args }, { limits: { held: 4 } });
	if (watched === undefined) return;
	watched.program.go();
	const result = await watched.program.result;
	assert.equal(result.errors, 0);
	const { acquired, released, held, replaced, lost } = poolOf(
		await ledgerOf(watched.session),
		"database/sql",
	);
	assert.equal(acquired, released + held);
	assert.equal(acquired + lost, result.borrows);
	assert.equal(replaced, 0);
	assert.ok(lost > 0 && held <= 4);
});

test("full of stacks: the rest is one row without frames, and every count is right", async (t) => {
	const args = ["-workers", "8", "-borrows", "20011", "-leak-every", "1009", "-leak-max", "7", "-hold"];
	const watched = await watchProgram(t, { args }, { limits: { stacks: POOLS.length + 2 } });
	if (watched === undefined) return;
	watched.program.go();
	const result = await watched.program.result;
	assert.equal(result.errors, 0);
	const ledger = await ledgerOf(watched.session);
	const { acquired, released, held, replaced, lost } = poolOf(ledger, "database/sql");
	assert.deepEqual(
		{ acquired, released, held, replaced, lost },
		{ acquired: result.borrows, released: result.borrows - 7, held: 7, replaced: 0, lost: 0 },
	);
	assert.equal(ledger.stacks.length, 3);
	const [nameless, ...more] = ledger.stacks.filter(({ frames }) => frames.length === 0);
	assert.ok(nameless);
	assert.deepEqual(more, []);
	assert.ok(nameless.held > 0, "leaks came after the room had gone");
	const sum = (count: "acquired" | "released" | "held") =>
		ledger.stacks.reduce((total, stack) => total + stack[count], 0);
	assert.deepEqual([sum("acquired"), sum("released"), sum("held")], [acquired, released, held]);
	assert.equal(ledger.held.length, 7);
});

test("full of waiting ones: some are seen, beside a ledger with room that sees all", async (t) => {
	// Not database/sql: when all its callers wait, Go sees a deadlock and ends the program.
	const dry = ["-workers", "8", "-borrows", "1009", "-leak-every", "1", "-pool-size", "6", "-leak-max", "6"];
	const args = ["-pgxpool", "-dsn", (await servers.postgres()).url(), ...dry];
	const watched = await watchProgram(t, { args });
	if (watched === undefined) return;
	const { program, session } = watched;
	const small = await attach(t, program.pid, { limits: { waiting: 3 } });
	program.go();
	const ledger = await until("all are held, and 8 callers parked", async () => {
		const now = await ledgerOf(session);
		const parked = now.waiting.filter(({ frames }) => frames.length > 0);
		return now.held.length === 6 && parked.length === 8 ? now : undefined;
	});
	const full = await ledgerOf(small);
	assert.equal(full.waiting.length, 3);
	assert.equal(full.held.length, 6);
	assert.equal(new Set(ledger.waiting.map(({ goid }) => goid)).size, 8);
	for (const { pool, frames } of [...ledger.waiting, ...full.waiting]) {
		assert.equal(pool, "pgxpool v5");
		assert.ok(
			frames.some(({ func }) => /^main\.\(\*pgxPool\)\.(Borrow|leak)/.test(func)),
			JSON.stringify(frames),
		);
	}
});

tellHowManyRan();
