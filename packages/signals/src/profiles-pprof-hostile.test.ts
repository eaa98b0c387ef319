/** Profiles that are wrong in one way each: what is good around it stays, the flaw is told, and no input takes long. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Flaw } from "./decoded.ts";
import { FLAWS_MAX } from "./decoded.ts";
import { decodePprof } from "./profiles-pprof.ts";
import {
	type Field,
	FUNCTION,
	LOCATION,
	message,
	packed,
	SAMPLE,
	SMALL,
	STRING,
} from "./testing/pprof-encoder.ts";

/** Decodes and walks all that can be asked for. */
function decode(...pieces: readonly Uint8Array[]) {
	const answer = decodePprof(Buffer.concat(pieces));
	assert.ok(answer.kind === "decoded");
	const { value, flaws } = answer;
	const stacks = Array.from({ length: value.stacks.length }, (_, i) => value.stacks.at(i) ?? []);
	const labels = Array.from({ length: value.labels.length }, (_, i) => value.labels.at(i));
	return { value, flaws, stacks, labels };
}

const small = message(...SMALL);
const OVERLONG = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01];

/** Raw bytes as a sample, after a good profile. */
const sample = (...bytes: number[]) => message([SAMPLE, Uint8Array.from(bytes)]);

function told({ kind, why }: Flaw): string {
	return `${kind}: ${why}`;
}

const BROKEN_SAMPLES: Readonly<Record<string, readonly [Uint8Array, string]>> = {
	"a number of 11 bytes": [
		sample(0x10, ...OVERLONG),
		"malformed: expected a sample, found a number of more than 10 bytes",
	],
	"a length beyond the end": [
		sample(0x0a, 0x7f, 1),
		"malformed: expected a sample, found a field of 127 bytes, 1 are left",
	],
	"a length of 2^63": [
		sample(0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01),
		"malformed: expected a sample, found a field of 9223372036854776000 bytes, 0 are left",
	],
	"packed values that end in the middle of one": [
		sample(0x12, 0x02, 0x05, 0x80),
		"malformed: expected a sample, found the end within a field",
	],
	"a tag without a number": [
		sample(0x02, 0x00),
		"malformed: expected a sample, found a field without a number",
	],
	"a kind of field that does not exist": [
		sample(0x0f),
		"malformed: expected a sample, found a field of kind 7, which does not exist",
	],
	"the end of a group that did not begin": [
		sample(0x24),
		"malformed: expected a sample, found the end of a group that did not begin",
	],
	"a group without an end": [
		sample(0x23, 0x08, 0x01),
		"malformed: expected a sample, found the end within a field",
	],
	"a thousand groups in each other": [
		sample(...Array.from({ length: 1000 }, () => 0x23)),
		"malformed: expected a sample, found more than 32 groups in each other",
	],
	"no values": [sample(), "malformed: expected a sample of 1 values, found 0"],
	"too many values": [sample(0x12, 2, 1, 2), "malformed: expected a sample of 1 values, found 2"],
};

for (const [name, [bytes, why]] of Object.entries(BROKEN_SAMPLES)) {
	test(`sample with ${name}: it is left out, the others stay`, () => {
		const { value, flaws } = decode(small, bytes, sample(0x0a, 1, 2, 0x12, 1, 9));
		assert.deepEqual(flaws.map(told), [why]);
		assert.deepEqual([...value.values], [5n, 7n, 9n]);
	});
}

test("a location that is not there: the call is unknown, the value stays", () => {
	const { flaws, stacks, value } = decode(small, sample(0x0a, 2, 77, 2, 0x12, 1, 9));
	assert.deepEqual(flaws.map(told), [
		"malformed: expected the locations of a sample, found the id 0x4d, which no location has",
	]);
	assert.deepEqual(
		stacks[2]?.map(({ func }) => func),
		["?", "main.main"],
	);
	assert.equal(value.values[2], 9n);
});

