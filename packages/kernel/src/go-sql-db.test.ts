/** A real Go program tells its pools' counts; its memory must say the same. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { readPuddlePool } from "./go-puddle-pool.ts";
import { readSqlPool } from "./go-sql-db.ts";
import { openProcessMemory } from "./process-memory.ts";
import { runGoMemory } from "./testing/go-memory.ts";

const program = await runGoMemory();
after(() => program?.end());

function memoryOf(pid: number) {
	const memory = openProcessMemory(pid);
	assert.ok(memory.kind === "read", memory.kind === "refused" ? memory.why : "");
	return memory.value;
}

test("what DB.Stats says of every sql.DB", (t) => {
	if (program === undefined) return t.skip("missing tool: go");
	const memory = memoryOf(program.pid);
	const pools = program.pools.filter(({ kind }) => kind === "sql");
	assert.equal(pools.length, 2);
	for (const { db, open, idle, maxOpen, version } of pools) {
		const reading = readSqlPool(memory, db, version);
		assert.deepEqual(reading, { kind: "read", value: { open, idle, maxOpen } });
		for (const by of [-64, -8, 8, 64])
			assert.equal(readSqlPool(memory, db + by, version).kind, "refused", `${by}`);
		for (const other of ["go1.17.13", "go1.28.0", "devel", ""]) {
			const refusal = readSqlPool(memory, db, other);
			assert.ok(refusal.kind === "refused" && refusal.code === "unsupported", other);
		}
		// The layouts differ by one word, so that the wrong one is found out.
		const wrong = readSqlPool(memory, db, Number(/\.(\d+)/.exec(version)?.[1]) > 22 ? "go1.22" : "go1.23");
		assert.notDeepEqual(wrong, reading);
	}
	memory.close();
});

test("what Stat says of every puddle, of three layouts", (t) => {
	if (program === undefined) return t.skip("missing tool: go");
	const memory = memoryOf(program.pid);
	const pools = program.pools.filter(({ kind }) => kind === "puddle");
	assert.equal(pools.length, 3);
	for (const { db, open, idle, maxOpen, version } of pools) {
		assert.deepEqual(readPuddlePool(memory, db), { kind: "read", value: { open, idle, maxOpen } }, version);
		for (const by of [-64, -16, -8, 8, 16, 64]) assert.equal(readPuddlePool(memory, db + by).kind, "refused");
	}
	for (const { db } of program.pools.filter(({ kind }) => kind === "sql")) {
		assert.equal(readPuddlePool(memory, db).kind, "refused");
	}
	assert.equal(readPuddlePool(memory, 0).kind, "refused");
	memory.close();
});
