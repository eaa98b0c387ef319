/** On recorded services, and on what each line alone can tell. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Part, PartFormat } from "@plumbline/signals/capture";
import { readCapture } from "./file.ts";
import { sawDialling, suspicionOf } from "./ledger-suspicion.ts";

const FOLDER = join(import.meta.dirname, "..", "..", "..", "captures");
const RECORDED = readdirSync(FOLDER).filter((name) => name.endsWith(".plumb"));

async function partsOf(name: string, formats?: readonly PartFormat[]): Promise<readonly Part[]> {
	const { parts } = await readCapture(join(FOLDER, `${name}.plumb`));
	return formats === undefined ? parts : parts.filter(({ format }) => formats.includes(format));
}

function textPart(format: PartFormat, text: string, sample = 0): Part {
	const at = { wallMs: 0, monoMs: 0 } as Part["start"];
	return {
		name: format,
		format,
		sample,
		source: "test",
		start: at,
		end: at,
		bytes: new TextEncoder().encode(text),
	};
}

function profile(...functions: readonly string[]): Part {
	const frames = functions.map((func, i) => `#\t0x${i + 1}\t${func}+0x1\t/src/a.go:1`);
	return textPart("go-debug1", ["goroutine profile: total 1", "1 @ 0x1", ...frames, ""].join("\n"));
}

function metrics(inUse: number): Part {
	return textPart("prometheus", `go_sql_in_use_connections{db_name="orders"} ${inUse}\n`);
}

/** Services with a database, whose pool nobody used when the first samples were taken. */
const AT_REST = new Set(["healthy-idle", "pool-churn-idle", "server-closed-idle"]);

test("every recorded service that used its pool at the start is watched, the idle ones are not", async () => {
	assert.ok(RECORDED.length > 10, "captures are recorded");
	for (const file of RECORDED) {
		const name = file.slice(0, -".plumb".length);
		const parts = await partsOf(name);
		if (!parts.some(({ format }) => format === "postgres-sessions" || format === "mysql-sessions")) continue;
		assert.equal(suspicionOf(parts), AT_REST.has(name) ? "idle" : "held", name);
	}
});

test("without pool counters the leaks that leave no goroutine are watched too", async () => {
	for (const name of ["conn-unclosed", "row-no-scan", "rows-break", "pgxpool-acquire"]) {
		assert.equal(suspicionOf(await partsOf(name, ["go-debug1"])), "held", name);
	}
});

test("only the first samples count", () => {
	const later = textPart("prometheus", 'go_sql_in_use_connections{db_name="orders"} 3\n', 1);
	assert.equal(suspicionOf([metrics(0), later]), "idle");
});

test("one line that shows use is enough; nothing readable excludes nothing", () => {
	assert.equal(suspicionOf([metrics(2), profile("main.main")]), "held");
	assert.equal(suspicionOf([metrics(0), profile("database/sql.(*Tx).awaitDone")]), "held");
	assert.equal(suspicionOf([metrics(0), profile("main.main")]), "idle");
	assert.equal(suspicionOf([]), "held");
	const foreign = [textPart("go-debug1", "<html>"), textPart("prometheus", "go_goroutines 4\n")];
	assert.equal(suspicionOf(foreign), "held");
});

test("stacks: what shows use, an open pool that may be used silently, no pool at all", () => {
	for (const func of [
		"database/sql.(*Tx).awaitDone",
		"database/sql.(*Rows).awaitDone",
		"database/sql.(*DB).conn",
		"github.com/jackc/puddle/v2.(*Pool[...]).acquire",
		"github.com/jackc/puddle.(*Pool).Acquire",
		"net/http.(*persistConn).roundTrip",
	]) {
		assert.equal(suspicionOf([metrics(0), profile(func)]), "held", func);
	}
	for (const func of [
		"database/sql.(*DB).connectionOpener",
		"github.com/jackc/pgx/v5/pgxpool.(*Pool).backgroundHealthCheck",
	]) {
		assert.equal(suspicionOf([profile("main.main", func)]), "held", func);
		assert.equal(suspicionOf([metrics(0), profile("main.main", func)]), "idle", "its counters are clear");
	}
	assert.equal(suspicionOf([profile("main.main", "net/http.(*conn).serve")]), "idle");
});

test("an HTTP connection is in use while a body is open, not while it idles", () => {
	const reader = "net/http.(*persistConn).readLoop";
	assert.equal(suspicionOf([metrics(0), profile(reader)]), "held");
	const idle = [
		"internal/poll.runtime_pollWait",
		"net/http.(*persistConn).Read",
		"bufio.(*Reader).Peek",
		reader,
	];
	assert.equal(suspicionOf([profile(...idle)]), "idle");
	assert.equal(suspicionOf([metrics(0), profile(...idle)]), "idle");
});

test("an HTTP client that dials is told from one that has its connections", () => {
	const dialling = profile("net/http.(*Transport).dialConn", "net/http.(*Transport).dialConnFor");
	const asking = profile("net/http.(*persistConn).roundTrip", "net/http.(*Transport).roundTrip");
	assert.deepEqual([[asking], [asking, dialling], [metrics(3)], []].map(sawDialling), [
		false,
		true,
		false,
		false,
	]);
	assert.ok(sawDialling([profile("net/http.(*Transport).getConn")]));
});
