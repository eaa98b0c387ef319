import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDatabaseUrl } from "./database-url.ts";

const PASSWORD = "hunter2";

test("all that a database URL can say", () => {
	const cases: readonly (readonly [string, object])[] = [
		[
			"postgres://a:b%40c@h:6432/d?sslmode=disable",
			{
				engine: "postgres",
				host: "h",
				port: 6432,
				user: "a",
				password: "b@c",
				database: "d",
				tlsMode: "disable",
				peer: "h:6432",
				shown: "postgres://a:***@h:6432/d?sslmode=disable",
			},
		],
		["postgresql://h", { engine: "postgres", host: "h", port: 5432, tlsMode: "prefer", peer: "h:5432" }],
		["postgres://a@[::1]/d", { host: "::1", port: 5432, user: "a", database: "d" }],
		[
			"postgres:///d?host=/run/postgresql&user=u&password=p&sslmode=require",
			{
				socketPath: "/run/postgresql",
				database: "d",
				user: "u",
				password: "p",
				tlsMode: "disable",
				peer: "/run/postgresql",
			},
		],
		["mysql://a@h/d?ssl-mode=VERIFY_IDENTITY", { engine: "mysql", port: 3306, tlsMode: "verify-full" }],
		["mariadb://h/?tls=skip-verify", { engine: "mysql", tlsMode: "require" }],
		[
			"mysql:///d?socket=/run/mysqld/mysqld.sock",
			{ socketPath: "/run/mysqld/mysqld.sock", peer: "/run/mysqld/mysqld.sock" },
		],
	];
	for (const [text, wanted] of cases) assert.partialDeepStrictEqual(parseDatabaseUrl(text), wanted);
	assert.equal(parseDatabaseUrl("postgres://h").password, undefined);
	assert.equal(parseDatabaseUrl("postgres://h?sslmode=verify-full").tls.rejectUnauthorized, true);
	assert.equal(parseDatabaseUrl("postgres://h?sslmode=require").tls.rejectUnauthorized, false);
});

test("a URL that cannot be used is told without its password", () => {
	const cases: readonly (readonly [string, RegExp])[] = [
		[`http://a:${PASSWORD}@h/`, /is no database URL: it must begin with postgres/],
		[`redis://a:${PASSWORD}@h/`, /is no database URL/],
		["", /"" is no database URL/],
		[`postgres://a:${PASSWORD}@h:port/d`, /is no valid URL: write it as/],
		[`postgres://a:${PASSWORD}#x@h/d`, /is no valid URL.*percent-encoded/],
		[`postgres://a:${PASSWORD}%zz@h/d`, /has a % that encodes nothing/],
		[`postgres://a:${PASSWORD}@h/d?sslmode=maybe`, /unknown sslmode "maybe": known are disable/],
		[
			`postgres://a:${PASSWORD}@h/d?sslrootcert=/nonexistent/ca.pem`,
			/certificate file "\/nonexistent\/ca.pem".*cannot be read/,
		],
	];
	for (const [text, wanted] of cases) {
		assert.throws(
			() => parseDatabaseUrl(text),
			(error: Error) => wanted.test(error.message) && !error.message.includes(PASSWORD),
			text,
		);
	}
});
