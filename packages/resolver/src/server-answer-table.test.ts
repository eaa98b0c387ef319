import assert from "node:assert/strict";
import { test } from "node:test";
import { makeRecord, type RecordStore, writeAnswer } from "./server-answer-record.ts";
import { type AnswerTable, createAnswerTable } from "./server-answer-table.ts";
import { emptyQueryView, HEADER_BYTES, readQuery } from "./server-query.ts";

const SEEDS = [0x1234_5678, 0x2345_6789] as const;
const LIFE_MS = 60_000;
const STEPS = 100_000;

function question(name: string, type = 1): number[] {
	const labels = name.split(".").filter((label) => label !== "");
	const wire = labels.flatMap((label) => [label.length, ...Buffer.from(label)]);
	return [...wire, 0, 0, type, 0, 1];
}

function queryFor(name: string, type = 1): Uint8Array {
	return Uint8Array.from([0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...question(name, type)]);
}

/** An answer of one A record whose address is the number. */
function recordFor(
	name: string,
	value: number,
	nowMs: number,
	{ lifeMs = LIFE_MS, keyBits = 0, type = 1, ttlS = 60, addresses = 1 } = {},
): RecordStore {
	const asked = question(name.toLowerCase(), type);
	const records = Array.from({ length: addresses }, (_, index) => {
		const address = [24, 16, 8, 0].map((shift) => ((value + index) >>> shift) & 255);
		return [0xc0, 12, 0, 1, 0, 1, 0, 0, ttlS >> 8, ttlS & 255, 0, 4, ...address];
	});
	const wire = Uint8Array.from([
		0,
		0,
		0x81,
		0x80,
		0,
		1,
		0,
		addresses,
		0,
		0,
		0,
		0,
		...asked,
		...records.flat(),
	]);
	const questionEnd = HEADER_BYTES + asked.length;
	const ttlOffsets = records.map((_, index) => questionEnd + 16 * index + 6);
	const record = makeRecord({ wire, ttlOffsets, questionEnd, keyBits, lifeMs, nowMs });
	assert.ok(record);
	return record;
}

function found(table: AnswerTable, name: string, nowMs: number, keyBits = 0, type = 1): number | undefined {
	const query = queryFor(name, type);
	const record = table.find(query, 0, query.length, keyBits, nowMs);
	if (record < 0) return undefined;
	const bytes = new Uint8Array(512);
	bytes.set(query);
	const view = emptyQueryView();
	assert.equal(readQuery(bytes, 0, query.length, view), "ask");
	const length = writeAnswer(table.store, record, bytes, 0, view, nowMs, 0);
	assert.deepEqual([...bytes.subarray(0, 2)], [0xab, 0xcd], "the client's id");
	assert.deepEqual(bytes.subarray(12, query.length), query.subarray(12), "the client's spelling");
	return new DataView(bytes.buffer).getUint32(length - 4);
}

/** Deterministic, so that a failure can be run again. */
function dice(seed: number): (below: number) => number {
	let state = seed;
	return (below) => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return Math.floor((state / 2 ** 32) * below);
	};
}

interface Known {
	readonly value: number;
	readonly endMs: number;
}

for (const [kind, bytesMax, names] of [
	["with room for all", 1 << 20, 200],
	["with room for a part", 1 << 16, 700],
] as const) {
	test(`${STEPS} random steps agree with a plain map, ${kind}`, () => {
		const table = createAnswerTable({ bytesMax, namesMax: 4096, seeds: SEEDS });
		const memoryBytes = table.memoryBytes();
		const model = new Map<string, Known>();
		const roll = dice(7);
		let nowMs = 1000;
		let missed = 0;
		let hits = 0;
		for (let step = 0; step < STEPS; step++) {
			nowMs += roll(20);
			const name = `n${roll(names)}.${"x".repeat(roll(3) * 20)}`;
			const keyBits = roll(4);
			const key = `${name}/${keyBits}`;
			if (roll(3) === 0) {
				const lifeMs = roll(LIFE_MS);
				const isKept = table.insert(recordFor(name, step, nowMs, { lifeMs, keyBits }));
				assert.equal(isKept, lifeMs > 0);
				if (isKept) {
					model.set(key, { value: step, endMs: nowMs + lifeMs });
					assert.equal(found(table, name, nowMs, keyBits), step, "what came last is there");
				}
			} else {
				const known = model.get(key);
				const expected = known !== undefined && nowMs < known.endMs ? known.value : undefined;
				const answer = found(table, roll(2) === 0 ? name.toUpperCase() : name, nowMs, keyBits);
				if (answer === undefined) missed += expected === undefined ? 0 : 1;
				else assert.equal(answer, expected, `${key} at step ${step}`);
				if (answer !== undefined) hits++;
			}
		}
		assert.ok(hits > 1000, `${hits} hits`);
		if (kind === "with room for all") assert.equal(missed, 0, "nothing had to go");
		else assert.ok(missed > 0, "something had to go, or this tests nothing");
		assert.equal(table.memoryBytes(), memoryBytes, "it has not grown");
	});
}

