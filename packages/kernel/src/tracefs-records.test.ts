/** A format file and a raw page as Linux 6.18 gave them, pages written by hand, and any page at all. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseTraceFormat, readTracePage } from "./tracefs-records.ts";

const FORMAT = `name: inet_sock_set_state
ID: 2287
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:const void * skaddr;	offset:8;	size:8;	signed:0;
	field:__u16 sport;	offset:24;	size:2;	signed:0;
	field:__u8 saddr[4];	offset:32;	size:4;	signed:0;

print fmt: "sport=%hu", REC->sport
`;

test("a format file gives the id and where its fields lie", () => {
	const format = parseTraceFormat(FORMAT);
	assert.equal(format?.id, 2287);
	assert.deepEqual(
		[...(format?.fields ?? [])],
		[
			["common_type", { offset: 0, bytes: 2, isSigned: false }],
			["common_pid", { offset: 4, bytes: 4, isSigned: true }],
			["skaddr", { offset: 8, bytes: 8, isSigned: false }],
			["sport", { offset: 24, bytes: 2, isSigned: false }],
			["saddr", { offset: 32, bytes: 4, isSigned: false }],
		],
	);
	assert.equal(parseTraceFormat("something else"), undefined);
});

/** The first two records of a page: 1 -> 8 on 127.0.0.1, 59,996 -> 19,853 and 36,378 -> 19,853. */
const RECORDED = Buffer.from(
	"e5095d05bb0a00009800000000000000" +
		"12000000ef081002e65e000000caa0798188ffff010000000800000024ea4d8d020006007f0000017f000001" +
		"00000000000000000000ffff7f00000100000000000000000000ffff7f000001" +
		"125c3a04ef081002e25e000000a5a0798188ffff01000000080000001aea4d8d020006007f0000017f000001" +
		"00000000000000000000ffff7f00000100000000000000000000ffff7f000001",
	"hex",
);

function visited(page: Buffer) {
	const records: (readonly [string, bigint])[] = [];
	const seen = readTracePage(page, (record, timeNs) => {
		records.push([record.toString("hex"), timeNs]);
	});
	return { ...seen, visited: records };
}

test("a recorded page: two records, with the time between them", () => {
	const page = visited(RECORDED);
	assert.equal(page.records, 2);
	assert.equal(page.malformed, false);
	assert.equal(page.lost, undefined);
	const begin = 0x0abb055d09e5n;
	assert.deepEqual(
		page.visited.map(([, timeNs]) => timeNs - begin),
		[0n, BigInt(0x043a5c12 >>> 5)],
	);
	for (const [record] of page.visited) {
		const bytes = Buffer.from(record, "hex");
		assert.deepEqual([bytes.length, bytes.readUInt16LE(0), bytes.readUInt32LE(20)], [72, 2287, 8]);
	}
});

/** A page at time 1000 from words. */
function written(words: readonly number[], flags = 0, behind: readonly number[] = []): Buffer {
	const page = Buffer.alloc(16 + (words.length + behind.length) * 4);
	page.writeBigUInt64LE(1000n, 0);
	page.writeUInt32LE((flags | (words.length * 4)) >>> 0, 8);
	for (const [i, word] of [...words, ...behind].entries()) page.writeUInt32LE(word >>> 0, 16 + i * 4);
	return page;
}

const head = (type: number, delta: number) => (delta << 5) | type;

test("long records, skipped ones, and both kinds of time", () => {
	const page = visited(
		written([
			...[head(1, 5), 0xaa],
			...[head(0, 1), 12, 0xbb, 0xbc],
			...[head(29, 3), 12, 0, 0],
			...[head(30, 7), 1],
			...[head(1, 0), 0xcc],
			...[head(31, 9), 2],
			...[head(1, 1), 0xdd],
			...[head(29, 0), 0, 0xee],
		]),
	);
	assert.deepEqual(page.visited, [
		["aa000000", 1005n],
		["bb000000bc000000", 1006n],
		["cc000000", 1013n + (1n << 27n)],
		["dd000000", (2n << 27n) + 10n],
	]);
	assert.equal(page.malformed, false);
});

test("losses: counted behind the data, or only known", () => {
	const LOST = 1 << 31;
	const COUNTED = 1 << 30;
	assert.equal(readTracePage(written([head(1, 0), 1], LOST | COUNTED, [17, 0]), () => {}).lost, 17n);
	assert.equal(readTracePage(written([head(1, 0), 1], LOST), () => {}).lost, -1n);
	assert.equal(readTracePage(written([head(1, 0), 1], LOST | COUNTED), () => {}).lost, -1n);
});

test("a record longer than its page, or none at all: malformed, and what came before is kept", () => {
	const page = visited(written([head(1, 0), 0xaa, head(9, 0), 0xbb]));
	assert.deepEqual([page.records, page.malformed], [1, true]);
	assert.equal(visited(written([head(0, 0), 2])).malformed, true);
	assert.equal(visited(written([], 4096)).malformed, true);
});

test("cut at any byte, or any bytes whatever: it ends and does not throw", () => {
	for (let length = 0; length < RECORDED.length; length++) {
		assert.ok(readTracePage(RECORDED.subarray(0, length), () => {}).records <= 2);
	}
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
			const page = Buffer.concat([RECORDED.subarray(0, 16), bytes]);
			readTracePage(page, (record) => assert.ok(record.length >= 4));
		}),
	);
});
