/** The collector against a real MariaDB, one session in each state. RECORD=1 renews the decoder's fixture. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, type TestContext, test } from "node:test";
import { MissingProgramError } from "@plumbline/lab/debian-program";
import type { MariadbServer } from "@plumbline/lab/mariadb-server";
import { openServers } from "@plumbline/lab/servers";
import type { SessionTable } from "@plumbline/signals/sessions";
import { decodeMysqlSessions } from "@plumbline/signals/sessions-mysql";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { systemClock } from "./clock.ts";
import { Recorder } from "./recorder.ts";
import { collectSessions, openSessions } from "./sessions.ts";

const servers = openServers();
const DATABASE = "lab_orders";
const SECRET = "anna@example.org";
/** One poll is a round trip to the server, some tenths of a millisecond at least. */
const POLLS_MAX = 20_000;
const connections = new Map<string, Connection>();
let missing: string | undefined;
let appUrl: string;
let plumblineUrl: string;
let admin: Connection;

const STAGED: Readonly<Record<string, readonly string[]>> = {
	idle: [`SELECT '${SECRET}'`],
	"begin only": ["START TRANSACTION"],
	read: ["START TRANSACTION", "SELECT * FROM orders WHERE id = 1"],
	wrote: ["START TRANSACTION", `UPDATE orders SET email = "${SECRET}" WHERE id = 2`],
};

before(async () => {
	const server = await mariadb();
	if (server === undefined) return;
	await server.createDatabase(DATABASE);
	appUrl = server.url(DATABASE, "orders_app");
	plumblineUrl = server.url(DATABASE, "plumbline");
	admin = await connect("admin", server.url(DATABASE, "root"));
	await admin.query("CREATE TABLE orders (id INT PRIMARY KEY, email TEXT) ENGINE InnoDB");
	await admin.query("INSERT INTO orders VALUES (1, ''), (2, ''), (3, '')");
	for (const [name, statements] of Object.entries(STAGED)) {
		const connection = await connect(name);
		for (const statement of statements) await connection.query(statement);
	}
	const wait = (await connect("lock wait")).query(`UPDATE orders SET email = '${SECRET}' WHERE id = 2`);
	wait.catch(() => undefined);
	const sleep = (await connect("running")).query(`SELECT SLEEP(600), '${SECRET}'`);
	sleep.catch(() => undefined);
	await until("SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'");
	await until("SELECT 1 FROM information_schema.processlist WHERE state = 'User sleep'");
});

after(async () => {
	for (const connection of connections.values()) connection.destroy();
	await servers.stop();
});

test("every state is read as the server tells it, by a user that may only look", async (t) => {
	if (skipped(t)) return;
	const recorder = new Recorder(systemClock);
	const part = await collectSessions(recorder, { db: plumblineUrl, sample: 0 });
	assert.ok(part, JSON.stringify(recorder.collected().gaps));
	if (process.env.RECORD) {
		writeFileSync(new URL("../../signals/fixtures/sessions/mariadb-10.11.json", import.meta.url), part.bytes);
	}
	assert.ok(
		recorder
			.collected()
			.gaps.every((gap) => gap.weight === "note" && gap.why.includes("performance_schema is off")),
	);
	assert.equal(part.name, "sessions.0.mysql.json");
	const text = new TextDecoder().decode(part.bytes);
	assert.ok(!text.includes(SECRET));
	const table = tableOf(part.bytes);
	assert.equal(table.seesAllUsers, true);
	assert.match(table.serverVersion, /MariaDB/);
	assert.deepEqual(table.server, { ip: "127.0.0.1", port: Number(new URL(appUrl).port) });
	assert.ok(!table.sessions.some((session) => session.id === table.ownId));
	const idOf = (name: string) => connections.get(name)?.threadId;
	const named = (name: string) => table.sessions.find((session) => session.id === idOf(name));
	const states = [...connections.keys()].map((name) => [name, named(name)?.state]);
	assert.deepEqual(Object.fromEntries(states), {
		admin: "idle",
		idle: "idle",
		// InnoDB has not been touched, so the server knows of no transaction.
		"begin only": "idle",
		read: "idle in transaction",
		wrote: "idle in transaction",
		"lock wait": "active",
		running: "active",
	});
	assert.deepEqual(named("lock wait")?.blockedBy, [idOf("wrote")]);
	assert.equal(named("lock wait")?.statement, "UPDATE orders SET email = ? WHERE id = ?");
	assert.equal(named("running")?.statement, "SELECT SLEEP(?), ?");
	assert.equal(named("running")?.wait, "User sleep");
	assert.equal(typeof named("wrote")?.xactAgeMs, "number");
	assert.equal(named("idle")?.xactAgeMs, undefined);
	const socket = (connections.get("wrote") as unknown as { connection: { stream: { localPort: number } } })
		.connection.stream;
	assert.deepEqual(named("wrote")?.client, { ip: "127.0.0.1", port: socket.localPort });
	assert.match(text.slice(named("wrote")?.offset), new RegExp(`^\\{"id":${idOf("wrote")},`));
});

