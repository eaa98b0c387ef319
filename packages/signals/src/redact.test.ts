import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { redactArgument, redactCommandLine, redactLabels, redactMetricLabels, redactUrl } from "./redact.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";

test("a URL loses its password and secret parameters and nothing else", () => {
	const cases: readonly (readonly [string, string])[] = [
		[
			"postgres://app:s3cret@db:5432/orders?sslmode=disable",
			"postgres://app:***@db:5432/orders?sslmode=disable",
		],
		["mysql://app:p@ss@db/orders", "mysql://app:***@db/orders"],
		["postgres://app:pa/ss?w#rd@db/orders", "postgres://app:***@db/orders"],
		[
			"postgres://db/orders?user=app&password=s3cret&sslpassword=x",
			"postgres://db/orders?user=app&password=***&sslpassword=***",
		],
		[
			"http://127.0.0.1:6060/debug/pprof/goroutine?debug=2",
			"http://127.0.0.1:6060/debug/pprof/goroutine?debug=2",
		],
		["http://10.0.0.1:9090/x@y", "http://10.0.0.1:9090/x@y"],
		["http://[::1]:9090/x@y", "http://[::1]:9090/x@y"],
		["https://ghp_abcdefghijklmnop1234@github.com/x", "https://***@github.com/x"],
		[`see http://a/?q=${JWT}&n=1 and http://u:p@b/.`, "see http://a/?q=***&n=1 and http://u:***@b/."],
		["no URL: user:pass@host", "no URL: user:pass@host"],
	];
	for (const [given, wanted] of cases) assert.equal(redactUrl(given), wanted);
});

