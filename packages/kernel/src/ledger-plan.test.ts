/** Plans for made-up programs whose machine code is right to the byte, so that nothing of the planning is faked. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { goidOffset, goMinor, type PlannedPool, type PoolPlan, planPools } from "./ledger-plan.ts";
import { POOLS, type PoolEntry } from "./ledger-pools.ts";
import {
	BRANCH_AT,
	type FakeFunction,
	type FakeProgram,
	fakeProgram,
	LOADED_AT,
} from "./testing/fake-program.ts";

const CONN = "database/sql.(*DB).conn";
const PUT = "database/sql.(*DB).putConn";
const SQL_PROGRAM: readonly FakeFunction[] = [
	{ name: CONN },
	{ name: PUT },
	{ name: "database/sql.(*DB).begin", calls: [CONN] },
	{ name: "database/sql.(*DB).query", calls: [CONN] },
	{ name: "main.main", calls: ["database/sql.(*DB).begin", "database/sql.(*DB).query", PUT] },
];
const SQL = entry("database/sql");
const V2 = entry("pgxpool v5");
const HTTP = entry("net/http");
const PUDDLE = "github.com/jackc/puddle/v2.(*Pool[...])";

function entry(id: string): PoolEntry {
	const found = POOLS.find((pool) => pool.id === id);
	assert.ok(found !== undefined, id);
	return found;
}

function planned(program: FakeProgram, pool: PoolEntry, mode: "return" | "fast" = "return"): PlannedPool {
	const [one] = planPools(program.symbols, [pool], mode);
	assert.ok(one !== undefined);
	return one;
}

function planOf(program: FakeProgram, pool: PoolEntry, mode: "return" | "fast" = "return"): PoolPlan {
	const one = planned(program, pool, mode);
	assert.equal(one.kind, "watched", one.kind === "refused" ? one.why : one.kind);
	assert.ok(one.kind === "watched");
	return one.plan;
}

function whyRefused(program: FakeProgram, pool: PoolEntry): string {
	const one = planned(program, pool);
	return one.kind === "refused" ? one.why : one.kind;
}

const inFile = (addresses: readonly number[]) => addresses.map((address) => address - LOADED_AT);

test("at returns: every RET of conn, and the stack check's branch of what waits and releases", () => {
	const program = fakeProgram(SQL_PROGRAM);
	const { entryOf, returnOf } = program;
	assert.deepEqual(planOf(program, SQL), {
		pool: SQL,
		mode: "return",
		acquire: inFile([returnOf(CONN)]),
		release: [{ arguments: [1], atBranch: true, offsets: inFile([entryOf(PUT) + BRANCH_AT]) }],
		wait: inFile([entryOf(CONN) + BRANCH_AT]),
	});
});

test("a releasing function with a stack check, and its instance without one, are planned apart", () => {
	const program = fakeProgram([...SQL_PROGRAM, { name: PUT, assembly: true }]);
	assert.deepEqual(planOf(program, SQL).release, [
		{ arguments: [1], atBranch: true, offsets: inFile([program.entryOf(PUT) + BRANCH_AT]) },
		{ arguments: [1], atBranch: false, offsets: inFile([program.entryOf(PUT, 1)]) },
	]);
});

test("fast, proved: the jumps behind the calls, in every caller", () => {
	const program = fakeProgram(SQL_PROGRAM);
	const { jumpsOf } = program;
	const plan = planOf(program, SQL, "fast");
	assert.equal(plan.mode, "fast");
	const jumps = [...jumpsOf("database/sql.(*DB).begin"), ...jumpsOf("database/sql.(*DB).query")];
	assert.deepEqual(plan.acquire, inFile(jumps));
	assert.deepEqual(plan.wait, planOf(program, SQL).wait, "waiters are seen at the entry all the same");
});

test("fast, not proved: at returns instead", () => {
	const clobbered = SQL_PROGRAM.map((fn) => (fn.name.endsWith("query") ? { ...fn, clobbers: true } : fn));
	assert.equal(planOf(fakeProgram(clobbered), SQL, "fast").mode, "return");
	const outside = [...SQL_PROGRAM, { name: "example.com/tricks.Linked", calls: [CONN] }];
	assert.equal(planOf(fakeProgram(outside), SQL, "fast").mode, "return", "a caller in another package");
	const uncalled = SQL_PROGRAM.filter(({ calls }) => !calls?.includes(CONN));
	assert.equal(planOf(fakeProgram(uncalled), SQL, "fast").mode, "return");
	const http = [{ name: "net/http.(*Transport).getConn" }, { name: "net/http.(*persistConn).closeLocked" }];
	assert.equal(planOf(fakeProgram(http), HTTP, "fast").mode, "return", "a pool without known callers");
});

test("nobody waits in net/http's acquiring function", () => {
	const http = [{ name: "net/http.(*Transport).getConn" }, { name: "net/http.(*persistConn).closeLocked" }];
	const plan = planOf(fakeProgram(http), HTTP);
	assert.deepEqual(plan.wait, []);
	assert.deepEqual(
		plan.release.map((release) => release.arguments),
		[[0]],
		"what is not linked in is not probed",
	);
});

test("absent: the program has none of the acquiring functions", () => {
	const program = fakeProgram([{ name: "main.main" }, { name: PUT }]);
	for (const one of planPools(program.symbols, POOLS, "return")) assert.equal(one.kind, "absent");
});

test("absent too when only what releases was inlined: nobody takes a connection", () => {
	const closed = "net/http.(*persistConn).closeLocked";
	const program = fakeProgram([{ name: "main.main" }], { [closed]: "net/http.(*persistConn).close" });
	assert.equal(planned(program, HTTP).kind, "absent");
});

test("refused: connections are taken, and none of the releasing functions is there", () => {
	const why = whyRefused(fakeProgram([{ name: CONN }]), SQL);
	assert.equal(why, `the program takes connections, but has none of ${PUT}`);
});

test("refused: inlined, even where the function still exists", () => {
	for (const name of [CONN, PUT]) {
		const why = whyRefused(fakeProgram(SQL_PROGRAM, { [name]: "database/sql.(*DB).begin" }), SQL);
		assert.equal(why, `${name} is inlined into database/sql.(*DB).begin: its calls there would not be seen`);
	}
	const gone = fakeProgram([{ name: PUT }], { [CONN]: "database/sql.(*DB).begin" });
	assert.match(whyRefused(gone, SQL), /conn is inlined into/, "and where it is nowhere else");
});

test("refused: one return of it cannot be told", () => {
	const assembly = SQL_PROGRAM.map((fn) => (fn.name === CONN ? { ...fn, assembly: true } : fn));
	assert.match(whyRefused(fakeProgram(assembly), SQL), /conn: written in assembly/);
	const { symbols, ...rest } = fakeProgram(SQL_PROGRAM);
	const cut = { ...rest, symbols: { ...symbols, stackDeltas: () => undefined } };
	assert.match(whyRefused(cut, SQL), /no table of its stack depth/);
	const nowhere = { ...rest, symbols: { ...symbols, fileOffset: () => undefined } };
	assert.match(whyRefused(nowhere, SQL), /is in no segment of the file/);
});

test("one pool refused leaves the others watched, in the order of the table", () => {
	const both = [...SQL_PROGRAM, { name: "net/http.(*Transport).getConn" }];
	const kinds = planPools(fakeProgram(both).symbols, POOLS, "return").map((one) => one.kind);
	assert.deepEqual(kinds, ["watched", "absent", "absent", "refused"]);
});

const GENERIC: readonly FakeFunction[] = [
	{ name: `${PUDDLE}.acquire` },
	{ name: `${PUDDLE}.Acquire`, calls: [`${PUDDLE}.acquire`] },
	{ name: `${PUDDLE}.Acquire`, calls: [`${PUDDLE}.acquire`] },
	{ name: `${PUDDLE}.TryAcquire` },
	{ name: `${PUDDLE}.releaseAcquiredResource` },
];

test("the first set of acquiring functions that is there, with those used beside it", () => {
	const program = fakeProgram(GENERIC);
	const { returnOf } = program;
	const [inner, beside] = [returnOf(`${PUDDLE}.acquire`), returnOf(`${PUDDLE}.TryAcquire`)];
	assert.deepEqual(planOf(program, V2).acquire, inFile([inner, beside]));
	const older = fakeProgram(GENERIC.slice(1));
	const outer = [0, 1].map((n) => older.returnOf(`${PUDDLE}.Acquire`, n));
	const try_ = older.returnOf(`${PUDDLE}.TryAcquire`);
	assert.deepEqual(planOf(older, V2).acquire, inFile([...outer, try_]), "every instance of it");
});

test("a function that is not used may be inlined", () => {
	const pgxpool = "github.com/jackc/pgx/v5/pgxpool.(*Pool).Acquire";
	const outer = fakeProgram(GENERIC, { [`${PUDDLE}.Acquire`]: pgxpool });
	const inner = outer.returnOf(`${PUDDLE}.acquire`);
	assert.equal(planOf(outer, V2).acquire[0], inner - LOADED_AT);
	const innerInlined = fakeProgram(GENERIC.slice(1), { [`${PUDDLE}.acquire`]: `${PUDDLE}.Acquire` });
	const [first] = planOf(innerInlined, V2).acquire;
	assert.equal(first, innerInlined.returnOf(`${PUDDLE}.Acquire`) - LOADED_AT, "its caller has it whole");
	const both = { [`${PUDDLE}.acquire`]: `${PUDDLE}.Acquire`, [`${PUDDLE}.Acquire`]: pgxpool };
	assert.match(whyRefused(fakeProgram(GENERIC.slice(3), both), V2), /is inlined into/);
	const beside = fakeProgram(GENERIC, { [`${PUDDLE}.TryAcquire`]: "main.main" });
	assert.match(whyRefused(beside, V2), /TryAcquire is inlined into main\.main/);
});

test("the goroutine's id: where each Go has it, and no guess for others", () => {
	const told = [17, 18, 19, 22, 23, 24, 25, 26, 27, 28].map((minor) => {
		const reading = goidOffset(`go1.${minor}.3`);
		return [minor, reading.kind === "read" ? reading.value : reading.code];
	});
	assert.deepEqual(told, [
		[17, "unsupported"],
		[18, "unsupported"],
		[19, 152],
		[22, 152],
		[23, 160],
		[24, 160],
		[25, 152],
		[26, 152],
		[27, 152],
		[28, "unsupported"],
	]);
	for (const version of [undefined, "", "devel go1.25-3fd729b2a1 Sat Mar 1", "go2.0", "1.26"]) {
		const reading = goidOffset(version);
		assert.ok(reading.kind === "refused", version);
		assert.match(reading.why, /^built by .*the ledger knows Go 1\.19 to 1\.27$/);
	}
});

test("the minor version, of releases, candidates and experiments", () => {
	const of = (version: string) => goMinor(version);
	assert.deepEqual(["go1.19", "go1.26.8", "go1.27rc1", "go1.27-abcdef X:nodwarf5"].map(of), [19, 26, 27, 27]);
});
