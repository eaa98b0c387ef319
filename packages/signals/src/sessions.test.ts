import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import type { Decoded } from "./decoded.ts";
import type { SessionTable } from "./sessions.ts";
import { decodeMysqlSessions } from "./sessions-mysql.ts";
import { decodePostgresSessions } from "./sessions-postgres.ts";

const FOLDER = new URL("../fixtures/sessions/", import.meta.url);
const fixture = (name: string) => readFileSync(new URL(name, FOLDER));
const bytesOf = (text: string) => new TextEncoder().encode(text);

function decoded(result: Decoded<SessionTable>): SessionTable {
	assert.ok(result.kind === "decoded");
	assert.deepEqual(result.flaws, []);
	return result.value;
}

/** One line a session, as a person would compare it. */
function lines({ sessions }: SessionTable): string[] {
	return sessions.map((s) =>
		[
			s.application ?? s.id,
			s.state,
			s.wait ?? "-",
			s.xactAgeMs === undefined ? "no transaction" : "in transaction",
			s.hasXid,
			s.hasXmin,
			s.blockedBy.join(),
			s.statement,
		].join(" | "),
	);
}

test("PostgreSQL 18, every state, as recorded", () => {
	const bytes = fixture("postgres-18.json");
	const table = decoded(decodePostgresSessions(bytes));
	assert.deepEqual(lines(table), [
		"begin only | idle in transaction | Client/ClientRead | in transaction | false | false |  | BEGIN",
		"begin, read | idle in transaction | Client/ClientRead | in transaction | false | false |  | SELECT * FROM orders WHERE id = ?",
		"snapshot held | idle in transaction | Client/ClientRead | in transaction | false | true |  | SELECT * FROM orders",
		"wrote | idle in transaction | Client/ClientRead | in transaction | true | false |  | UPDATE orders SET email = ? WHERE id = ? /* */",
		"wrote, read | idle in transaction | Client/ClientRead | in transaction | true | true |  | SELECT $1::text",
		"lock wait | active | Lock/transactionid | in transaction | true | true | 2215 | UPDATE orders SET email = ? WHERE id = ?",
		"running | active | Timeout/PgSleep | in transaction | false | true |  | SELECT pg_sleep(?)",
		"unread | active | Client/ClientWrite | in transaction | false | true |  | SELECT repeat(?, ?) FROM generate_series(?, ?)",
		"admin | idle | Client/ClientRead | no transaction | false | false |  | SELECT wait_event_type AS type FROM pg_stat_activity WHERE application_name = $1",
		"idle | idle | Client/ClientRead | no transaction | false | false |  | SELECT ?",
		"aborted | idle in transaction (aborted) | Client/ClientRead | no transaction | false | false |  | SELECT ?/?",
	]);
	const { sessions, ...head } = table;
	assert.deepEqual(head, {
		engine: "postgres",
		serverVersion: "18.4",
		server: { ip: "127.0.0.1", port: 39777 },
		connectionsMax: 200,
		seesAllUsers: true,
		ownId: 2229,
	});
	assert.deepEqual(sessions[0]?.client, { ip: "127.0.0.1", port: 42146 });
	for (const { id, offset } of sessions) {
		assert.ok(bytes.subarray(offset).toString().startsWith(`{"id":${id},`));
	}
});

test("MariaDB 10.11, every state, as recorded", () => {
	const table = decoded(decodeMysqlSessions(fixture("mariadb-10.11.json")));
	assert.deepEqual(lines(table), [
		"6 | idle | - | no transaction |  |  |  | ",
		"7 | idle | - | no transaction |  |  |  | ",
		"8 | idle | - | no transaction |  |  |  | ",
		"9 | idle in transaction | - | in transaction |  |  |  | ",
		"10 | idle in transaction | - | in transaction |  |  |  | ",
		"11 | active | Updating | in transaction |  |  | 10 | UPDATE orders SET email = ? WHERE id = ?",
		"12 | active | User sleep | no transaction |  |  |  | SELECT SLEEP(?), ?",
	]);
	const { sessions, ...head } = table;
	assert.deepEqual(head, {
		engine: "mysql",
		serverVersion: "10.11.19-MariaDB-0+deb12u1",
		server: { ip: "127.0.0.1", port: 39243 },
		connectionsMax: 200,
		seesAllUsers: true,
		ownId: 14,
	});
	assert.deepEqual(sessions[0]?.client, { ip: "127.0.0.1", port: 32852 });
});

const postgresWith = (...rows: readonly object[]) =>
	decodePostgresSessions(
		bytesOf(JSON.stringify({ format: "plumbline.postgres-sessions/1", sessions: rows })),
	);
