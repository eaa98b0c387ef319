/** Traces that are cut, broken, or made to mislead. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FLAWS_MAX } from "./decoded.ts";
import type { GoTrace } from "./go-trace.ts";
import { decodeGoTraceV2 } from "./go-trace-v2.ts";
import {
	batch,
	CLOCK_1_22,
	CLOCK_1_25,
	END,
	event,
	header,
	number,
	stacks,
	strings,
} from "./testing/go-trace-bytes.ts";
import { runTraced } from "./testing/go-traced.ts";

const CREATE = 14;
const START = 16;
const DESTROY = 17;
const BLOCK = 20;
const UNBLOCK = 21;
const STATUS = 25;

const TEXTS = strings({ 1: "main.leak", 2: "main.go", 3: "main.leak.func1", 4: "select" });
const STACKS = stacks({ 1: [[1, 2, 99]], 2: [[3, 2, 7]] });
/** Goroutine 1 makes 9, which runs on the same thread and blocks. */
const EVENTS = [
	...event(STATUS, 0, 1, 7, 2),
	...event(CREATE, 10, 9, 2, 1),
	...event(BLOCK, 5, 4, 1),
	...event(START, 1, 9, 1),
	...event(BLOCK, 100, 4, 2),
];
const SMALL = [
	...header(26),
	...batch(CLOCK_1_25),
	...batch(EVENTS),
	...batch(STACKS),
	...batch(TEXTS),
	...END,
];

function decode(bytes: Iterable<number>) {
	const decoded = decodeGoTraceV2(Uint8Array.from(bytes));
	assert.ok(decoded.kind === "decoded");
	return { ...decoded, kinds: decoded.flaws.map(({ kind }) => kind) };
}

test("a small trace, byte by byte", () => {
	const { value, flaws } = decode(SMALL);
	assert.deepEqual(flaws, []);
	assert.deepEqual(value.stacks, [
		[{ func: "main.leak", file: "main.go", line: 99 }],
		[{ func: "main.leak.func1", file: "main.go", line: 7 }],
	]);
	assert.deepEqual(
		value.goroutines.map(({ offset: _, ...rest }) => rest),
		[
			{ goid: 1, blocked: { stack: 0, reason: "select", sinceNs: 15 * 64 } },
			{
				goid: 9,
				bornNs: 10 * 64,
				creatorStack: 0,
				creatorGoid: 1,
				entry: "main.leak.func1",
				blocked: { stack: 1, reason: "select", sinceNs: 116 * 64 },
			},
		],
	);
	assert.equal(value.durationNs, 116 * 64);
});

test("cut at every byte: a truncation, and nothing that the whole does not say", () => {
	const whole = decode(SMALL).value;
	for (let end = 0; end < SMALL.length; end++) {
		const decoded = decodeGoTraceV2(Uint8Array.from(SMALL.slice(0, end)));
		if (end < "go 1.".length) {
			assert.equal(decoded.kind, "foreign");
			continue;
		}
		assert.ok(decoded.kind === "decoded");
		assert.equal(decoded.flaws.at(-1)?.kind, "truncated", `after ${end} bytes`);
		checkPart(decoded.value, whole, end);
	}
});

test("a real trace cut at every byte of its first 4096, then at every 97th", async (t) => {
	const ran = await runTraced(t);
	if (ran === undefined) return;
	const whole = decode(ran.bytes).value;
	const isChosen = (end: number) => end < 4096 || end % 97 === 0;
	const ends = Array.from(ran.bytes, (_, end) => end).filter(isChosen);
	for (const end of ends) {
		const decoded = decodeGoTraceV2(ran.bytes.subarray(0, end));
		if (decoded.kind === "foreign") assert.ok(end < "go 1.".length);
		// A trace that ends where a generation does is a shorter trace.
		else if (ran.bytes[end - 1] !== END[0]) assert.equal(decoded.flaws.at(-1)?.kind, "truncated");
		if (decoded.kind === "decoded") checkPart(decoded.value, whole, end);
	}
});

