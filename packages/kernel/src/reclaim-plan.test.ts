/** What may never be taken, over random tables; and which of the rest goes first. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isPrivateAddress } from "./private-address.ts";
import { ageMs, planReclaim, SPARED_CODES } from "./reclaim-plan.ts";
import type { TimeWaitRow } from "./time-wait-rows.ts";

const GOOD: TimeWaitRow = {
	state: 6,
	family: 2,
	localIp: "10.0.0.9",
	localPort: 40_001,
	peerIp: "10.0.0.7",
	peerPort: 5432,
	expiresMs: 30_000,
	cookie: 7n,
	id: new Uint8Array(48),
};
const WISH = { peerIp: "10.0.0.7", peerPort: 5432, olderThanMs: 5000, max: 100 };

const PRIVATE = [
	"10.0.0.7",
	"10.255.255.255",
	"172.16.0.1",
	"172.31.255.255",
	"192.168.3.4",
	"127.0.0.1",
	"127.255.0.9",
	"::1",
	"fc00::1",
	"fdff:ffff::9",
];
const PUBLIC = [
	"8.8.8.8",
	"9.255.255.255",
	"11.0.0.0",
	"172.15.255.255",
	"172.32.0.0",
	"192.167.255.255",
	"192.169.0.0",
	"100.64.0.1",
	"169.254.169.254",
	"198.51.100.7",
	"224.0.0.1",
	"0.0.0.0",
	"255.255.255.255",
	"::",
	"::2",
	"2001:db8::1",
	"fe80::1",
	"fe00::1",
	"ff02::1",
	"64:ff9b::a00:7",
];

test("private is RFC 1918, ULA and loopback to the last address, and nothing else", () => {
	for (const ip of PRIVATE) assert.equal(isPrivateAddress(ip), true, ip);
	for (const ip of [...PUBLIC, "", "*", "db.example.org"]) assert.equal(isPrivateAddress(ip), false, ip);
});

test("whatever the table holds: nothing is taken that must stay, nothing is lost, the bound holds", () => {
	const address = fc.constantFrom("10.0.0.7", "fd00::7", "192.168.1.1", ...PUBLIC);
	const anyRow: fc.Arbitrary<TimeWaitRow> = fc.record({
		state: fc.oneof({ weight: 4, arbitrary: fc.constant(6) }, { weight: 1, arbitrary: fc.nat(12) }),
		family: fc.constantFrom(2, 10),
		localIp: fc.oneof({ weight: 2, arbitrary: fc.constant("10.0.0.9") }, { weight: 1, arbitrary: address }),
		localPort: fc.nat(65_535),
		peerIp: fc.oneof({ weight: 2, arbitrary: fc.constant("10.0.0.7") }, { weight: 1, arbitrary: address }),
		peerPort: fc.constantFrom(5432, 5433, 0),
		expiresMs: fc.nat(70_000),
		cookie: fc.oneof(fc.bigInt({ min: 0n, max: 30n }), fc.constant(2n ** 64n - 1n)),
		id: fc.constant(GOOD.id),
	});
	const anyWish = fc.record({
		peerIp: address,
		peerPort: fc.constantFrom(5432, 5433),
		olderThanMs: fc.nat(60_000),
		max: fc.nat(20),
	});
	fc.assert(
		fc.property(fc.array(anyRow, { maxLength: 60 }), anyWish, (rows, wish) => {
			const { taken, spared } = planReclaim(rows, wish);
			assert.ok(taken.length <= wish.max);
			for (const row of taken) {
				assert.ok(rows.includes(row));
				assert.equal(row.state, 6);
				assert.deepEqual([row.peerIp, row.peerPort], [wish.peerIp, wish.peerPort]);
				assert.ok(!PUBLIC.includes(row.peerIp) && !PUBLIC.includes(row.localIp));
				assert.ok(row.cookie > 0n && row.cookie < 2n ** 64n - 1n);
				assert.ok(60_000 - row.expiresMs >= wish.olderThanMs || wish.olderThanMs === 0);
			}
			assert.equal(new Set(taken.map(({ cookie }) => cookie)).size, taken.length);
			const left = spared.reduce((sum, { count }) => sum + count, 0);
			assert.equal(taken.length + left, rows.length);
			if (spared.some(({ code }) => code === "over-max")) assert.equal(taken.length, wish.max);
		}),
		{ numRuns: 1000 },
	);
});

test("each reason to stay, by its row", () => {
	const cases: [Partial<TimeWaitRow>, string][] = [
		[{ state: 1 }, "not-time-wait"],
		[{ state: 5 }, "not-time-wait"],
		[{ peerIp: "10.0.0.8" }, "other-peer"],
		[{ peerPort: 5433 }, "other-peer"],
		[{ localIp: "198.51.100.7" }, "public-address"],
		[{ cookie: 0n }, "no-cookie"],
		[{ cookie: 0xffff_ffff_ffff_ffffn }, "no-cookie"],
		[{ expiresMs: 55_001 }, "too-young"],
		// A clock that disagrees makes a socket younger, never older.
		[{ expiresMs: 0xffff_ffff }, "too-young"],
	];
	for (const [flaw, code] of cases) {
		const row = { ...GOOD, ...flaw };
		assert.deepEqual(planReclaim([row], WISH), { taken: [], spared: [{ code, count: 1, example: row }] });
	}
	const twin = { ...GOOD };
	const { taken, spared } = planReclaim([GOOD, twin], WISH);
	assert.equal(taken[0], GOOD);
	assert.deepEqual(spared, [{ code: "repeated", count: 1, example: twin }]);
	assert.deepEqual(planReclaim([{ ...GOOD, peerIp: "8.8.8.8" }], { ...WISH, peerIp: "8.8.8.8" }).taken, []);
});

test("the oldest go first, so that the youngest are the ones beyond the bound", () => {
	const rows = [20_000, 1_000, 50_000, 10_000].map((expiresMs, i) => {
		return { ...GOOD, expiresMs, cookie: BigInt(i + 1) };
	});
	const { taken, spared } = planReclaim(rows, { ...WISH, max: 3 });
	assert.deepEqual(taken.map(ageMs), [59_000, 50_000, 40_000]);
	assert.deepEqual(spared, [{ code: "over-max", count: 1, example: rows[2] }]);
});

test("reasons are told in the order in which they are asked", () => {
	const rows = [
		{ ...GOOD, expiresMs: 59_000 },
		{ ...GOOD, state: 1 },
	];
	const told = planReclaim(rows, WISH).spared.map(({ code }) => code);
	assert.deepEqual(
		told,
		SPARED_CODES.filter((code) => told.includes(code)),
	);
});