const mysqlWith = (...rows: readonly object[]) =>
	decodeMysqlSessions(
		bytesOf(JSON.stringify({ format: "plumbline.mysql-sessions/1", self: {}, sessions: rows })),
	);

test("PostgreSQL: what hides and what has no address", () => {
	const table = decoded(
		postgresWith(
			{ id: 1, user: "a", statement: "<insufficient privilege>", xid: false, xmin: false },
			{ id: 2, clientPort: -1, state: "fastpath function call", waitType: "IO", statement: "" },
			{ id: 3, clientIp: "::ffff:10.0.0.7", clientPort: 40312, state: "disabled" },
		),
	);
	assert.equal(table.seesAllUsers, false);
	assert.deepEqual(table.sessions, [
		{ id: 1, user: "a", state: "other", statement: "", blockedBy: [] },
		{ id: 2, wait: "IO/?", hasXid: false, hasXmin: false, state: "other", statement: "", blockedBy: [] },
		{
			id: 3,
			client: { ip: "10.0.0.7", port: 40312 },
			hasXid: false,
			hasXmin: false,
			state: "other",
			statement: "",
			blockedBy: [],
		},
	]);
});

test("MySQL: clients by address, by name and over a socket; the statement from where it is known", () => {
	const hosts = [
		"10.0.0.7:40312",
		"::1:40312",
		"::ffff:10.0.0.7:40312",
		"localhost:40312",
		"app-1:40312",
		"localhost",
		"",
	];
	const table = decoded(mysqlWith(...hosts.map((host, i) => ({ id: i, host }))));
	assert.deepEqual(
		table.sessions.map((session) => session.client?.ip),
		["10.0.0.7", "::1", "10.0.0.7", "127.0.0.1", "app-1", undefined, undefined],
	);
	const said = decoded(
		mysqlWith(
			{ id: 1, lastStatement: "l" },
			{ id: 2, lastStatement: "l", trxStatement: "t" },
			{ id: 3, trxStatement: "t", statement: "s" },
		),
	);
	assert.deepEqual(
		said.sessions.map((session) => session.statement),
		["l", "t", "s"],
	);
	assert.equal(said.seesAllUsers, false);
});

test("a row without an id is a flaw, the others stay", () => {
	const result = postgresWith({ id: 1 }, { pid: 2 }, { id: "3" }, { id: 4 });
	assert.ok(result.kind === "decoded");
	assert.deepEqual(
		result.value.sessions.map((session) => session.id),
		[1, 4],
	);
	assert.deepEqual(
		result.flaws.map((flaw) => flaw.kind),
		["malformed", "malformed"],
	);
	assert.match(result.flaws[0]?.why ?? "", /found \{"pid":2\}/);
});

for (const [name, decode] of [
	["postgres-18.json", decodePostgresSessions],
	["mariadb-10.11.json", decodeMysqlSessions],
] as const) {
	test(`${name} cut at any byte keeps every whole row and says that it was cut`, () => {
		const whole = fixture(name);
		const rowsAt = whole.indexOf('"sessions":[\n') + '"sessions":[\n'.length;
		const text = whole.toString();
		for (let end = 0; end < text.trimEnd().length; end++) {
			const result = decode(whole.subarray(0, end));
			if (end < rowsAt) assert.equal(result.kind, "foreign");
			else {
				assert.ok(result.kind === "decoded", `byte ${end}`);
				const rows = text.slice(rowsAt, end).split("\n").slice(0, -1);
				assert.equal(
					result.value.sessions.length,
					rows.filter((row) => row.startsWith("{")).length,
					`byte ${end}`,
				);
				assert.equal(result.flaws[0]?.kind, "truncated");
			}
		}
	});
}

test("what is no session list is foreign and quoted", () => {
	assert.deepEqual(decodePostgresSessions(bytesOf("<html>\nno")), { kind: "foreign", found: "<html>" });
	assert.deepEqual(decodePostgresSessions(bytesOf("")), { kind: "foreign", found: "" });
	assert.deepEqual(decodePostgresSessions(bytesOf('{"sessions":[]}')), {
		kind: "foreign",
		found: '{"sessions":[]}',
	});
	assert.equal(decodePostgresSessions(fixture("mariadb-10.11.json")).kind, "foreign");
	assert.equal(decodeMysqlSessions(fixture("postgres-18.json")).kind, "foreign");
});

test("any JSON and any bytes give an answer", () => {
	assert.equal(readdirSync(FOLDER).length, 2);
	fc.assert(fc.property(fc.array(fc.jsonValue()), (rows) => void postgresWith(...(rows as object[]))));
	fc.assert(fc.property(fc.array(fc.jsonValue()), (rows) => void mysqlWith(...(rows as object[]))));
	fc.assert(fc.property(fc.uint8Array(), (bytes) => void decodeMysqlSessions(bytes)));
});
