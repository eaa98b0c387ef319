/** Compression undone: whole, cut at every byte, broken, and blown up. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";
import { inflateBounded } from "./inflate.ts";

const plain = Buffer.from(
	Array.from({ length: 500 }, (_, i) => `sample ${i * 7919} of main.work\n`).join(""),
);

test("gzip, two gzip members in a row, zlib, and bytes that are not compressed", () => {
	assert.deepEqual(inflateBounded(gzipSync(plain)), { bytes: plain });
	const twice = Buffer.concat([gzipSync(plain), gzipSync(plain)]);
	assert.deepEqual(inflateBounded(twice), { bytes: Buffer.concat([plain, plain]) });
	assert.deepEqual(inflateBounded(deflateSync(plain)), { bytes: plain });
	for (const bytes of [plain, Buffer.of(), Buffer.of(0x1f), Buffer.of(0x78), Buffer.of(0x0a, 4, 8, 1)]) {
		assert.deepEqual(inflateBounded(bytes), { bytes });
	}
});

test("profiles that begin like zlib are left as they are", () => {
	const bytes = Buffer.of(0x48, 0x89, 0x10, 0x00);
	assert.deepEqual(inflateBounded(bytes), { bytes });
});

test("cut at every byte: a beginning of what it was, never less than a shorter cut gave, and why", () => {
	const packed = gzipSync(plain);
	let before = 0;
	for (let length = 2; length < packed.length; length++) {
		const { bytes, truncated } = inflateBounded(packed.subarray(0, length));
		assert.ok(plain.subarray(0, bytes.length).equals(bytes));
		assert.ok(bytes.length >= before, `${length} bytes give ${bytes.length}, ${length - 1} gave ${before}`);
		assert.match(truncated ?? "", /^the gzip stream ends early or is broken \(.+\)$/);
		before = bytes.length;
	}
	assert.equal(before, plain.length);
});

test("broken in the middle: what came before is kept", () => {
	const long = Buffer.concat(Array.from({ length: 20 }, () => plain));
	const packed = gzipSync(long, { level: 0 });
	// A stored block has a header of 5 bytes, the first after the 10 of gzip, which tell its length.
	const length = packed.readUInt16LE(11);
	packed[10 + 5 + length] = 0x07;
	const { bytes, truncated } = inflateBounded(packed);
	assert.deepEqual(bytes, long.subarray(0, length));
	assert.equal(truncated, "the gzip stream ends early or is broken (invalid block type)");
	for (let at = 10; at < 60; at++) {
		const flipped = gzipSync(plain);
		flipped[at] = (flipped[at] ?? 0) ^ 0xff;
		assert.notEqual(inflateBounded(flipped).truncated, undefined);
	}
});

test("a wrong checksum costs nothing but the word that it is wrong", () => {
	const packed = gzipSync(plain);
	packed[packed.length - 5] = (packed[packed.length - 5] ?? 0) ^ 1;
	const { bytes, truncated } = inflateBounded(packed);
	assert.ok(plain.equals(bytes));
	assert.match(truncated ?? "", /incorrect (?:data|length) check/);
});

test("a bomb stops at the bound", () => {
	const bomb = gzipSync(Buffer.alloc(1 << 22));
	const { bytes, truncated } = inflateBounded(bomb, 1 << 20);
	assert.ok(bytes.length > 1 << 19 && bytes.length <= 1 << 20);
	assert.equal(truncated, "inflating was stopped at the bound of 1048576 bytes");
});