test("locations that end in the middle of one: what is whole of the stack stays", () => {
	const { flaws, stacks } = decode(small, sample(0x0a, 2, 2, 0x80, 0x12, 1, 9));
	assert.match(
		flaws.map(told).join(),
		/^malformed: expected the locations of a sample, found the end within a field$/,
	);
	assert.deepEqual(
		stacks[2]?.map(({ func }) => func),
		["main.main"],
	);
});

test("a function that is not there: the address stands for it", () => {
	const place = message([
		LOCATION,
		[
			[1, 3],
			[3, 0xdead_beef_0000n],
			[
				4,
				[
					[1, 99],
					[2, 7],
				],
			],
		],
	]);
	const { flaws, stacks } = decode(small, place, sample(0x0a, 1, 3, 0x12, 1, 1));
	assert.deepEqual(flaws.map(told), ["malformed: no function has the id 0x63"]);
	assert.deepEqual(stacks[2], [{ func: "0xdeadbeef0000", file: "", line: 7 }]);
});

test("an index beyond the strings, negative, or of 2^40: the name is missing, and that is a loss", () => {
	for (const index of [100, -1n, 1n << 40n]) {
		const { flaws } = decode(
			small,
			message([
				FUNCTION,
				[
					[1, 9],
					[2, index],
				],
			]),
		);
		assert.match(
			flaws.map(told).join(),
			/^truncated: expected the index of one of the 12 strings, found .*: strings are missing$/,
		);
	}
	const labelled = decode(
		small,
		message([
			SAMPLE,
			[
				[2, 1],
				[
					3,
					[
						[1, 50],
						[2, 51],
					],
				],
			],
		]),
	);
	assert.deepEqual(
		labelled.flaws.map(({ kind }) => kind),
		["truncated"],
	);
});

test("two locations and two functions with one id: the first is used", () => {
	const twice = message(
		[
			LOCATION,
			[
				[1, 1],
				[4, [[1, 3]]],
			],
		],
		[
			FUNCTION,
			[
				[1, 3],
				[2, 4],
			],
		],
	);
	const { flaws, stacks } = decode(small, twice);
	assert.deepEqual(
		flaws.map(({ kind }) => kind),
		["malformed", "malformed"],
	);
	assert.deepEqual(
		stacks[1]?.map(({ func }) => func),
		["main.main"],
	);
	const wide = decode(small, message([LOCATION, [[1, 1n << 60n]]], [LOCATION, [[1, 1n << 60n]]]));
	assert.match(wide.flaws.map(told).join(), /two locations with the same id/);
});

test("lines that cannot be one are unknown", () => {
	const place = message([
		LOCATION,
		[
			[1, 3],
			[
				4,
				[
					[1, 3],
					[2, -5n],
				],
			],
		],
	]);
	const { stacks } = decode(small, place, sample(0x0a, 1, 3, 0x12, 1, 1));
	assert.equal(stacks[2]?.[0]?.line, 0);
});

test("a label called __proto__, one without a value, an empty one, one key twice", () => {
	const names: Field[] = ["__proto__", "x", "y"].map((text) => [STRING, text]);
	const labels: Field[] = [
		[
			3,
			[
				[1, 12],
				[2, 13],
			],
		],
		[3, [[1, 8]]],
		[3, []],
		[
			3,
			[
				[1, 8],
				[2, 13],
			],
		],
		[
			3,
			[
				[1, 8],
				[2, 14],
			],
		],
	];
	const { flaws, value } = decode(small, message(...names, [SAMPLE, [[2, 1], ...labels]]));
	assert.deepEqual(flaws, []);
	const last = value.labels.at((value.labelsOf[2] ?? 0) - 1);
	assert.deepEqual(Object.entries(last?.strings ?? {}), [
		["__proto__", "x"],
		["user", "y"],
	]);
	assert.equal(({} as Record<string, unknown>).x, undefined);
});

