/** `--db` against a real PostgreSQL: what is read, what a wrong password says, what Ctrl-C leaves. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { readCapture } from "@plumbline/capture/file";
import { lookSessions } from "@plumbline/lab/look";
import { type PostgresServer, startPostgres } from "@plumbline/lab/postgres-server";
import { runPlumbline, STACK_TRACE } from "./testing/run-plumbline.ts";

const folder = mkdtempSync(join(tmpdir(), "plumbline-database-test-"));
let server: PostgresServer;
before(async () => {
	server = await startPostgres();
	await server.createDatabase("orders");
});
after(async () => {
	await server?.stop();
	rmSync(folder, { recursive: true });
});

/** Asked again until the server has noticed who left; a session that stays fails the test. */
async function sessionsLeft(): Promise<number> {
	let left = 0;
	for (let tries = 0; tries < 200; tries++) {
		left = Object.keys(await lookSessions(server.url("orders", "plumbline"))).length;
		if (left === 0) break;
	}
	return left;
}

test("a database alone is a line: its sessions are read all through the window", async () => {
	const path = join(folder, "db.plumb");
	const env = { PLUMBLINE_DB: server.url("orders", "orders_app") };
	const run = await runPlumbline(["capture", "--window", "3s", "-o", path], { env });
	assert.equal(run.code, 0, run.stderr);
	const { parts, target } = await readCapture(path);
	const samples = parts.filter(({ format }) => format === "postgres-sessions").map(({ sample }) => sample);
	assert.ok(samples.length >= 3, `${samples}`);
	assert.deepEqual(
		samples,
		samples.map((_, i) => i),
	);
	assert.match(target.db ?? "", /^postgres:\/\/orders_app:\*\*\*@/);
	assert.equal(await sessionsLeft(), 0);
});

test("a wrong password is a clear line, exit 3, and is not shown", async () => {
	const url = new URL(server.url("orders", "orders_app"));
	url.password = "hunter2";
	const run = await runPlumbline(["diagnose", "--window", "1s", "--db", url.href]);
	assert.equal(run.code, 3);
	const said = `${run.stdout} ${run.stderr}`.replace(/\s+/g, " ");
	assert.match(said, /database sessions \([^)]*password/);
	assert.doesNotMatch(said, /hunter2/);
	assert.doesNotMatch(run.stderr, STACK_TRACE);
});

test("Ctrl-C leaves no session in the database", async () => {
	const env = { PLUMBLINE_DB: server.url("orders", "orders_app") };
	const connected = (async () => {
		for (let tries = 0; tries < 10_000; tries++) {
			const sessions = await lookSessions(server.url("orders", "plumbline"));
			if (Object.keys(sessions).length > 0) return;
		}
	})();
	const run = await runPlumbline(["diagnose", "--window", "60s"], { env, interrupt: connected });
	assert.equal(run.code, 130);
	assert.equal(await sessionsLeft(), 0);
});