test("a user without PROCESS sees its own sessions, and the gap says what to grant", async (t) => {
	if (skipped(t)) return;
	const recorder = new Recorder(systemClock);
	const part = await collectSessions(recorder, { db: appUrl, sample: 0 });
	assert.ok(part);
	assert.equal(tableOf(part.bytes).seesAllUsers, false);
	const loss = recorder.collected().gaps.find((gap) => gap.weight === "loss");
	assert.match(loss?.why ?? "", /hidden: GRANT PROCESS ON \*\.\* TO 'orders_app'@/);
});

test("two samples use one connection, which is gone after close", async (t) => {
	if (skipped(t)) return;
	const reader = openSessions(plumblineUrl);
	const recorder = new Recorder(systemClock);
	const first = await reader.collect(recorder, { sample: 0 });
	const second = await reader.collect(recorder, { sample: 1 });
	assert.ok(first && second);
	assert.equal(tableOf(first.bytes).ownId, tableOf(second.bytes).ownId);
	await reader.close();
	await until(
		"SELECT 1 FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM information_schema.processlist WHERE user = 'plumbline')",
	);
});

test("an abort ends the capture and leaves no session behind", async (t) => {
	if (skipped(t)) return;
	const stop = new AbortController();
	const reading = collectSessions(new Recorder(systemClock), {
		db: plumblineUrl,
		sample: 0,
		signal: stop.signal,
	});
	setImmediate(() => stop.abort());
	await assert.rejects(reading, { name: "AbortError" });
	await until(
		"SELECT 1 FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM information_schema.processlist WHERE user = 'plumbline')",
	);
});

/** Undefined where the server's programs are missing and cannot be installed; in CI they must be there. */
async function mariadb(): Promise<MariadbServer | undefined> {
	try {
		return await servers.mariadb();
	} catch (error) {
		if (!(error instanceof MissingProgramError) || process.env.CI === "true") throw error;
		missing = error.message;
		return undefined;
	}
}

function skipped(t: TestContext): boolean {
	if (missing !== undefined) t.skip(missing);
	return missing !== undefined;
}

function tableOf(bytes: Uint8Array): SessionTable {
	const result = decodeMysqlSessions(bytes);
	assert.ok(result.kind === "decoded");
	assert.deepEqual(result.flaws, []);
	return result.value;
}

async function connect(name: string, uri = appUrl): Promise<Connection> {
	const connection = await createConnection(uri);
	connection.on("error", () => {});
	connections.set(name, connection);
	return connection;
}

/** Waits until the query has a row. */
async function until(query: string): Promise<void> {
	for (let polls = 0; polls < POLLS_MAX; polls++) {
		const [rows] = await admin.query<RowDataPacket[]>(query);
		if (rows.length > 0) return;
	}
	assert.fail(`no row came from ${query}`);
}
