import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { FLAWS_MAX } from "./decoded.ts";
import type { Metrics } from "./pools.ts";
import { decodePrometheus } from "./pools-prometheus.ts";

const FOLDER = new URL("../fixtures/pools/", import.meta.url);
const fixture = (name: string) => readFileSync(new URL(name, FOLDER));
const bytesOf = (text: string) => new TextEncoder().encode(text);

function decoded(bytes: Uint8Array): Metrics {
	const result = decodePrometheus(bytes);
	assert.equal(result.kind, "decoded");
	assert.ok(result.kind === "decoded");
	assert.deepEqual(result.flaws, []);
	return result.value;
}

/**
 * The recorded pools: 7 connections at most, 7 taken, an eighth caller waits in vain (database/sql: 150 ms),
 * 2 given back. Recorded from gorm.io/plugin/prometheus 0.1.0, client_golang 1.25, otelsql 0.44,
 * pgxpoolprometheus 1.1.3, otelpgx 0.13, all on PostgreSQL.
 */
const held = { maxOpen: 7, open: 7, inUse: 5, idle: 2 };
const closed = { maxIdleClosed: 0, maxIdleTimeClosed: 0, maxLifetimeClosed: 0 };
const pgx = {
	...held,
	waitCount: 8,
	waitSeconds: 0.126182616,
	maxIdleTimeClosed: 0,
	maxLifetimeClosed: 0,
	newConns: 7,
	constructing: 0,
	canceledAcquires: 1,
};
const cases = [
	[
		"gorm.txt",
		{ family: "gorm", name: "orders", ...held, waitCount: 1, waitSeconds: 0.150374112, ...closed },
	],
	[
		"client-golang.txt",
		{ family: "client_golang", name: "orders", ...held, waitCount: 1, waitSeconds: 0.150387377, ...closed },
	],
	[
		"otelsql.txt",
		{ family: "otelsql", name: "orders", ...held, waitCount: 1, waitSeconds: 0.15049803, ...closed },
	],
	[
		"otelsql.plain.txt",
		{ family: "otelsql", name: "orders", ...held, waitCount: 1, waitSeconds: 0.150617002, ...closed },
	],
	["pgxpool.txt", { family: "pgxpool", name: "orders", ...pgx }],
	["otelpgx.txt", { family: "pgxpool", name: "127.0.0.1:43313/postgres", ...pgx }],
] as const;

for (const [name, wanted] of cases) {
	test(`${name}: every counter in its unit, and the line that gave inUse`, () => {
		const bytes = fixture(name);
		const pool = decoded(bytes).pools.find((found) => found.name === wanted.name);
		assert.ok(pool);
		const { quoted, waitSeconds = 0, ...rest } = pool;
		const { waitSeconds: wantedSeconds, ...wantedRest } = wanted;
		assert.deepEqual(rest, wantedRest);
		assert.ok(Math.abs(waitSeconds - wantedSeconds) < 1e-9, String(waitSeconds));
		assert.match(quoted.text, /(?:in_?use|acquired).* 5(?:\.0)?$/);
		assert.equal(bytes.subarray(quoted.offset).toString().split("\n", 1)[0], quoted.text);
	});
}

test("two pools on one page, the Go runtime's values, and OpenMetrics says the same", () => {
	const text = decoded(fixture("client-golang.txt"));
	const open = decoded(fixture("client-golang.openmetrics.txt"));
	assert.deepEqual(text.pools.map((pool) => [pool.name, pool.inUse, pool.maxOpen]).toSorted(), [
		["audit", 1, 0],
		["orders", 5, 7],
	]);
	const numbers = ({ pools }: Metrics) => pools.map(({ quoted, ...pool }) => pool);
	assert.deepEqual(numbers(text), numbers(open));
	assert.equal(text.go.go_threads, 6);
	assert.equal(text.go.go_gc_gomemlimit_bytes, 9.223372036854776e18);
	assert.equal(text.go.go_info, undefined);
	assert.equal(text.seriesCount, open.seriesCount);
});