/** Nothing is invented: who made whom, and how many, is as in the whole, or not told. */
function checkPart(part: GoTrace, whole: GoTrace, end: number): void {
	const byId = new Map(whole.goroutines.map((goroutine) => [goroutine.goid, goroutine]));
	assert.ok(part.born <= whole.born && part.ended <= whole.ended);
	for (const { goid, creatorStack, bornNs, entry } of part.goroutines) {
		const known = byId.get(goid);
		const which = `goroutine ${goid} after ${end} bytes`;
		assert.ok(known !== undefined, which);
		if (bornNs !== undefined) assert.ok(known.bornNs !== undefined, which);
		if (entry !== undefined) assert.equal(entry, known.entry, which);
		if (creatorStack === undefined) continue;
		assert.deepEqual(part.stacks[creatorStack], whole.stacks[known.creatorStack ?? -1], which);
	}
}

test("foreign: empty, text, a profile, the old format", () => {
	for (const text of [
		"",
		"go",
		"goroutine 1 [running]:\n",
		"go 1.x trace",
		"\x1f\x8b\x08",
		"go 1.26 trace\n\n\n",
	]) {
		assert.equal(decodeGoTraceV2(new TextEncoder().encode(text)).kind, "foreign", text);
	}
	for (const release of [11, 19, 21]) {
		const decoded = decodeGoTraceV2(Uint8Array.from(header(release)));
		assert.ok(decoded.kind === "foreign");
		assert.match(decoded.found, new RegExp(`of Go 1\\.${release}; `));
	}
});

test("a release not known yet: read as far as known, and told", () => {
	const { value, kinds } = decode([...header(31), ...SMALL.slice(header(26).length)]);
	assert.deepEqual([value.version, value.goroutines.length, kinds], ["1.31", 2, ["malformed"]]);
});

test("until Go 1.25 a generation ends where the next begins, until 1.24 its clock is a batch of its own", () => {
	const second = event(STATUS, 0, 9, 2 ** 64, 4);
	const bytes = [
		...header(22),
		...[EVENTS, STACKS, TEXTS, CLOCK_1_22].flatMap((data) => batch(data)),
		...[second, STACKS, TEXTS, CLOCK_1_22].flatMap((data) => batch(data, { generation: 2, time: 9000 })),
	];
	const { value, flaws } = decode(bytes);
	assert.deepEqual(flaws, []);
	assert.deepEqual(value.goroutines.find(({ goid }) => goid === 9)?.blocked?.reason, "select");
	assert.equal(value.durationNs, 8000 * 64);
	const { value: cut, kinds } = decode(
		bytes.slice(0, -batch(CLOCK_1_22, { generation: 2, time: 9000 }).length),
	);
	assert.deepEqual([kinds, cut.goroutines], [["truncated"], value.goroutines]);
});

test("threads are read one after the other, and numbers put their events in order", () => {
	const waker = event(UNBLOCK, 0, 9, 1, 0);
	const worker = [...event(START, 0, 9, 2), ...event(BLOCK, 3, 4, 2)];
	const sleeper = [...event(STATUS, 0, 9, 7, 2), ...event(BLOCK, 1, 4, 1)];
	const threads = [
		batch(sleeper, { thread: 1 }),
		batch(waker, { thread: 2 }),
		batch(worker, { thread: 3, time: 5 }),
	];
	// The clock of thread 3 is behind, and that must not matter; nor the order in which they come.
	for (const order of [threads, threads.toReversed()]) {
		const { value } = decode([...header(26), ...order.flat(), ...batch(STACKS), ...batch(TEXTS), ...END]);
		const { blocked } = value.goroutines[0] ?? {};
		assert.equal(value.stacks[blocked?.stack ?? -1]?.[0]?.func, "main.leak.func1");
	}
});

