/** A database by a name that only our resolver knows: pg takes no lookup, but a stream of one's own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startPostgres } from "@plumbline/lab/postgres-server";
import pg from "pg";
import { createLookup } from "./lookup.ts";
import { streamWith } from "./lookup-stream.ts";
import { tableResolver } from "./testing/table-resolver.ts";

test("a pool of pg connects by a name that only we know", async () => {
	const postgres = await startPostgres();
	const table = tableResolver();
	table.set("orders-db.test.", "A", ["127.0.0.1"]);
	const url = new URL(postgres.url());
	const pool = new pg.Pool({
		host: "orders-db.test",
		port: postgres.port,
		user: url.username,
		password: decodeURIComponent(url.password),
		database: "postgres",
		max: 3,
		stream: streamWith(createLookup({ resolver: table })),
	});
	try {
		const rows = await Promise.all(
			[1, 2, 3].map((n) => pool.query("select $1::int as n, pg_sleep(0.05)", [n])),
		);
		assert.deepEqual(
			rows.map((result) => result.rows[0]?.n),
			[1, 2, 3],
		);
		assert.equal(pool.totalCount, 3);
		assert.ok(table.asked.includes("orders-db.test. A"));
		const unknown = new pg.Client({
			host: "no-such-db.test",
			port: postgres.port,
			stream: streamWith(createLookup({ resolver: table })),
		});
		await assert.rejects(unknown.connect(), { code: "ENOTFOUND", hostname: "no-such-db.test" });
	} finally {
		// The pool is at its end before its connections are, and the server would tell those that it stops.
		let left = pool.totalCount;
		const gone = new Promise<void>((resolve) => {
			if (left === 0) resolve();
			pool.on("remove", () => --left === 0 && resolve());
		});
		await pool.end();
		await gone;
		await postgres.stop();
	}
});