test("sqlstats' names, from its documentation", () => {
	const names = {
		max_open: 7,
		open: 7,
		in_use: 5,
		idle: 2,
		waited_for: 1,
		blocked_seconds: 0.5,
		closed_max_idle: 3,
		closed_max_lifetime: 4,
		closed_max_idle_time: 6,
	};
	const page = Object.entries(names)
		.map(([name, value]) => `go_sql_stats_connections_${name}{db_name="a"} ${value}\n`)
		.join("");
	const [pool] = decoded(bytesOf(page)).pools;
	assert.ok(pool);
	const { quoted, ...rest } = pool;
	assert.deepEqual(rest, {
		family: "sqlstats",
		name: "a",
		...held,
		waitCount: 1,
		waitSeconds: 0.5,
		maxIdleClosed: 3,
		maxIdleTimeClosed: 6,
		maxLifetimeClosed: 4,
	});
	assert.equal(quoted.text, 'go_sql_stats_connections_in_use{db_name="a"} 5');
});

test("pools of one name are told apart by their other labels", () => {
	const page =
		'gorm_dbstats_in_use{db_name="a",host="x"} 1\ngorm_dbstats_in_use{db_name="a",host="y"} 2\ngorm_dbstats_in_use{db_name="b",host="y"} 3\n';
	assert.deepEqual(
		decoded(bytesOf(page)).pools.map((pool) => [pool.name, pool.inUse]),
		[
			['{db_name="a",host="x"}', 1],
			['{db_name="a",host="y"}', 2],
			["b", 3],
		],
	);
});

test("escapes, numbers, blanks, CRLF, quoted names, timestamps and exemplars", () => {
	const page = [
		'gorm_dbstats_in_use{db_name="a\\"\\\\\\nü}"} 7 1743771343019',
		'  gorm_dbstats_idle  {  db_name = "a\\"\\\\\\nü}" , }  0x1.8p1',
		'{"go_goroutines"} 4.12e2 # {trace_id="x"} 1 2',
		"go_gc_gomemlimit_bytes +Inf",
		"go_threads nan",
		"go_a -.5e-1",
		'{"db.sql.connection.open",db_name="o",status="inuse"} 3',
		"",
	].join("\r\n");
	const { pools, go, seriesCount } = decoded(bytesOf(page));
	assert.deepEqual(
		pools.map((pool) => [pool.name, pool.inUse, pool.idle]),
		[
			['a"\\\nü}', 7, 3],
			["o", 3, undefined],
		],
	);
	assert.deepEqual(go, {
		go_goroutines: 412,
		go_gc_gomemlimit_bytes: Infinity,
		go_threads: Number.NaN,
		go_a: -0.05,
	});
	assert.equal(seriesCount, 7);
});

test("what other rules need of the page: the process's own series, and Go's version", () => {
	for (const name of ["client-golang.txt", "client-golang.openmetrics.txt"]) {
		const { go, goVersion } = decoded(fixture(name));
		assert.equal(goVersion, "go1.26.8", name);
		for (const series of [
			"process_cpu_seconds_total",
			"process_start_time_seconds",
			"process_open_fds",
			"go_gc_duration_seconds_count",
			"go_gc_duration_seconds_sum",
		]) {
			assert.equal(typeof go[series], "number", `${name} ${series}`);
		}
		assert.ok(!Object.keys(go).some((series) => series.endsWith("_created")));
	}
});

test("OpenMetrics 1.0: units, created times, exemplars, info, state sets, timestamps in seconds, EOF", () => {
	const page = [
		"# TYPE go_sql_wait_duration_seconds counter",
		"# UNIT go_sql_wait_duration_seconds seconds",
		'go_sql_wait_duration_seconds_total{db_name="a"} 1.5 1743771343.019',
		'go_sql_wait_duration_seconds_created{db_name="a"} 1.7e9',
		"# TYPE http_seconds histogram",
		'http_seconds_bucket{le="0.1"} 12 # {trace_id="77 # } aa"} 0.03 1743771343.0',
		"# TYPE go_gc_cycles_total_gc_cycles counter",
		"go_gc_cycles_total_gc_cycles_total 7.0",
		"go_gc_cycles_total_gc_cycles_created 1.7e9",
		"# TYPE go info",
		'go_info{version="go1.25.1"} 1',
		"# TYPE mode stateset",
		'mode{mode="a"} 1',
		"# EOF",
	].join("\n");
	const { pools, go, goVersion } = decoded(bytesOf(page));
	assert.deepEqual([pools.length, pools[0]?.waitSeconds], [1, 1.5]);
	assert.deepEqual([go, goVersion], [{ go_gc_cycles_total_gc_cycles_total: 7 }, "go1.25.1"]);
});