test("no password of a well-formed URL survives", () => {
	fc.assert(
		fc.property(fc.string({ minLength: 1 }), fc.webPath(), (password, path) => {
			const shown = redactUrl(`postgres://app:${encodeURIComponent(`#${password}#`)}@db${path}`);
			assert.ok(shown.startsWith("postgres://app:***@db"), shown);
		}),
	);
});

test("a command line loses what is secret by name, by form or by place", () => {
	const cases: readonly (readonly [string, string])[] = [
		["/app/orders --dsn postgres://app:s3cret@db/orders", "/app/orders --dsn ***"],
		["/app/orders -db postgres://app:s3cret@db/orders", "/app/orders -db postgres://app:***@db/orders"],
		["/app/orders -password hunter2 --port 80", "/app/orders -password *** --port 80"],
		["/app/orders --api-key=abc --verbose", "/app/orders --api-key=*** --verbose"],
		["env DB_PASSWORD=x PORT=8080 ./orders", "env DB_PASSWORD=*** PORT=8080 ./orders"],
		["mysql -uapp -phunter2 orders", "mysql -uapp -p*** orders"],
		["nc -p8080 host", "nc -p8080 host"],
		["curl -u anna:hunter2 http://x/", "curl -u anna:*** http://x/"],
		[`curl -H 'Authorization: Bearer ${JWT}' x`, "curl -H 'Authorization: ***' x"],
		["./orders \"host=db password='two words' user=app\"", './orders "host=db password=*** user=app"'],
		[
			"./orders app:hunter2@tcp(db:3306)/orders?timeout=2s",
			"./orders app:***@tcp(db:3306)/orders?timeout=2s",
		],
		["/app/orders\0-c\0host=db password=two user=app\0", "/app/orders -c host=db password=*** user=app"],
		["/app/orders --token AKIAIOSFODNN7EXAMPLE", "/app/orders --token ***"],
		[
			"/usr/local/bin/orders-service --config /etc/orders/config.production.yaml",
			"/usr/local/bin/orders-service --config /etc/orders/config.production.yaml",
		],
		["orders --passwd", "orders --passwd"],
		["", ""],
	];
	for (const [given, wanted] of cases) assert.equal(redactCommandLine(given), wanted);
});

test("a dump without labels comes back as the very same array", () => {
	const dump = bytesOf(
		"goroutine 1 [running]:\nmain.main()\n\t/app/main.go:1 +0x1d\nlabels\nlabel:{}\nlabels:\n",
	);
	assert.equal(redactLabels(dump), dump);
});

test("secrets leave the labels of a goroutine dump, the rest of it stays", () => {
	const cases: readonly (readonly [string, string])[] = [
		[
			'goroutine 8 [running labels:{"foobar": "baz"}]:\n',
			'goroutine 8 [running labels:{"foobar": "baz"}]:\n',
		],
		[
			`goroutine 8 [select labels:{"a]": "x,\\"}", "token": "t\\"1", "tenant":"${JWT}"}]:\nmain.f()\n`,
			'goroutine 8 [select labels:{"a]": "x,\\"}", "token": "***", "tenant":"***"}]:\nmain.f()\n',
		],
		[
			"goroutine 8 [running labels:{token: abc, path: /v1}]:\n",
			"goroutine 8 [running labels:{token: ***, path: /v1}]:\n",
		],
		[
			'goroutine 8 [select] {token: abc, user: "a b"}:\nmain.f(...)\n',
			'goroutine 8 [select] {token: ***, user: "a b"}:\nmain.f(...)\n',
		],
		[
			'# labels: {"db":"postgres://a:b@c/d", "password":""}\n',
			'# labels: {"db":"postgres://a:***@c/d", "password":""}\n',
		],
		['# labels: {"password":"cut of', '# labels: {"password":"***'],
		['# labels: {"password":"cut\\', '# labels: {"password":"***'],
		['# labels: {"password"', '# labels: {"password"'],
	];
	for (const [given, wanted] of cases) assert.equal(textOf(redactLabels(bytesOf(given))), wanted);
});

test("secrets leave metric labels and exemplars; names, values and comments stay", () => {
	const given = `# HELP a {token="t"} kept
a{path="/v1/{id}",api_key="k"} 7 # {session_id="s"} 1 2
{"b.c",token="t"} NaN
build_info{revision="0123456789abcdef0123456789abcdef01234567",key="0123456789abcdef0123456789abcdef"} 1
d{url="postgres://ü:p@h"} 1
go_goroutines 7
`;
	assert.equal(
		textOf(redactMetricLabels(bytesOf(given))),
		`# HELP a {token="t"} kept
a{path="/v1/{id}",api_key="***"} 7 # {session_id="***"} 1 2
{"b.c",token="***"} NaN
build_info{revision="0123456789abcdef0123456789abcdef01234567",key="***"} 1
d{url="postgres://ü:***@h"} 1
go_goroutines 7
`,
	);
});

test("ordinary label values are left alone", () => {
	const values = [
		"orders_production_replica_eu_west_1",
		"TransactionRepositoryV2CreateOrder",
		"github.com/jackc/pgx/v5/pgxpool.(*Pool).Acquire",
		"orders-7d9f8b6c5d-x2k9p",
		"550e8400-e29b-41d4-a716-446655440000",
		"/api/v1/customers/{customerId}/orders",
		"go1.27.1 X:nocoverageredesign",
		"2026-08-03T10:11:12.123456789Z",
	];
	for (const value of values) {
		const line = bytesOf(`m{l="${value}"} 1\n`);
		assert.equal(redactMetricLabels(line), line, value);
	}
});

test("random keys are recognised whatever the label is called", () => {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	const key = fc.array(fc.constantFrom(...alphabet), { minLength: 40, maxLength: 64 });
	let missed = 0;
	const runs = 500;
	fc.assert(
		fc.property(key, (chars) => {
			const shown = textOf(redactMetricLabels(bytesOf(`m{l="${chars.join("")}"} 1\n`)));
			if (shown !== 'm{l="***"} 1\n') missed++;
		}),
		{ numRuns: runs, seed: 7 },
	);
	assert.ok(missed <= runs / 20, `${missed} of ${runs} random keys were not seen`);
});

test("any bytes at all: no throw, and text without braces is never touched", () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
			redactMetricLabels(bytes);
			redactLabels(bytes);
			const plain = bytes.filter((byte) => byte !== 123);
			assert.equal(redactLabels(plain), plain);
			assert.equal(redactMetricLabels(plain), plain);
		}),
	);
});

test("an argument that could not be understood shows no password, however it is broken", () => {
	const cases: [string, string][] = [
		["postgres://me:s3@cret@h:port/db", "postgres://me:***@h:port/db"],
		["postgres://me:two words@h/db", "postgres://me:***@h/db"],
		["me:s3cret@h:5432/db", "me:***@h:5432/db"],
		["host=h password=s3cret", "host=h password=***"],
		["127.0.0.1:6060/debug", "127.0.0.1:6060/debug"],
		["http://h:99999999", "http://h:99999999"],
	];
	for (const [given, shown] of cases) assert.equal(redactArgument(given), shown);
});
