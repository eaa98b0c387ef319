import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { avalanche32, hash32 } from "./key-hash.ts";

const SEED = 20_252;
const SALT = 0x9747b28c;

/** Published ones: every length of the rest, text beyond ASCII, seeds at both ends. */
const VECTORS: readonly (readonly [text: string, seed: number, hash: number])[] = [
	["", 0, 0],
	["", 1, 0x514e28b7],
	["", 0xffffffff, 0x81f16f39],
	["a", SALT, 0x7fa09ea6],
	["aa", SALT, 0x5d211726],
	["aaa", SALT, 0x283e0130],
	["aaaa", SALT, 0x5a97808a],
	["ab", SALT, 0x74875592],
	["abc", SALT, 0xc84a62dd],
	["abcd", SALT, 0xf0478627],
	["test", 0, 0xba6bd213],
	["test", SALT, 0x704b81dc],
	["Hello, world!", 0, 0xc0363e43],
	["Hello, world!", SALT, 0x24884cba],
	["The quick brown fox jumps over the lazy dog", 0, 0x2e4ff723],
	["The quick brown fox jumps over the lazy dog", SALT, 0x2fa826cd],
	["ππππππππ", SALT, 0xd58063c1],
];

for (const [text, seed, hash] of VECTORS) {
	test(`murmur3 of "${text}" with seed ${seed.toString(16)}`, () => {
		assert.equal(hash32(text, seed).toString(16), hash.toString(16));
	});
}

/** Another hand: over Node's own UTF-8 bytes, with big integers that wrap by a mask. */
function naive(text: string, seed: number): number {
	const bytes = new TextEncoder().encode(text);
	const mask = 0xffff_ffffn;
	const turn = (value: bigint, by: bigint) => ((value << by) | (value >> (32n - by))) & mask;
	let h = BigInt(seed);
	for (let at = 0; at < bytes.length; at += 4) {
		const four = bytes.subarray(at, at + 4);
		let k = four.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
		k = (turn((k * 0xcc9e2d51n) & mask, 15n) * 0x1b873593n) & mask;
		h ^= k;
		if (four.length === 4) h = (turn(h, 13n) * 5n + 0xe6546b64n) & mask;
	}
	h ^= BigInt(bytes.length);
	h = ((h ^ (h >> 16n)) * 0x85ebca6bn) & mask;
	h = ((h ^ (h >> 13n)) * 0xc2b2ae35n) & mask;
	return Number(h ^ (h >> 16n));
}

test("agrees with another hand on any text, broken surrogates and all", () => {
	const text = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: "binary", maxLength: 40 }));
	const broken = fc
		.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 })
		.map((codes) => String.fromCharCode(...codes));
	const seed = fc.integer({ min: 0, max: 0xffff_ffff });
	fc.assert(
		fc.property(fc.oneof(text, broken), seed, (given, salt) => {
			assert.equal(hash32(given, salt), naive(given, salt));
		}),
		{ seed: SEED, numRuns: 5_000 },
	);
});

test("the avalanche loses nothing: 100,000 neighbours, 100,000 places", () => {
	const places = new Set<number>();
	for (let value = 0; value < 100_000; value++) places.add(avalanche32(value));
	assert.equal(places.size, 100_000);
});
