import assert from "node:assert/strict";
import { mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fakeTime } from "@plumbline/resolver/testing/fake-time";
import fc from "fast-check";
import { openAccessLog } from "./access-log.ts";
import { LineBytes } from "./access-log-bytes.ts";
import { AccessLines } from "./access-log-lines.ts";
import { redactPath, redactReferer } from "./access-log-query.ts";
import type { ExchangeRecord } from "./observer.ts";
import { exchangeRecord, requestHead } from "./testing/exchange-records.ts";

const WALL_MS = Date.UTC(2026, 10, 23, 0, 1, 52, 17);
/** Monotonic 0 is 1.204 ms before the record's end. */
const clocks = { now: () => 1001.204, wall: () => WALL_MS };

function line(record: ExchangeRecord, form: "json" | "common" | "combined" = "json"): string {
	const to = new LineBytes(128 * 1024);
	const lines = new AccessLines(clocks.now, clocks.wall);
	if (form === "json") lines.json(record, to);
	else lines.common(record, form === "combined", to);
	return to.bytes.toString("latin1", 0, to.at);
}

test("a request that went well", () => {
	assert.deepEqual(JSON.parse(line(exchangeRecord())), {
		time: "2026-11-23T00:01:52.017Z",
		client: "192.0.2.7",
		method: "GET",
		host: "shop.example:8080",
		path: "/v1/orders/17?page=2",
		version: "1.1",
		status: 200,
		bytes: 512,
		requestBytes: 0,
		tookMs: 1.204,
		trace: "4bf92f3577b34da6a3ce929d0e0e4736",
		route: "shop",
		upstream: "orders",
		endpoint: "10.0.0.1:8080",
		tries: 1,
		reused: true,
		poolMs: 0.011,
		upstreamMs: 1.062,
		agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		referer: "https://shop.example/cart",
	});
});

test("one that failed, one that was refused, one of gRPC", () => {
	const failed = exchangeRecord({
		status: 504,
		tries: 3,
		reused: false,
		requestBytes: 9_007_199_254_740_991,
		answeredMs: undefined,
		failure: { kind: "timeout", timeout: "head", detail: 'no head within 5 s from "orders"' },
		failedSide: "upstream",
	});
	const { failure, timeout, side, detail, tries, reused, requestBytes } = JSON.parse(line(failed));
	assert.deepEqual(
		[failure, timeout, side, detail, tries, reused, requestBytes],
		["timeout", "head", "upstream", 'no head within 5 s from "orders"', 3, false, 9_007_199_254_740_991],
	);
	const nowhere = { route: undefined, upstream: undefined, endpoint: undefined, askedPoolMs: undefined };
	const refused = exchangeRecord({ ...nowhere, tries: 0, reused: false, status: 429, refused: "rate-limit" });
	const told = JSON.parse(line(refused));
	assert.equal(told.refused, "rate-limit");
	assert.ok(!("endpoint" in told || "tries" in told || "poolMs" in told));
	assert.equal(JSON.parse(line(exchangeRecord({ grpcStatus: 14 }))).grpc, 14);
	for (const odd of [Number.NaN, Infinity, -1, 0.5, 2 ** 60]) {
		const record = exchangeRecord({ grpcStatus: odd, status: odd, responseBytes: odd });
		const { grpc, status, bytes } = JSON.parse(line(record));
		assert.deepEqual([grpc, status, bytes], [0, 0, 0], String(odd));
	}
});

test("the Combined Log Format, and Common", () => {
	const common = '192.0.2.7 - - [23/Nov/2026:00:01:52 +0000] "GET /v1/orders/17?page=2 HTTP/1.1" 200 512';
	assert.equal(line(exchangeRecord(), "common"), `${common}\n`);
	assert.equal(
		line(exchangeRecord(), "combined"),
		`${common} "https://shop.example/cart" "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"\n`,
	);
	const bare = exchangeRecord({ clientAddress: "", status: 0, head: requestHead({ fields: [] }) });
	assert.match(line(bare, "combined"), /^- - - .* - 512 "-" "-"\n$/);
});

describe("nothing a client sends leaves its quotes", () => {
	const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)) });
	const hostile = fc.oneof(
		latin1,
		fc.string({ unit: "binary" }),
		fc.constantFrom('"}\n{"time":"forged', '" 200 1 "-" "\r\n', "\\", '\\"', "\u2028", "\x1b[2J", "\x7f"),
		fc.nat(6000).map((length) => "\x00".repeat(length)),
	);
	const records = fc.tuple(hostile, hostile, hostile, hostile).map(([path, agent, referer, detail]) =>
		exchangeRecord({
			head: requestHead({ path: `/${path}`, fields: ["user-agent", agent, "referer", referer] }),
			failure: { kind: "broken", detail },
		}),
	);

	test("json", () => {
		fc.assert(
			fc.property(records, (record) => {
				const text = line(record);
				assert.match(text, /^[\x20-\x7e]+\n$/);
				assert.ok(text.length < 40_000);
				const told = JSON.parse(text);
				assert.deepEqual([told.status, told.failure, told.route], [200, "broken", "shop"]);
				const { path } = record.head;
				if (path.length < 500 && !path.includes("?")) assert.equal(told.path, path);
			}),
		);
	});

	test("combined", () => {
		const form =
			/^[\d.]+ - - \[[^\]]+\] "GET (?:[^"\\]|\\x[\dA-F]{2})+ HTTP\/1\.1" 200 512 "(?:[^"\\]|\\x[\dA-F]{2})*" "(?:[^"\\]|\\x[\dA-F]{2})*"\n$/;
		fc.assert(
			fc.property(records, (record) => {
				const text = line(record, "combined");
				assert.match(text, /^[\x20-\x7e]+\n$/);
				assert.match(text, form);
			}),
		);
	});
});

