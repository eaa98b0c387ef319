/**
 * Sessions as psql 15 and the client of MariaDB 10.11 printed them, in every form of theirs: a transaction that
 * wrote, one that waits for its lock, one that has read, a failed one, a statement at work, an idle session.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import type { SessionTable } from "./sessions.ts";
import { decodeSessionsText, looksLikeSessionsText } from "./sessions-text.ts";
import { redactSessionsText } from "./sessions-text-redact.ts";
import { looksLikeNetstat } from "./sockets-netstat.ts";
import { looksLikeSs } from "./sockets-ss.ts";

const FOLDER = new URL("../fixtures/sessions-text/", import.meta.url);
const fixture = (name: string) => readFileSync(new URL(name, FOLDER));
const bytesOf = (text: string) => new TextEncoder().encode(text);
const ALL = readdirSync(FOLDER);
const POSTGRES = ALL.filter((name) => name.startsWith("psql-"));

function read(bytes: Uint8Array) {
	const decoded = decodeSessionsText(bytes);
	assert.ok(decoded.kind === "decoded", `foreign: ${new TextDecoder().decode(bytes).slice(0, 200)}`);
	return { table: decoded.value, flaws: decoded.flaws };
}

/** State and statement by id: what every form must tell alike. */
function gist({ sessions }: SessionTable): string[] {
	return sessions.map((s) => `${s.id} ${s.state}: ${s.statement.replaceAll(/\s+/g, " ")}`).toSorted();
}

const HELD = [
	"9877 idle: insert into orders values (?,?,?) on conflict do nothing",
	"9878 idle in transaction: update orders set email = ?, note = ? where id = ?",
	"9879 active: update orders set email=? where id=?",
	"9880 idle in transaction: select * from orders where email = ?",
	"9881 active: select pg_sleep(?), ?",
	"9882 idle in transaction (aborted): select ?/?",
];

for (const name of POSTGRES.filter((one) => !one.includes("ages"))) {
	test(`${name}: the same sessions in every form, and who asked is none of them`, () => {
		const bytes = fixture(name);
		const { table, flaws } = read(bytes);
		assert.deepEqual(gist(table), HELD);
		assert.ok(table.ownId !== undefined && table.ownId > 10_000);
		for (const { stateAgeMs = 0, id, offset = 0 } of table.sessions) {
			assert.ok(stateAgeMs > 4900 && stateAgeMs < 5400, `${id} ${stateAgeMs}`);
			const row = bytes.subarray(offset).toString().slice(0, 200);
			assert.ok(row.includes(String(id)), row);
		}
		const hasNow = name === "psql-aligned.txt";
		assert.deepEqual(
			flaws.map(({ why }) => /newest moment/.test(why)),
			hasNow ? [] : [true],
		);
	});
}

test("all columns: clients, waits, transactions", () => {
	for (const form of ["aligned-full", "expanded", "unaligned", "csv"]) {
		const { table } = read(fixture(`psql-${form}.txt`));
		const [wrote, waits] = [9878, 9879].map((id) => table.sessions.find((s) => s.id === id));
		assert.deepEqual(wrote?.client, { ip: "127.0.0.1", port: 60866 }, form);
		assert.deepEqual(
			[wrote?.user, wrote?.database, wrote?.application, wrote?.wait, wrote?.hasXid, wrote?.hasXmin],
			["postgres", "postgres", "wrote", "Client/ClientRead", true, false],
		);
		assert.ok((wrote?.xactAgeMs ?? 0) > (wrote?.stateAgeMs ?? 0));
		assert.equal(waits?.wait, "Lock/transactionid");
	}
});

test("columns that are ages already, and who blocks whom", () => {
	const { table, flaws } = read(fixture("psql-ages.txt"));
	assert.deepEqual(flaws, []);
	const waits = table.sessions.find((s) => s.id === 9879);
	assert.deepEqual([waits?.xactAgeMs, waits?.stateAgeMs, waits?.blockedBy], [5025, 5025, [9878]]);
	assert.equal(table.sessions.find((s) => s.id === 9882)?.xactAgeMs, undefined);
});

