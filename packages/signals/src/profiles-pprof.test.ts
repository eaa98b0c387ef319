/** Profiles made by hand: every field, any order, both ways to write numbers, cuts at every byte, random ones there and back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Profile } from "./profiles.ts";
import { decodePprof } from "./profiles-pprof.ts";
import { type Field, message, packed, SAMPLE, SMALL, STRING } from "./testing/pprof-encoder.ts";

function whole(bytes: Uint8Array): Profile {
	const answer = decodePprof(bytes);
	assert.ok(answer.kind === "decoded");
	assert.deepEqual(answer.flaws, []);
	return answer.value;
}

/** What the samples say, in their order. */
function samplesOf({ types, count, values, stacks, stackOf, labels, labelsOf }: Profile) {
	return Array.from({ length: count }, (_, i) => {
		const set = labelsOf[i] ?? 0;
		return {
			values: [...values.subarray(i * types.length, (i + 1) * types.length)],
			stack: stacks.at(stackOf[i] ?? 0),
			labels: set === 0 ? undefined : labels.at(set - 1),
		};
	});
}

const A = { func: "main.a", file: "/srv/a.go", line: 42, inlined: true, startLine: 40 };
const B = { func: "main.b", file: "/srv/a.go", line: 50 };
const MAIN = { func: "main.main", file: "/srv/main.go", line: 9 };
const SMALL_SAMPLES = [
	{ values: [5n], stack: [A, B, MAIN], labels: undefined },
	{
		values: [7n],
		stack: [MAIN],
		labels: { strings: { user: "anna" }, numbers: [{ key: "bytes", value: 64n, unit: "bytes" }] },
	},
];

test("every field has its place", () => {
	const extras: Field[] = [
		[9, 1_700_000_000_123_456_789n],
		[10, 5n * 10n ** 9n],
		[
			11,
			[
				[1, 1],
				[2, 2],
			],
		],
		[12, 100],
		[13, 8],
		[13, packed(9, 10)],
		[14, 1],
		[15, 3],
		[
			3,
			[
				[1, 1],
				[2, 0x400000],
			],
		],
	];
	const profile = whole(message(...SMALL, ...extras));
	assert.deepEqual(profile.types, [{ type: "samples", unit: "count" }]);
	assert.equal(profile.defaultType, "samples");
	assert.deepEqual(profile.period, { type: "samples", unit: "count", value: 100n });
	assert.equal(profile.timeNanos, 1_700_000_000_123_456_789n);
	assert.equal(profile.durationNanos, 5_000_000_000n);
	assert.deepEqual(profile.comments, ["user", "anna", "bytes"]);
	assert.deepEqual(samplesOf(profile), SMALL_SAMPLES);
});

test("fields in any order; only samples and strings have one among themselves", () => {
	assert.deepEqual(
		samplesOf(whole(message(...SMALL.filter(([n]) => n === STRING), ...SMALL.filter(([n]) => n !== STRING)))),
		SMALL_SAMPLES,
	);
	const backwards = SMALL.toSorted(([a], [b]) => b - a);
	assert.deepEqual(samplesOf(whole(message(...backwards))), SMALL_SAMPLES);
});

test("numbers one by one, packed, and both in one list; labels between them", () => {
	const ways: Field[][] = [
		[
			[1, 1],
			[1, 2],
			[2, 5],
		],
		[
			[2, 5],
			[1, 1],
			[1, packed(2)],
		],
		[
			[1, packed(1)],
			[3, []],
			[1, 2],
			[2, packed(5)],
		],
	];
	for (const fields of ways) {
		const profile = whole(message(...SMALL, [SAMPLE, fields]));
		assert.deepEqual(samplesOf(profile)[2]?.stack, [A, B, MAIN]);
	}
});

test("unknown fields of every kind are passed over, groups in groups too", () => {
	const unknown = Uint8Array.of(
		...[0xa0, 0x06, 0x96, 0x01],
		...[0xa1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8],
		...[0xa2, 0x06, 2, 0xff, 0xff],
		...[0xa3, 0x06, 0xa3, 0x06, 0x08, 0x01, 0xa4, 0x06, 0xa4, 0x06],
		...[0xa5, 0x06, 1, 2, 3, 4],
	);
	const bytes = Buffer.concat([message(...SMALL.slice(0, 2)), unknown, message(...SMALL.slice(2)), unknown]);
	assert.deepEqual(samplesOf(whole(bytes)), SMALL_SAMPLES);
});

test("equal stacks and labels are one", () => {
	const again = SMALL.filter(([number]) => number === SAMPLE);
	const profile = whole(message(...SMALL, ...again, ...again));
	assert.deepEqual([profile.count, profile.stacks.length, profile.labels.length], [6, 2, 1]);
	assert.deepEqual([...profile.stackOf], [0, 1, 0, 1, 0, 1]);
});

test("values and ids keep all 64 bits", () => {
	const ids = [0xffff_ffff_ffff_ffffn, 0xffff_ffff_ffff_fffen, 1n << 53n, (1n << 53n) + 1n];
	const fields: Field[] = [
		[
			1,
			[
				[1, 1],
				[2, 2],
			],
		],
		...ids.map(
			(id, i): Field => [
				2,
				[
					[1, packed(id)],
					[2, packed(i % 2 === 0 ? -1n : (1n << 62n) + 1n)],
				],
			],
		),
		...ids.map(
			(id, i): Field => [
				4,
				[
					[1, id],
					[
						4,
						[
							[1, id],
							[2, i + 1],
						],
					],
				],
			],
		),
		...ids.map(
			(id, i): Field => [
				5,
				[
					[1, id],
					[2, 3 + i],
				],
			],
		),
		...["", "n", "count", "f0", "f1", "f2", "f3"].map((text): Field => [6, text]),
	];
	const samples = samplesOf(whole(message(...fields)));
	assert.deepEqual(
		samples.map(({ stack }) => stack?.[0]?.func),
		["f0", "f1", "f2", "f3"],
	);
	assert.deepEqual(
		samples.map(({ values }) => values[0]),
		[-1n, (1n << 62n) + 1n, -1n, (1n << 62n) + 1n],
	);
});

