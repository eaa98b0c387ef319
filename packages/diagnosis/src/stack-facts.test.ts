/** Roles of real stacks, recorded by fixtures/stacks/program on Go 1.19 to 1.27. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { GoroutineTable } from "@plumbline/signals/goroutines";
import { decodeGoroutinesDebug2 } from "@plumbline/signals/goroutines-debug2";
import { applicationTest } from "./application.ts";
import { type DumpView, dumpView } from "./dump-view.ts";
import { handlesIn } from "./handles.ts";
import { type Role, stackFacts } from "./stack-facts.ts";
import { app, type Call, call } from "./testing/dump-text.ts";
import { gormTransaction, waitsForPool } from "./testing/goroutines.ts";

const FIXTURES = join(import.meta.dirname, "..", "fixtures", "stacks");
const isApplication = applicationTest(undefined);

function recorded(version: string): DumpView {
	const decoded = decodeGoroutinesDebug2(readFileSync(join(FIXTURES, `${version}.debug2.txt`)));
	assert.equal(decoded.kind, "decoded");
	const value = (decoded as { value: GoroutineTable }).value;
	const moment = { wallMs: 0, monoMs: 0 } as DumpView["sampled"]["part"]["start"];
	const part = {
		name: version,
		format: "go-debug2",
		sample: 0,
		source: "",
		start: moment,
		end: moment,
	} as const;
	return dumpView({ part, value }, 0, isApplication);
}

/** Every function of the program that parks in a situation, and the role it must have. */
const SITUATIONS: Readonly<Record<string, Role>> = {
	"main.waitQuery": "pool-wait",
	"main.waitExec": "pool-wait",
	"main.waitBegin": "pool-wait",
	"main.waitConn": "pool-wait",
	"main.waitPing": "pool-wait",
	"main.runQuery": "driver-call",
	"main.runExec": "driver-call",
	"main.runInTx": "driver-call",
	"main.runOnConn": "driver-call",
	"main.readRows": "driver-call",
	"main.holdTx": "other",
	"main.holdRows": "other",
	"main.holdRowsInTx": "other",
	"main.beginTrip": "begin-roundtrip",
	"main.dialInline": "dial",
};

for (const version of ["go1.19", "go1.21", "go1.22", "go1.26", "go1.27"]) {
	test(`${version}: each situation has its role`, () => {
		const dump = recorded(version);
		const seen = new Map<string, Role>();
		for (let row = 0; row < dump.table.count; row++) {
			const facts = dump.facts(row);
			const name = facts.application.map((f) => f.func).find((f) => f in SITUATIONS);
			if (name !== undefined) seen.set(name, facts.role);
		}
		assert.deepEqual(
			Object.fromEntries([...seen].sort()),
			Object.fromEntries(Object.entries(SITUATIONS).sort()),
		);
	});

	test(`${version}: one watcher a transaction and cursor, one opener a pool, server connections told apart`, () => {
		const dump = recorded(version);
		const counts = (role: Role): number => dump.rows(role).length;
		assert.deepEqual(
			(["tx-await", "rollback-blocked", "rows-await", "opener", "background-read", "http-idle"] as const).map(
				counts,
			),
			[5, 1, 3, 4, 1, 1],
		);
	});

	test(`${version}: a cursor inside a transaction is known by its second context`, () => {
		const rows = [...handlesIn(recorded(version))].filter((h) => h.kind === "rows");
		assert.deepEqual(rows.map((h) => h.inTx).sort(), [false, false, true]);
	});
}

const roleAndTx = (...calls: readonly Call[]) => {
	const { role, insideTx, borrow } = stackFacts(calls, isApplication);
	return { role, insideTx, api: borrow?.api };
};

test("waiting to begin inside gorm's block form is not being inside the transaction", () => {
	const stack = [...waitsForPool("begin").calls, call("gorm.io/gorm.(*DB).Begin"), gormTransaction];
	assert.deepEqual(roleAndTx(...stack, app("main.pay", 7)), {
		role: "pool-wait",
		insideTx: false,
		api: "self-contained",
	});
});

test("waiting for a second connection in the body of gorm's block form is being inside", () => {
	const stack = [...waitsForPool("query").calls, app("main.pay.func1", 9), gormTransaction];
	assert.equal(roleAndTx(...stack, app("main.pay", 7)).insideTx, true);
});

test("a statement prepared on the pool is not a statement of a transaction", () => {
	const { insideTx, api } = roleAndTx(...waitsForPool("stmt").calls, app("main.list", 7));
	assert.deepEqual({ insideTx, api }, { insideTx: false, api: "rows" });
});

test("gorm's own transaction around one write does not make its caller one who begins by hand", () => {
	const implicit = [
		call("database/sql.ctxDriverExec"),
		call("database/sql.(*Tx).ExecContext"),
		call("gorm.io/gorm/callbacks.Create.func1"),
		call("gorm.io/gorm.(*processor).Execute"),
		call("gorm.io/gorm.(*DB).Create"),
		app("main.signUp", 5),
	];
	assert.deepEqual(roleAndTx(...implicit), { role: "driver-call", insideTx: true, api: "self-contained" });
	const byHand = [
		call("database/sql.ctxDriverQuery"),
		call("database/sql.(*Tx).QueryContext"),
		call("gorm.io/gorm/callbacks.Query"),
		call("gorm.io/gorm.(*processor).Execute"),
		call("gorm.io/gorm.(*DB).Find"),
		app("main.report", 5),
	];
	assert.deepEqual(roleAndTx(...byHand), { role: "driver-call", insideTx: true, api: "tx-use" });
});

test("pgx v4: a waiter's helper is not a second waiter; its block form is one", () => {
	const puddle = "github.com/jackc/puddle.(*Pool).Acquire";
	const pool = "github.com/jackc/pgx/v4/pgxpool.(*Pool)";
	const waiter = [call(puddle), call(`${pool}.Acquire`), call(`${pool}.Query`), app("main.list", 7)];
	assert.deepEqual(roleAndTx(...waiter), { role: "pool-wait", insideTx: false, api: "rows" });
	assert.equal(roleAndTx(call("sync.(*Cond).Wait"), call(`${puddle}.func2`)).role, "other");
	const inBlock = [
		...waiter.slice(0, 3),
		app("main.pay.func1", 9),
		call(`${pool}.BeginTxFunc`),
		app("main.pay", 7),
	];
	assert.equal(roleAndTx(...inBlock).insideTx, true);
});