test("MariaDB: tables, vertical and batch forms agree; innodb_trx tells of transactions", () => {
	const working = ["5 active: update o set e=? where id=?", "6 active: select sleep(?), ?"];
	for (const name of ["processlist", "information-schema", "vertical", "batch"]) {
		const { table, flaws } = read(fixture(`mariadb-${name}.txt`));
		assert.deepEqual(flaws, [], name);
		assert.equal(table.engine, "mysql");
		assert.deepEqual(gist(table), ["4 idle: ", ...working], name);
		const sleeps = table.sessions.find((s) => s.id === 4);
		assert.deepEqual(sleeps?.client, { ip: "127.0.0.1", port: 34560 }, name);
		assert.ok(Math.abs((sleeps?.stateAgeMs ?? 0) - 4000) < 100, name);
	}
	const { table } = read(fixture("mariadb-with-innodb-trx.txt"));
	assert.deepEqual(gist(table), ["4 idle in transaction: ", ...working]);
	assert.deepEqual(
		table.sessions.map((s) => s.xactAgeMs),
		[4000, undefined, 3000],
	);
});

test("any columns in any order, without pids, with other words for NULL, with separators in the statement", () => {
	const { table, flaws } = read(
		bytesOf(
			" query | state | usename \n-------+-------+---------\n select 'a|b' || 'c' | active | app\n [null] | idle | [null]\n(2 rows)\n",
		),
	);
	assert.deepEqual(gist(table), ["1 active: select ? || ?", "2 idle: "]);
	assert.equal(table.sessions[1]?.user, undefined);
	assert.match(flaws[0]?.why ?? "", /numbered/);
	const old = read(
		bytesOf("procpid|usename|current_query|waiting\n7|app|<IDLE> in transaction|f\n8|app|select 1|t\n"),
	).table;
	assert.deepEqual(
		old.sessions.map((s) => [s.id, s.state, s.wait]),
		[
			[7, "idle in transaction", undefined],
			[8, "other", "Lock/?"],
		],
	);
	const joined = read(bytesOf("pid,state,query,client\n7,idle,select 1,10.0.0.7:4711\n")).table;
	assert.deepEqual(joined.sessions[0]?.client, { ip: "10.0.0.7", port: 4711 });
});

test("zones, months and days", () => {
	const { table } = read(
		bytesOf(
			"pid|state|query|xact_start|state_change|now\n" +
				"7|idle in transaction|x|2026-11-22 10:00:00+05:30|2026-11-22T04:29:59.5Z|2026-11-22 04:30:01+00\n",
		),
	);
	assert.deepEqual([table.sessions[0]?.xactAgeMs, table.sessions[0]?.stateAgeMs], [1000, 1500]);
	const ages = read(bytesOf("pid|state|query|xact_age\n7|active|x|1 mon 2 days 03:04:05.678\n")).table;
	assert.equal(ages.sessions[0]?.xactAgeMs, ((32 * 24 + 3) * 60 + 4) * 60_000 + 5678);
});

test("prose, prompts and a second table around; a session listed twice counts once", () => {
	const text = fixture("psql-aligned.txt").toString();
	const around = `we ran this on the primary:\norders=> select ...;\n${text}\nand again:\n${text}\nthanks\n`;
	const { table, flaws } = read(bytesOf(around.replaceAll("\n", "\r\n")));
	assert.deepEqual(gist(table), HELD);
	assert.match(flaws.map(({ why }) => why).join(), /listed twice/);
});

test("recognised, and nothing else is", () => {
	for (const name of ALL) {
		const text = fixture(name).toString();
		assert.ok(looksLikeSessionsText(text), name);
		assert.ok(!looksLikeSs(text) && !looksLikeNetstat(text), name);
	}
	const others = [
		"State Recv-Q Send-Q Local Address:Port Peer Address:Port\n",
		"| id | name |\n|----|------|\n| 1 | a |\n",
		"pid,name\n1,a\n",
		"goroutine 1 [running]:\nmain.main()\n",
		"state: idle | query: none\n",
	];
	for (const text of others) {
		assert.ok(!looksLikeSessionsText(text), text);
		assert.equal(decodeSessionsText(bytesOf(text)).kind, "foreign", text);
	}
});

