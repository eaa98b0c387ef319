import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
	isInShare,
	isSoundTracestate,
	newSpanId,
	newTraceId,
	parseTraceparent,
	traceparent,
} from "./trace-context.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

test("what is sound is read; of flags only sampled", () => {
	for (const [flags, sampled] of [
		["00", false],
		["01", true],
		["03", true],
		["ff", true],
		["fe", false],
	] as const)
		assert.deepEqual(parseTraceparent(`00-${TRACE}-${SPAN}-${flags}`), {
			traceId: TRACE,
			spanId: SPAN,
			sampled,
		});
});

test("a later version is read as far as it is known", () => {
	assert.ok(parseTraceparent(`01-${TRACE}-${SPAN}-01`));
	assert.ok(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-will-be`));
	assert.equal(parseTraceparent(`cc-${TRACE}-${SPAN}-01.what`), undefined);
	assert.equal(parseTraceparent(`cc-${TRACE}-${SPAN}-01-${"x".repeat(300)}`), undefined);
});

test("what breaks a rule is none", () => {
	for (const text of [
		"",
		"00",
		`ff-${TRACE}-${SPAN}-01`,
		`00-${TRACE}-${SPAN}-01-`,
		`00-${TRACE}-${SPAN}-01 `,
		` 00-${TRACE}-${SPAN}-01`,
		`00-${TRACE}-${SPAN}-1`,
		`00-${TRACE}-${SPAN}-0g`,
		`0-${TRACE}-${SPAN}-01`,
		`0G-${TRACE}-${SPAN}-01`,
		`00-${TRACE.toUpperCase()}-${SPAN}-01`,
		`00-${TRACE}-${SPAN.toUpperCase()}-01`,
		`00-${"0".repeat(32)}-${SPAN}-01`,
		`00-${TRACE}-${"0".repeat(16)}-01`,
		`00_${TRACE}_${SPAN}_01`,
		`00-${TRACE.slice(1)}-${SPAN}0-01`,
		`00-${TRACE}-${SPAN}-01,00-${TRACE}-${SPAN}-01`,
	])
		assert.equal(parseTraceparent(text), undefined, text);
});

test("whatever comes: it is none, or what was written is sound and says the same", () => {
	const near = fc.tuple(fc.nat(54), fc.string({ minLength: 1, maxLength: 2 })).map(([at, put]) => {
		const sound = `00-${TRACE}-${SPAN}-01`;
		return sound.slice(0, at) + put + sound.slice(at + put.length);
	});
	fc.assert(
		fc.property(fc.oneof(fc.string(), near), (text) => {
			const trace = parseTraceparent(text);
			if (trace === undefined) return;
			const { traceId, spanId, sampled } = trace;
			assert.match(`${traceId} ${spanId}`, /^[\da-f]{32} [\da-f]{16}$/);
			assert.deepEqual(parseTraceparent(traceparent(traceId, spanId, sampled)), trace);
		}),
	);
});

test("new ids are sound and no two alike", () => {
	const ids = new Set<string>();
	for (let n = 0; n < 5000; n++) {
		const [traceId, spanId] = [newTraceId(), newSpanId()];
		assert.deepEqual(parseTraceparent(traceparent(traceId, spanId, true)), {
			traceId,
			spanId,
			sampled: true,
		});
		ids.add(traceId).add(spanId);
	}
	assert.equal(ids.size, 10_000);
});

test("the share of ids", () => {
	const ids = Array.from({ length: 20_000 }, newTraceId);
	const kept = ids.filter((traceId) => isInShare(traceId, 0.1)).length;
	// Ten standard deviations of a binomial distribution: 424.
	assert.ok(Math.abs(kept - 2000) < 424, String(kept));
	assert.ok(ids.every((traceId) => isInShare(traceId, 1) && !isInShare(traceId, 0)));
	assert.ok(ids.every((traceId) => !isInShare(traceId, 0.1) || isInShare(traceId, 0.2)));
});

test("tracestate", () => {
	for (const text of [
		"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
		"a=1",
		"t@v=x",
		" a=1 ,\tb=2",
		"a=1,,b=2",
		"0x@a=b",
	])
		assert.ok(isSoundTracestate(text), text);
	for (const text of ["a", "=1", "A=1", "a=1,a=2", "a=b=c", "a=\u0001", "a=", `a=${"x".repeat(300)}`, "0x=1"])
		assert.ok(!isSoundTracestate(text), text);
	const many = Array.from({ length: 33 }, (_, n) => `k${n}=v`).join(",");
	assert.ok(!isSoundTracestate(many));
	assert.ok(isSoundTracestate(many.slice(0, many.lastIndexOf(","))));
});