test("the same location 100,000 times: the innermost calls stay", () => {
	const deep = message([
		SAMPLE,
		[
			[1, new Uint8Array(100_000).fill(2)],
			[2, 1],
		],
	]);
	const { flaws, stacks } = decode(small, deep);
	assert.equal(stacks[2]?.length, 16_384);
	assert.match(flaws.map(told).join(), /more than 16384 calls: the innermost are kept/);
});

test("a thousand calls inlined at one address, a thousand labels of one sample", () => {
	const lines = Array.from(
		{ length: 1000 },
		(): Field => [
			4,
			[
				[1, 3],
				[2, 1],
			],
		],
	);
	const wide = decode(small, message([LOCATION, [[1, 3], ...lines]]), sample(0x0a, 1, 3, 0x12, 1, 1));
	assert.equal(wide.stacks[2]?.length, 256);
	assert.match(wide.flaws.map(told).join(), /more than 256 calls at one address/);
	const labels = Array.from(
		{ length: 1000 },
		(_, i): Field => [
			3,
			[
				[1, 8],
				[3, i + 1],
			],
		],
	);
	const many = decode(small, message([SAMPLE, [[2, 1], ...labels]]));
	assert.equal(many.labels[1]?.numbers.length, 256);
	assert.match(many.flaws.map(told).join(), /more than 256 labels/);
});

test("a thousand kinds of values: the first 32 are kept, and samples of so many", () => {
	const types = Array.from({ length: 1000 }, (): Field => [1, [[1, 1]]]);
	const { value, flaws } = decode(message(...SMALL, ...types));
	assert.equal(value.types.length, 32);
	assert.equal(flaws.length, FLAWS_MAX);
});

test("a million samples of two bytes, a million empty strings and locations: bounded, and told once each", () => {
	const empty = (tag: number) => Uint8Array.from({ length: 2_000_000 }, (_, i) => (i % 2 === 0 ? tag : 0));
	for (const tag of [0x12, 0x22, 0x2a, 0x32]) {
		const { value, flaws } = decode(small, empty(tag));
		assert.equal(value.count, 2);
		assert.ok(flaws.length <= FLAWS_MAX);
	}
});

test("ids spread over all 64 bits, thousands of them", () => {
	const fields: Field[] = Array.from({ length: 20_000 }, (_, i) => [
		LOCATION,
		[
			[1, (BigInt(i) << 44n) | 1n],
			[
				4,
				[
					[1, 3],
					[2, i + 1],
				],
			],
		],
	]);
	const samples: Field[] = Array.from({ length: 20_000 }, (_, i) => [
		SAMPLE,
		[
			[1, packed((BigInt(i) << 44n) | 1n)],
			[2, 1],
		],
	]);
	const { stacks, flaws } = decode(
		message(...SMALL.slice(0, 1), ...SMALL.slice(3), ...fields.slice(1), ...samples.slice(1)),
	);
	assert.deepEqual(flaws, []);
	assert.ok(stacks.every(([frame], i) => frame?.line === i + 2));
});

test("any bytes, and any change of a good profile: an answer", () => {
	const walk = (bytes: Uint8Array) => {
		const answer = decodePprof(bytes);
		if (answer.kind === "foreign") return;
		const { value, flaws } = answer;
		assert.ok(flaws.length <= FLAWS_MAX);
		for (const stack of value.stackOf) assert.ok(value.stacks.at(stack) !== undefined);
		for (const set of value.labelsOf) assert.ok(set === 0 || value.labels.at(set - 1) !== undefined);
		assert.equal(value.values.length, value.count * value.types.length);
	};
	fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), walk), { numRuns: 2000 });
	const edit = fc.record({ at: fc.nat({ max: small.length - 1 }), byte: fc.nat({ max: 255 }) });
	const edited = fc.array(edit, { minLength: 1, maxLength: 5 }).map((edits) => {
		const bytes = Uint8Array.from(small);
		for (const { at, byte } of edits) bytes[at] = byte;
		return bytes;
	});
	fc.assert(fc.property(edited, walk), { numRuns: 5000 });
});