test("redaction leaves every offset and every session, and none of the data", () => {
	for (const name of ALL) {
		const bytes = fixture(name);
		const redacted = redactSessionsText(bytes);
		assert.equal(redacted.length, bytes.length);
		assert.doesNotMatch(new TextDecoder().decode(redacted), /anna|bob|secret|example|zo.{1,2}@|a@b/, name);
		assert.deepEqual(decodeSessionsText(redacted), decodeSessionsText(bytes), name);
	}
	const endless = ` pid | state | query \n-----+-------+-------\n 7 | idle | select +\n${"  | | 'topsecret' +\n".repeat(3000)} 8 | idle | x\n`;
	assert.doesNotMatch(new TextDecoder().decode(redactSessionsText(bytesOf(endless))), /topsecret/);
	assert.deepEqual(
		decodeSessionsText(redactSessionsText(bytesOf(endless))),
		decodeSessionsText(bytesOf(endless)),
	);
	const cut = "pid|state|query|backend_type\n7|idle|select 'topsecret',\n  'topsecret'\n";
	assert.doesNotMatch(new TextDecoder().decode(redactSessionsText(bytesOf(cut))), /topsecret/);
	const prose = bytesOf("it's 5 o'clock\n");
	assert.deepEqual(redactSessionsText(prose), prose);
});

for (const name of ALL) {
	test(`${name} cut at any byte: no session but those that were there, no data, no throw`, () => {
		const bytes = fixture(name);
		const whole = new Map(read(bytes).table.sessions.map((s) => [s.id, s]));
		const own = read(bytes).table.ownId;
		const statements = [...whole.values()].map(({ statement }) => statement.replaceAll(/\s+/g, " "));
		const step = bytes.length > 4000 ? 7 : 1;
		for (let end = 0; end < bytes.length; end += step) {
			const decoded = decodeSessionsText(bytes.subarray(0, end));
			if (decoded.kind === "foreign") continue;
			for (const { id, client, state, statement } of decoded.value.sessions) {
				const known = whole.get(id);
				if (id === own) continue;
				assert.ok(known !== undefined, `byte ${end}: ${id}`);
				assert.ok(state === known.state || name.includes("innodb-trx"), `byte ${end}: ${id} ${state}`);
				if (client !== undefined) assert.deepEqual(client, known.client, `byte ${end}`);
				assert.doesNotMatch(statement, /anna|bob|secret|example/, `byte ${end}`);
				const shown = statement.replaceAll(/\s+/g, " ").replace(/ ?[\w?=']*[.+]? ?$/, "");
				assert.ok(
					statements.some((one) => one.startsWith(shown)),
					`byte ${end}: ${statement}`,
				);
			}
		}
	});
}

test("hostile: any words of tables, any bytes, long lines", () => {
	const word = fc.constantFrom(
		...'pid state query info id command time xact_start | || |\n + +-- ---+--- -- \n . .\n , " "" ; \t'.split(
			" ",
		),
		..."1 2 idle NULL 'x '' $$ /* -- -[ RECORD 1 ]- (1 row) 2026-11-22".split(" "),
		"\n",
		"*************************** 1. row ***************************\n",
		"-[ RECORD 1 ]---\n",
		"pid|state|query\n",
		"pid | state | query\n----+-------+------\n",
		"| Id | Info | Time |\n+----+------+------+\n",
	);
	fc.assert(
		fc.property(fc.array(word, { maxLength: 60 }), (words) => {
			const bytes = bytesOf(words.join(""));
			decodeSessionsText(bytes);
			assert.equal(redactSessionsText(bytes).length, bytes.length);
		}),
		{ numRuns: 2000 },
	);
	fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void decodeSessionsText(bytes)));
	for (const unit of ["-", "|", "+-", "pid|", '"', ". "]) {
		const line = unit.repeat(200_000);
		decodeSessionsText(bytesOf(`pid|state|query\n${line}\n`));
		decodeSessionsText(bytesOf(`pid | state | query\n----+------+----\n${line}x\n${line}`));
	}
});