test("foreign: nothing, text, gzip, a page of HTML, a profile without a type of values", () => {
	for (const text of [
		"",
		"\n",
		"goroutine profile: total 3\n",
		"<html>",
		"heap profile: 1: 2",
		"\x1f\x8b\x08",
		"\n\n\n",
	]) {
		assert.equal(decodePprof(Buffer.from(text, "latin1")).kind, "foreign", JSON.stringify(text));
	}
	assert.equal(decodePprof(message(...SMALL.slice(1))).kind, "foreign");
});

test("cut at every byte, strings last: samples stay, and the cut is told", () => {
	const bytes = message(...SMALL);
	const values = samplesOf(whole(bytes)).map((sample) => sample.values);
	const decoded = prefixes(bytes);
	for (const { value, flaws } of decoded) {
		assert.deepEqual(
			samplesOf(value).map((sample) => sample.values),
			values.slice(0, value.count),
		);
		assert.equal(flaws.at(-1)?.kind, "truncated");
	}
	assert.equal(decoded.at(-1)?.value.count, 2);
});

test("cut at every byte, samples last: each that is whole is told as in the whole", () => {
	const bytes = message(...SMALL.filter(([number]) => number !== SAMPLE), ...SMALL.slice(1, 3));
	const samples = samplesOf(whole(bytes));
	let before = 0;
	for (const { value } of prefixes(bytes)) {
		assert.ok(value.count >= before);
		before = value.count;
		if (value.count > 0) assert.deepEqual(samplesOf(value), samples.slice(0, value.count));
	}
	assert.equal(before, 1);
});

/** What each beginning of a profile is decoded to; once it is known to be one, it stays so. */
function prefixes(bytes: Uint8Array) {
	const answers = Array.from(bytes, (_, length) => decodePprof(bytes.subarray(0, length)));
	const first = answers.findIndex(({ kind }) => kind === "decoded");
	return answers.slice(first).map((answer) => {
		assert.ok(answer.kind === "decoded");
		return answer;
	});
}

test("random profiles, there and back", () => {
	const id = fc.bigInt({ min: 1n, max: (1n << 64n) - 1n });
	const int64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
	const model = fc.record({
		types: fc.array(fc.string(), { minLength: 1, maxLength: 4 }),
		places: fc.uniqueArray(
			fc.record({ id, lines: fc.array(fc.nat({ max: 1 << 30 }), { minLength: 1, maxLength: 3 }) }),
			{
				selector: (place) => place.id,
				minLength: 1,
				maxLength: 6,
			},
		),
		names: fc.array(fc.string({ minLength: 1, unit: "grapheme" }), { minLength: 1, maxLength: 6 }),
		samples: fc.array(
			fc.record({ stack: fc.array(fc.nat(), { maxLength: 12 }), value: int64, packed: fc.boolean() }),
			{ maxLength: 20 },
		),
		order: fc.array(fc.nat(), { minLength: 200, maxLength: 200 }),
	});
	const check = ({
		types,
		places,
		names,
		samples,
		order,
	}: typeof model extends fc.Arbitrary<infer M> ? M : never) => {
		const strings = ["", ...types, ...names];
		const placeOf = (n: number) => places[n % places.length] ?? { id: 0n, lines: [] };
		const name = (n: number) => n % names.length;
		const fields: Field[] = [
			...types.map((_, i): Field => [1, [[1, 1 + i]]]),
			...places.map(
				({ id, lines }): Field => [
					4,
					[
						[1, id],
						...lines.map(
							(line): Field => [
								4,
								[
									[1, 1n + BigInt(name(line))],
									[2, line],
								],
							],
						),
					],
				],
			),
			...names.map(
				(_, i): Field => [
					5,
					[
						[1, i + 1],
						[2, 1 + types.length + i],
					],
				],
			),
			...samples.map(({ stack, value, packed: dense }): Field => {
				const ids = stack.map((n) => placeOf(n).id);
				const values = types.map((_, i) => BigInt.asIntN(64, value + BigInt(i)));
				const locations: Field[] = dense ? [[1, packed(...ids)]] : ids.map((one): Field => [1, one]);
				return [
					2,
					[
						...locations,
						...(dense ? [[2, packed(...values)] as Field] : values.map((one): Field => [2, one])),
					],
				];
			}),
			...strings.map((text): Field => [6, text]),
		];
		// Shuffled, but records of one sort keep their order.
		const shuffled = fields
			.map((field, i) => ({ field, key: (order[field[0]] ?? 0) % 7, i }))
			.sort((a, b) => a.key - b.key || a.i - b.i)
			.map(({ field }) => field);
		const profile = whole(message(...shuffled));
		assert.deepEqual(
			profile.types.map(({ type }) => type),
			types.map((text) => Buffer.from(text).toString()),
		);
		assert.deepEqual(
			samplesOf(profile).map(({ values, stack }) => ({
				values,
				stack: stack?.map(({ func, line }) => `${func} ${line}`),
			})),
			samples.map(({ stack, value }) => ({
				values: types.map((_, i) => BigInt.asIntN(64, value + BigInt(i))),
				stack: stack.flatMap((n) => placeOf(n).lines.map((line) => `${names[name(line)]} ${line}`)),
			})),
		);
	};
	fc.assert(fc.property(model, check), { numRuns: 300 });
});