test("secrets in a query are not logged, by their name or by their look", () => {
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc";
	for (const [given, told] of [
		["/a", "/a"],
		["/a?b=1&c", "/a?b=1&c"],
		["/a?password=x", "/a?password=***"],
		["/a?b=1&access_token=x;api_key=y&c=2", "/a?b=1&access_token=***;api_key=***&c=2"],
		["/a?pass%77ord=x", "/a?pass%77ord=***"],
		[`/a?q=${jwt}`, "/a?q=***"],
		["/a?token=", "/a?token="],
		["/a?token=x&b=?token=y", "/a?token=***&b=?token=y"],
		[`/a?${"b=1&".repeat(2000)}`, "/a?***"],
	] as const)
		assert.equal(redactPath(given), told);
	assert.equal(redactReferer("https://u:pw@h/x?token=y#z"), "https://u:***@h/x?token=***");
	assert.equal(redactReferer("/x?token=y"), "/x?token=***");
});

describe("the file", () => {
	let folder = "";
	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "plumbline-log-"));
	});
	after(() => rm(folder, { recursive: true }));
	const pathsOf = async (path: string) =>
		(await readFile(path, "utf8"))
			.split("\n")
			.filter((text) => text !== "")
			.map((text) => JSON.parse(text).path);
	const recordOf = (path: string) => exchangeRecord({ head: requestHead({ path }) });

	test("is written after a while, opened again when told, and to its end when closed", async () => {
		const path = join(folder, "access.log");
		const time = fakeTime();
		const log = openAccessLog({ path, format: "json" }, { ...clocks, timers: time.timers });
		log.finished(recordOf("/1"));
		log.finished(recordOf("/2"));
		await time.pass(100);
		while (log.counts.written < 2) await new Promise((resolve) => setImmediate(resolve));
		assert.deepEqual(await pathsOf(path), ["/1", "/2"]);
		assert.equal((await stat(path)).mode & 0o777, 0o640);
		await rename(path, `${path}.1`);
		log.reopen();
		log.finished(recordOf("/3"));
		await log.close();
		assert.deepEqual(await pathsOf(`${path}.1`), ["/1", "/2"]);
		assert.deepEqual(await pathsOf(path), ["/3"]);
		assert.deepEqual(log.counts, { written: 3, dropped: 0 });
		log.finished(recordOf("/4"));
		assert.deepEqual(log.counts, { written: 3, dropped: 1 });
	});

	test("more than a slow disk takes is dropped and counted; what is written is whole", async () => {
		const path = join(folder, "slow.log");
		const told: string[] = [];
		const log = openAccessLog(
			{ path, format: "json" },
			{ ...clocks, timers: fakeTime().timers, trouble: (text) => told.push(text) },
		);
		// No write can end within this loop.
		const all = 40_000;
		for (let n = 0; n < all; n++) log.finished(recordOf(`/${n}`));
		const { dropped } = log.counts;
		assert.ok(dropped > 0 && dropped < all, String(dropped));
		await log.close();
		assert.deepEqual(log.counts, { written: all - dropped, dropped });
		assert.deepEqual(
			await pathsOf(path),
			Array.from({ length: all - dropped }, (_, n) => `/${n}`),
		);
		assert.equal(told.length, 1);
		assert.match(told[0] ?? "", /slower than the requests; \d+ lines dropped/);
	});

	test("a file that cannot be opened costs lines, and is tried again", async () => {
		const path = join(folder, "later", "access.log");
		const told: string[] = [];
		const log = openAccessLog({ path, format: "common" }, { ...clocks, trouble: (text) => told.push(text) });
		log.finished(recordOf("/1"));
		await log.close();
		assert.deepEqual(log.counts, { written: 0, dropped: 1 });
		assert.match(told[0] ?? "", /cannot be written.*ENOENT/);
	});
});

test("half a line is taken back", () => {
	const log = openAccessLog({ path: "/dev/null", format: "json" }, clocks);
	const head = {
		...requestHead(),
		value: () => {
			throw new Error("of a head that is over");
		},
	};
	assert.throws(() => log.finished(exchangeRecord({ head })), /over/);
	assert.deepEqual(log.counts, { written: 0, dropped: 0 });
});
