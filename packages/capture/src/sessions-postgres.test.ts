/** The collector against a real PostgreSQL, one session in each state. RECORD=1 renews the decoder's fixture. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { openServers } from "@plumbline/lab/servers";
import type { DbSession, SessionTable } from "@plumbline/signals/sessions";
import { decodePostgresSessions } from "@plumbline/signals/sessions-postgres";
import pg from "pg";
import { systemClock } from "./clock.ts";
import { Recorder } from "./recorder.ts";
import { collectSessions, openSessions } from "./sessions.ts";

const servers = openServers();
const clients = new Map<string, pg.Client>();
const DATABASE = "orders";
const SECRET = "anna@example.org";
/** One poll is a round trip to the server, some tenths of a millisecond at least. */
const POLLS_MAX = 20_000;
let url: string;
let plumblineUrl: string;
let admin: pg.Client;

/** Statements each client runs; the application name says which state they lead to. */
const STAGED: Readonly<Record<string, readonly (string | pg.QueryConfig)[]>> = {
	idle: [`SELECT '${SECRET}'`],
	"begin only": ["BEGIN"],
	"begin, read": ["BEGIN", "SELECT * FROM orders WHERE id = 1"],
	"snapshot held": ["BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT * FROM orders"],
	wrote: ["BEGIN", `UPDATE orders SET email = '${SECRET}' WHERE id = 2 /* ${SECRET} */`],
	"wrote, read": [
		"BEGIN",
		"SELECT * FROM orders WHERE id = 3 FOR UPDATE",
		{ text: "SELECT $1::text", values: [SECRET] },
	],
	aborted: ["BEGIN", "SELECT 1/0"],
};

before(async () => {
	const server = await servers.postgres();
	await server.createDatabase(DATABASE);
	url = server.url(DATABASE);
	plumblineUrl = server.url(DATABASE, "plumbline");
	admin = await connect("admin");
	await admin.query(
		"CREATE TABLE orders (id int PRIMARY KEY, email text); INSERT INTO orders SELECT i, '' FROM generate_series(1, 7) i",
	);
	await admin.query("GRANT ALL ON orders TO orders_app, plumbline");
	for (const [name, statements] of Object.entries(STAGED)) {
		const client = await connect(name);
		for (const statement of statements) await client.query(statement).catch(() => undefined);
	}
	void (await connect("lock wait"))
		.query(`UPDATE orders SET email = '${SECRET}' WHERE id = 2`)
		.catch(() => undefined);
	void (await connect("running")).query("SELECT pg_sleep(600)").catch(() => undefined);
	const unread = await connect("unread");
	void unread.query("SELECT repeat('x', 1000) FROM generate_series(1, 1000000)").catch(() => undefined);
	(unread as unknown as { connection: { stream: { pause(): void } } }).connection.stream.pause();
	await until("lock wait", "Lock");
	await until("running", "Timeout");
	await until("unread", "Client");
});

after(async () => {
	// Ending the server ends the sessions that hang; none is asked first.
	await servers.stop();
	for (const client of clients.values()) void client.end().catch(() => undefined);
});

test("every state is read as the server tells it, by a role that may only look", async () => {
	const recorder = new Recorder(systemClock);
	const part = await collectSessions(recorder, { db: plumblineUrl, sample: 0 });
	assert.deepEqual(recorder.collected().gaps, []);
	assert.ok(part);
	if (process.env.RECORD) {
		writeFileSync(new URL("../../signals/fixtures/sessions/postgres-18.json", import.meta.url), part.bytes);
	}
	assert.equal(part.name, "sessions.0.postgres.json");
	assert.ok(!part.source.includes(new URL(plumblineUrl).password));
	const table = tableOf(part.bytes);
	assert.equal(table.seesAllUsers, true);
	assert.equal(table.connectionsMax, 200);
	assert.deepEqual(table.server, { ip: "127.0.0.1", port: Number(new URL(url).port) });
	assert.ok(table.ownId !== undefined && !table.sessions.some((session) => session.id === table.ownId));
	const states = Object.fromEntries(
		table.sessions.map((s) => [s.application, [s.state, s.wait, s.hasXid, s.hasXmin]]),
	);
	assert.deepEqual(states, {
		admin: ["idle", "Client/ClientRead", false, false],
		idle: ["idle", "Client/ClientRead", false, false],
		"begin only": ["idle in transaction", "Client/ClientRead", false, false],
		"begin, read": ["idle in transaction", "Client/ClientRead", false, false],
		"snapshot held": ["idle in transaction", "Client/ClientRead", false, true],
		wrote: ["idle in transaction", "Client/ClientRead", true, false],
		"wrote, read": ["idle in transaction", "Client/ClientRead", true, true],
		aborted: ["idle in transaction (aborted)", "Client/ClientRead", false, false],
		"lock wait": ["active", "Lock/transactionid", true, true],
		running: ["active", "Timeout/PgSleep", false, true],
		unread: ["active", "Client/ClientWrite", false, true],
	});
});

