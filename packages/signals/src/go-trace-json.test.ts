import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { GoTrace } from "./go-trace.ts";
import { decodeGoTrace, encodeGoTrace } from "./go-trace-json.ts";

const leak = { func: "main.leak", file: "/srv/leak.go", line: 99 };
const TRACE: GoTrace = {
	version: "1.26",
	durationNs: 2_204_084_864,
	stacks: [[leak, { func: 'main.(*Größe)."x"', file: "", line: 0 }], [{ ...leak, line: 7 }]],
	goroutines: [
		{
			goid: 9,
			bornNs: 640,
			creatorStack: 0,
			creatorGoid: 1,
			entry: "main.leak.func1",
			blocked: { stack: 1, reason: "chan receive", sinceNs: 700 },
			offset: 0,
		},
		{ goid: 2, offset: 0 },
		{ goid: 11, bornNs: 1, endedNs: 2, offset: 0 },
	],
	leftOut: 3,
	sites: [{ stack: 0, entry: "main.leak.func1", born: 11, ended: 0, offset: 0 }],
	born: 157,
	ended: 132,
};

function decode(bytes: Uint8Array | string) {
	const decoded = decodeGoTrace(typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
	assert.ok(decoded.kind === "decoded");
	return { ...decoded, kinds: decoded.flaws.map(({ kind }) => kind) };
}

function withoutOffsets(trace: GoTrace): GoTrace {
	const at0 = <T extends object>(row: T) => ({ ...row, offset: 0 });
	return { ...trace, sites: trace.sites.map(at0), goroutines: trace.goroutines.map(at0) };
}

test("round trip, with rows that can be quoted by their offset", () => {
	const bytes = encodeGoTrace(TRACE);
	const { value, flaws } = decode(bytes);
	assert.deepEqual(flaws, []);
	assert.deepEqual(withoutOffsets(value), TRACE);
	assert.doesNotThrow(() => JSON.parse(new TextDecoder().decode(bytes)));
	for (const { goid, offset } of value.goroutines) {
		const row = new TextDecoder().decode(bytes.subarray(offset)).split("\n", 1)[0] ?? "";
		assert.equal((JSON.parse(row.replace(/,$/, "")) as { goid: number }).goid, goid);
	}
	const empty: GoTrace = { ...TRACE, stacks: [], goroutines: [], sites: [] };
	assert.deepEqual(decode(encodeGoTrace(empty)).value, empty);
});

test("cut at every byte: whole rows and a truncation", () => {
	const bytes = encodeGoTrace(TRACE);
	const headEnd = bytes.indexOf(10);
	for (let end = 0; end < bytes.length; end++) {
		const decoded = decodeGoTrace(bytes.subarray(0, end));
		if (decoded.kind === "foreign") {
			assert.ok(end < headEnd);
			continue;
		}
		// The last newline is not missed.
		if (end < bytes.length - 1) assert.equal(decoded.flaws.at(-1)?.kind, "truncated", `after ${end} bytes`);
		const { goroutines, stacks, sites } = withoutOffsets(decoded.value);
		assert.deepEqual(goroutines, TRACE.goroutines.slice(0, goroutines.length));
		assert.deepEqual(sites, TRACE.sites.slice(0, sites.length));
		assert.ok(stacks.length <= TRACE.stacks.length);
	}
});

test("foreign: other JSON, other schemas, nothing", () => {
	for (const text of [
		"",
		"{}",
		"[]",
		'{"schema":"plumbline.ledger/1"}',
		'{"schema":"plumbline.go-trace/2"}\n',
	]) {
		assert.equal(decodeGoTrace(new TextEncoder().encode(text)).kind, "foreign", text);
	}
});

test("broken rows cost themselves only; a place that is none is no place", () => {
	const text = new TextDecoder().decode(encodeGoTrace(TRACE));
	const { value, kinds } = decode(
		text.replace('{"goid":2}', '{"goid":-2}').replace('"creatorStack":0', '"creatorStack":7'),
	);
	assert.deepEqual(kinds, ["malformed"]);
	assert.deepEqual(
		value.goroutines.map(({ goid, creatorStack }) => [goid, creatorStack]),
		[
			[9, undefined],
			[11, undefined],
		],
	);
	const { value: odd, kinds: oddKinds } = decode(
		text.replace('[["main.leak","/srv/leak.go",7]]', "[[1,2,3]]"),
	);
	assert.deepEqual([oddKinds, odd.stacks[1]], [["malformed"], []]);
	assert.deepEqual(decode(text.replace('"born":11', '"born":"11"')).value.sites, []);
});

test("whatever is changed: an answer", () => {
	const bytes = encodeGoTrace(TRACE);
	const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
	fc.assert(
		fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
			const copy = bytes.slice();
			for (const { at, byte } of changes) copy[at % copy.length] = byte;
			const decoded = decodeGoTrace(copy);
			if (decoded.kind === "foreign") return;
			const { stacks, goroutines } = decoded.value;
			assert.ok(goroutines.every(({ creatorStack = 0 }) => creatorStack <= stacks.length));
		}),
		{ numRuns: 5_000 },
	);
});