test("an end read before the birth, on another thread, is one birth and one end", () => {
	const ends = batch([...event(START, 0, 9, 1), ...event(DESTROY, 1)], { thread: 1 });
	const { value } = decode([
		...header(26),
		...ends,
		...batch(EVENTS.slice(0, -event(BLOCK, 100, 4, 2).length - event(START, 1, 9, 1).length)),
		...batch(STACKS),
		...batch(TEXTS),
		...END,
	]);
	assert.deepEqual(
		value.sites.map(({ born, ended }) => [born, ended]),
		[[1, 1]],
	);
	assert.ok(value.goroutines.find(({ goid }) => goid === 9)?.endedNs !== undefined);
});

test("an event nobody knows: the rest of its batch is left out, other batches are read", () => {
	const broken = [...event(STATUS, 0, 1, 7, 2), 99, ...event(CREATE, 10, 8, 2, 1)];
	const { value, kinds } = decode([
		...header(26),
		...batch(broken, { thread: 3 }),
		...SMALL.slice(header(26).length),
	]);
	assert.deepEqual([kinds, value.born], [["malformed"], 1]);
});

test("no batch where one must be, a batch too large, a generation without its end", () => {
	const cases: [number[], string][] = [
		[[...SMALL, 77, 77], "expected a batch of the trace, found byte 77"],
		[[...SMALL, ...batch([], { size: 2 ** 40 })], "expected a batch of at most 65536 bytes"],
		[[...SMALL, ...batch(EVENTS, { generation: 2 })], "expected the rest of the last generation"],
		[[...SMALL, 1, ...Array(11).fill(0xff)], "expected the head of a batch"],
	];
	for (const [bytes, why] of cases) {
		const { value, flaws } = decode(bytes);
		assert.equal(flaws.at(-1)?.kind, "truncated");
		assert.ok(flaws.at(-1)?.why.startsWith(why), flaws.at(-1)?.why);
		assert.ok(value.goroutines.length >= 2);
	}
});

test("tables that lie: no stack, a missing text, endless counts, entries that are none", () => {
	const with_ = (stackTable: readonly number[], texts: readonly number[]) =>
		decode([
			...header(26),
			...batch(CLOCK_1_25),
			...batch(EVENTS),
			...batch(stackTable),
			...batch(texts),
			...END,
		]);
	for (const { value, kinds } of [
		with_(stacks({ 2: [[3, 2, 7]] }), TEXTS),
		with_(STACKS, strings({ 2: "main.go", 3: "main.leak.func1", 4: "select" })),
		with_([2, 3, ...number(1), ...number(2 ** 50)], TEXTS),
		with_([2, 9, 9, 9], TEXTS),
	]) {
		assert.ok(kinds.includes("malformed"));
		const born = value.goroutines.find(({ goid }) => goid === 9);
		assert.equal(born?.creatorStack, undefined);
		assert.equal(born?.blocked?.reason, "select");
	}
	const { value } = with_(STACKS, [4, 5, ...number(1), ...number(2 ** 40), 65]);
	assert.deepEqual(value.stacks, []);
});

test("flaws are bounded", () => {
	const broken = Array.from({ length: 999 }, () => batch([200, 1, 2])).flat();
	const { flaws } = decode([...header(26), ...broken, ...END]);
	assert.ok(flaws.length <= FLAWS_MAX);
});

test("whatever is changed in a trace: an answer, bounded by what came", () => {
	const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
	fc.assert(
		fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
			const bytes = Uint8Array.from(SMALL);
			for (const { at, byte } of changes) bytes[16 + (at % (bytes.length - 16))] = byte;
			const decoded = decodeGoTraceV2(bytes);
			assert.ok(decoded.kind === "decoded" && decoded.value.goroutines.length < bytes.length);
			for (const { bornNs = 0, endedNs = 0 } of decoded.value.goroutines)
				assert.ok(bornNs >= 0 && endedNs >= 0);
			const { durationNs } = decoded.value;
			assert.ok(durationNs >= 0 && Number.isFinite(durationNs));
		}),
		{ numRuns: 20_000 },
	);
});