test("ages, clients, blockers and statements", async () => {
	const part = await collectSessions(new Recorder(systemClock), { db: plumblineUrl, sample: 0 });
	assert.ok(part);
	const { sessions } = tableOf(part.bytes);
	const named = (name: string) => sessions.find((session) => session.application === name) as DbSession;
	const wrote = named("wrote");
	assert.deepEqual(named("lock wait").blockedBy, [wrote.id]);
	assert.deepEqual(wrote.blockedBy, []);
	assert.equal(wrote.statement, "UPDATE orders SET email = ? WHERE id = ? /* */");
	assert.ok(!new TextDecoder().decode(part.bytes).includes(SECRET));
	assert.match(
		new TextDecoder().decode(part.bytes.subarray(wrote.offset)),
		/^\{"id":\d+.*"locks":\["[^\]]*RowExclusiveLock orders/,
	);
	assert.equal(named("idle").xactAgeMs, undefined);
	assert.ok((wrote.xactAgeMs ?? -1) >= (wrote.stateAgeMs ?? 0) && (wrote.stateAgeMs ?? -1) >= 0);
	assert.ok((wrote.sessionAgeMs ?? -1) >= (wrote.xactAgeMs ?? 0));
	assert.equal(wrote.client?.ip, "127.0.0.1");
	const client = clients.get("wrote") as unknown as { connection: { stream: { localPort: number } } };
	assert.equal(wrote.client?.port, client.connection.stream.localPort);
});

test("a role without rights sees its own sessions, and the gap says what to grant", async () => {
	const server = await servers.postgres();
	const recorder = new Recorder(systemClock);
	const part = await collectSessions(recorder, { db: server.url(DATABASE, "orders_app"), sample: 0 });
	assert.ok(part);
	const table = tableOf(part.bytes);
	assert.equal(table.seesAllUsers, false);
	assert.ok(
		table.sessions.every(
			(session) => session.state === "other" && session.statement === "" && session.client === undefined,
		),
	);
	assert.equal(table.sessions.length, clients.size);
	const [gap] = recorder.collected().gaps;
	assert.equal(gap?.weight, "loss");
	assert.match(gap?.why ?? "", /\(postgres\) are hidden from "orders_app": GRANT pg_monitor TO "orders_app"/);
});

test("two samples use one connection, which is gone after close", async () => {
	const reader = openSessions(plumblineUrl);
	const recorder = new Recorder(systemClock);
	const first = await reader.collect(recorder, { sample: 0 });
	const second = await reader.collect(recorder, { sample: 1 });
	assert.ok(first && second);
	assert.equal(tableOf(first.bytes).ownId, tableOf(second.bytes).ownId);
	assert.equal(await countPlumbline(), 1);
	await reader.close();
	await until("plumbline", undefined);
	assert.deepEqual(
		recorder.collected().parts.map((part) => part.name),
		["sessions.0.postgres.json", "sessions.1.postgres.json"],
	);
});

test("a connection the server has ended is replaced by the next sample", async () => {
	const reader = openSessions(plumblineUrl);
	const recorder = new Recorder(systemClock);
	const first = await reader.collect(recorder, { sample: 0 });
	assert.ok(first);
	await admin.query("SELECT pg_terminate_backend($1, 5000)", [tableOf(first.bytes).ownId]);
	await reader.collect(recorder, { sample: 1 });
	const third = await reader.collect(recorder, { sample: 2 });
	assert.ok(third);
	assert.notEqual(tableOf(first.bytes).ownId, tableOf(third.bytes).ownId);
	await reader.close();
});

test("an abort ends the capture and leaves no session behind", async () => {
	const holder = await connect("catalogue lock");
	await holder.query("BEGIN; LOCK TABLE pg_catalog.pg_authid IN ACCESS EXCLUSIVE MODE");
	const stop = new AbortController();
	const recorder = new Recorder(systemClock);
	const reading = collectSessions(recorder, { db: plumblineUrl, sample: 0, signal: stop.signal });
	setImmediate(() => stop.abort());
	await assert.rejects(reading, { name: "AbortError" });
	await holder.query("ROLLBACK");
	await until("plumbline", undefined);
	assert.deepEqual(recorder.collected(), { parts: [], gaps: [] });
});

function tableOf(bytes: Uint8Array): SessionTable {
	const result = decodePostgresSessions(bytes);
	assert.ok(result.kind === "decoded");
	assert.deepEqual(result.flaws, []);
	return result.value;
}

async function connect(name: string): Promise<pg.Client> {
	const client = new pg.Client({ connectionString: url, application_name: name });
	client.on("error", () => {});
	clients.set(name, client);
	await client.connect();
	return client;
}

/** Waits until the application's session waits for this kind of thing; undefined: until it is gone. */
async function until(application: string, waitType: string | undefined): Promise<void> {
	for (let polls = 0; polls < POLLS_MAX; polls++) {
		const { rows } = await admin.query(
			"SELECT wait_event_type AS type FROM pg_stat_activity WHERE application_name = $1",
			[application],
		);
		if (waitType === undefined ? rows.length === 0 : rows[0]?.type === waitType) return;
	}
	assert.fail(`the session "${application}" did not come to ${waitType ?? "its end"}`);
}

async function countPlumbline(): Promise<number> {
	const { rows } = await admin.query(
		"SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'plumbline'",
	);
	return rows[0]?.n;
}