test("off a Prometheus: labels of the target are passed over, a second process is told and not mixed in", () => {
	const one =
		'go_goroutines{instance="a:1",job="orders"} 7\nprocess_open_fds{job="orders",instance="a:1"} 9\n';
	assert.deepEqual(decoded(bytesOf(one)).go, { go_goroutines: 7, process_open_fds: 9 });
	const scoped = 'go_goroutine_count{otel_scope_name="x",otel_scope_version=""} 5\ngo_threads 3\n';
	assert.deepEqual(decoded(bytesOf(scoped)).go, { go_goroutine_count: 5, go_threads: 3 });
	const two = decodePrometheus(bytesOf(`${one}${one.replaceAll("a:1", "b:1").replaceAll("7", "70")}`));
	assert.ok(two.kind === "decoded");
	assert.deepEqual(two.value.go, { go_goroutines: 7, process_open_fds: 9 });
	assert.deepEqual([two.flaws.length, two.flaws[0]?.at], [1, one.length]);
});

test("garbage lines are flaws with their byte offset; the rest stays", () => {
	const page = '# TYPE a gauge\nü 1\ngo_goroutines 7\ngo_threads x7\na{b="c} 1\na 1 2 3\na{b=c} 1\ngo_info';
	const result = decodePrometheus(bytesOf(page));
	assert.ok(result.kind === "decoded");
	assert.deepEqual(result.value.go, { go_goroutines: 7 });
	assert.deepEqual(
		result.flaws.map((flaw) => [flaw.kind, flaw.at, flaw.why.split(",")[0]]),
		[
			["malformed", 15, "expected a metric name"],
			["malformed", 47, "expected a number"],
			["malformed", 54, "expected labels"],
			["malformed", 66, "expected the line's end"],
			["malformed", 72, "expected labels"],
			["truncated", 77, "expected a line end"],
		],
	);
});

test("flaws are bounded and the further ones counted", () => {
	const result = decodePrometheus(bytesOf(`# TYPE a gauge\na 1\n${"?\n".repeat(FLAWS_MAX + 7)}`));
	assert.ok(result.kind === "decoded");
	assert.equal(result.flaws.length, FLAWS_MAX);
	assert.match(result.flaws.at(-1)?.why ?? "", /\(and 7 more flaws\)$/);
});

test("what is no metrics page is foreign and quoted", () => {
	const pages: readonly (readonly [string, string])[] = [
		["", ""],
		["<!DOCTYPE html>\n<html><body>404 not found</body></html>\n", "<!DOCTYPE html>"],
		['{"status":"ok"}\n', '{"status":"ok"}'],
		[
			"goroutine profile: total 7\n7 @ 0x1 0x2\n#\t0x1\tmain.main+0x1\t/app/main.go:1\n",
			"goroutine profile: total 7",
		],
		["a sentence of prose\nhello 5\nand another one\nand more\n", "a sentence of prose"],
	];
	for (const [page, found] of pages)
		assert.deepEqual(decodePrometheus(bytesOf(page)), { kind: "foreign", found });
});

test("a page cut at any byte keeps every whole line", () => {
	const whole = fixture("client-golang.openmetrics.txt").subarray(-2048);
	const start = whole.indexOf("\n") + 1;
	for (let end = start; end <= whole.length; end++) {
		const part = whole.subarray(start, end);
		const lines = part
			.toString()
			.split("\n")
			.slice(0, -1)
			.filter((line) => !line.startsWith("#"));
		const result = decodePrometheus(part);
		assert.equal(result.kind === "decoded" ? result.value.seriesCount : 0, lines.length);
	}
});

test("all fixtures are without a flaw, and any bytes give an answer", () => {
	for (const name of readdirSync(FOLDER)) decoded(fixture(name));
	fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void decodePrometheus(bytes)));
});

test("what is written is read back", () => {
	const text = fc.string({ unit: "grapheme" }).filter((value) => !/[\r\n]/.test(value));
	const escaped = (value: string) => value.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
	fc.assert(
		fc.property(text, fc.double({ noNaN: true, noDefaultInfinity: true }), (name, value) => {
			const [pool] = decoded(
				bytesOf(`go_sql_in_use_connections{db_name="${escaped(name)}"} ${value}\n`),
			).pools;
			assert.equal(pool?.name, name);
			assert.equal(pool?.inUse, value === 0 ? pool?.inUse : value);
		}),
	);
});
