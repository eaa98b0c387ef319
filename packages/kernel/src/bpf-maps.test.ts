/** Maps in the running kernel, against a Map of our own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BpfEntry, type BpfMap, createMap } from "./bpf-maps.ts";
import { BPF_COMMAND, type Bpf } from "./bpf-system-call.ts";
import { expectRead, liveBpf, tellHowManyRan, u32 } from "./testing/bpf-live.ts";

const ENTRIES_MAX = 8;
const HASH = {
	kind: "hash",
	keyBytes: 4,
	valueBytes: 12,
	entriesMax: ENTRIES_MAX,
	name: "test.hash",
} as const;

function valueFor(n: number): Uint8Array {
	return Buffer.concat([u32(n), u32(n + 1), u32(n + 2)]);
}

/** First words of key and value, by key. */
function pairs(entries: readonly BpfEntry[]): (readonly [number, number])[] {
	return entries
		.map(({ key, value }) => [Buffer.from(key).readUInt32LE(), Buffer.from(value).readUInt32LE()] as const)
		.toSorted(([a], [b]) => a - b);
}

/** The same kernel without BPF_MAP_LOOKUP_BATCH, as before 5.6. */
function withoutBatches(bpf: Bpf): Bpf {
	return {
		...bpf,
		call: (command, attribute) =>
			command === BPF_COMMAND.mapLookupBatch ? { kind: "failed", errno: 22 } : bpf.call(command, attribute),
	};
}

const steps = fc.array(
	fc.record({
		kind: fc.constantFrom("any", "new", "existing", "delete"),
		key: fc.integer({ min: 0, max: 2 * ENTRIES_MAX }),
		value: fc.integer({ min: 0, max: 1000 }),
	} as const),
	{ maxLength: 60 },
);
type Step = (typeof steps extends fc.Arbitrary<infer T> ? T : never)[number];

/** What a hash of `ENTRIES_MAX` answers to a step. */
function stepModel(model: Map<number, number>, { kind, key, value }: Step): boolean {
	if (kind === "delete") return model.delete(key);
	const isThere = model.has(key);
	if (kind === "new" && isThere) return false;
	if (kind === "existing" && !isThere) return false;
	if (!isThere && model.size === ENTRIES_MAX) return false;
	model.set(key, value);
	return true;
}

function stepKernel(map: BpfMap, { kind, key, value }: Step): boolean {
	return kind === "delete" ? map.delete(u32(key)) : map.update(u32(key), valueFor(value), kind);
}

for (const batches of ["by batch", "key by key"] as const) {
	test(`a hash does what a Map of eight does, read ${batches}`, async (t) => {
		const live = await liveBpf(t);
		if (live === undefined) return;
		const bpf = batches === "by batch" ? live : withoutBatches(live);
		fc.assert(
			fc.property(steps, (events) => {
				const map = expectRead(createMap(bpf, HASH));
				const model = new Map<number, number>();
				try {
					for (const event of events) {
						assert.equal(stepKernel(map, event), stepModel(model, event));
						const seen = map.lookup(u32(event.key));
						const expected = model.get(event.key);
						assert.deepEqual(
							seen && Buffer.from(seen),
							expected === undefined ? undefined : valueFor(expected),
						);
					}
					assert.deepEqual(
						pairs(expectRead(map.entries())),
						[...model].toSorted(([a], [b]) => a - b),
					);
				} finally {
					map.close();
				}
			}),
			{ numRuns: 50 },
		);
	});

	test(`5,003 entries are more than a batch and all are read, ${batches}`, async (t) => {
		const live = await liveBpf(t);
		if (live === undefined) return;
		const bpf = batches === "by batch" ? live : withoutBatches(live);
		const map = expectRead(createMap(bpf, { ...HASH, entriesMax: 5_003 }));
		for (let n = 0; n < 5_003; n++) assert.ok(map.update(u32(n), valueFor(n)));
		assert.equal(map.update(u32(5_003), valueFor(0)), false, "it is full");
		assert.deepEqual(
			pairs(expectRead(map.entries())),
			Array.from({ length: 5_003 }, (_, n) => [n, n]),
		);
		map.close();
	});
}

test("an array has all its entries from the start and loses none", async (t) => {
	const bpf = await liveBpf(t);
	if (bpf === undefined) return;
	const map = expectRead(createMap(bpf, { ...HASH, kind: "array", entriesMax: 1_031 }));
	assert.ok(map.update(u32(1_030), valueFor(7)));
	assert.equal(map.update(u32(1_031), valueFor(7)), false);
	assert.equal(map.delete(u32(1_030)), false);
	const entries = pairs(expectRead(map.entries()));
	assert.equal(entries.length, 1_031);
	assert.deepEqual(entries.at(-1), [1_030, 7]);
	map.close();
});

test("what the kernel will not make is refused in words, a wrong length is our own mistake", async (t) => {
	const bpf = await liveBpf(t);
	if (bpf === undefined) return;
	assert.deepEqual(createMap(bpf, { ...HASH, entriesMax: 0 }), {
		kind: "refused",
		code: "unsupported",
		why: "making BPF map test.hash (hash): EINVAL (22); this kernel does not know it in this form",
	});
	const map = expectRead(createMap(bpf, HASH));
	assert.throws(() => map.lookup(new Uint8Array(3)), /a key of 3 bytes, not 4/);
	assert.throws(() => map.update(u32(1), new Uint8Array(13)), /a value of 13 bytes, not 12/);
	map.close();
});

tellHowManyRan();