test("what is asked for stays, what is not goes", () => {
	const table = createAnswerTable({ bytesMax: 1 << 16, namesMax: 4096, seeds: SEEDS });
	table.insert(recordFor("hot.test", 42, 0));
	for (let index = 0; index < 10_000; index++) {
		table.insert(recordFor(`random${index}.test`, index, 0));
		assert.equal(found(table, "hot.test", 0), 42, `after ${index} others`);
	}
	assert.equal(found(table, "random0.test", 0), undefined);
	assert.equal(found(table, "random9999.test", 0), 9999);
});

test("names that all meet in one window push out each other and nobody else", () => {
	const table = createAnswerTable({ bytesMax: 1 << 20, namesMax: 4096, seeds: SEEDS });
	table.insert(recordFor("innocent.test", 1, 0));
	// Differ in one bit that the hash folds away: "-" and CR, "_" and DEL.
	const twins = Array.from({ length: 64 }, (_, index) =>
		index.toString(2).padStart(6, "0").replaceAll("0", "_").replaceAll("1", "\x7f"),
	);
	for (const [index, twin] of twins.entries()) table.insert(recordFor(twin, index + 100, 0));
	for (const [index, twin] of twins.entries()) {
		const answer = found(table, twin, 0);
		assert.ok(answer === undefined || answer === index + 100);
	}
	assert.equal(found(table, "innocent.test", 0), 1);
	assert.ok(table.names() <= 9, "eight of one window, and the other");
});

test("the life ends to the millisecond; near its end a refresh is asked for once", () => {
	const table = createAnswerTable({ bytesMax: 0, namesMax: 16, seeds: SEEDS });
	table.insert(recordFor("a.test", 1, 500, { lifeMs: 10_000 }));
	const query = queryFor("a.test");
	const record = table.find(query, 0, query.length, 0, 500);
	assert.ok(record >= 0);
	assert.equal(table.wantsRefresh(record, 9_499), false);
	assert.equal(table.wantsRefresh(record, 9_500), true);
	assert.equal(table.wantsRefresh(record, 9_501), false);
	assert.equal(found(table, "a.test", 10_499), 1);
	assert.equal(found(table, "a.test", 10_500), undefined);
	assert.equal(found(table, "a.test", 499), undefined, "nor is it older than itself");
});

test("TTLs count down with age and stop at 0", () => {
	const table = createAnswerTable({ bytesMax: 0, namesMax: 16, seeds: SEEDS });
	table.insert(recordFor("a.test", 1, 0, { ttlS: 300, lifeMs: 400_000 }));
	const ttlAt = (nowMs: number) => {
		const bytes = new Uint8Array(512);
		const query = queryFor("a.test");
		bytes.set(query);
		const view = emptyQueryView();
		readQuery(bytes, 0, query.length, view);
		const record = table.find(bytes, 0, view.questionEnd, 0, nowMs);
		writeAnswer(table.store, record, bytes, 0, view, nowMs, 0);
		return new DataView(bytes.buffer).getUint32(view.questionEnd + 6);
	};
	assert.equal(ttlAt(999), 300);
	assert.equal(ttlAt(1000), 299);
	assert.equal(ttlAt(299_999), 1);
	assert.equal(ttlAt(399_999), 0);
});

test("addresses take turns, and none is lost", () => {
	const record = recordFor("many.test", 100, 0, { addresses: 5 });
	const firsts = new Set<number>();
	for (let turn = 0; turn < 10; turn++) {
		const bytes = new Uint8Array(512);
		const query = queryFor("many.test");
		bytes.set(query);
		const view = emptyQueryView();
		readQuery(bytes, 0, query.length, view);
		const length = writeAnswer(record, 0, bytes, 0, view, 0, turn);
		const words = new DataView(bytes.buffer);
		const all = [0, 1, 2, 3, 4].map((index) => words.getUint32(view.questionEnd + 16 * index + 12));
		assert.equal(length, view.questionEnd + 5 * 16);
		assert.deepEqual([...all].sort(), [100, 101, 102, 103, 104]);
		firsts.add(all[0] ?? 0);
	}
	assert.equal(firsts.size, 5);
});
