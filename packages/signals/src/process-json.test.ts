import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProcessFacts } from "./process.ts";
import { decodeProcess, encodeProcess } from "./process-json.ts";

const FULL: ProcessFacts = {
	pid: 4711,
	comm: "orders",
	commandLine: "/srv/orders -db ***",
	uid: 1000,
	startTicks: 812345,
	fdCount: 57,
	fdLimit: 1024,
	memoryBytes: 52428800,
	memoryLimitBytes: 536870912,
	cpuLimit: 0.5,
	ephemeralPorts: { first: 32768, last: 60999 },
	tcpTwReuse: 2,
	foreignNetworkNamespace: true,
};

function decodeText(text: string) {
	return decodeProcess(new TextEncoder().encode(text));
}

test("facts come back as they were written, all or few", () => {
	for (const facts of [FULL, { pid: 1 }]) {
		assert.deepEqual(decodeProcess(encodeProcess(facts)), { kind: "decoded", value: facts, flaws: [] });
	}
});

test("cut at every byte it is foreign, never a half truth", () => {
	const bytes = encodeProcess(FULL);
	for (let length = 0; length < bytes.length - 1; length++) {
		assert.equal(decodeProcess(bytes.subarray(0, length)).kind, "foreign", String(length));
	}
});

test("a field of another type is a flaw and absent", () => {
	const decoded = decodeText(
		'{"schema":"plumbline.process/1","pid":1,"comm":7,"fdLimit":"many","ephemeralPorts":{"first":1},"uid":null,"x":1}',
	);
	assert.ok(decoded.kind === "decoded");
	assert.deepEqual(decoded.value, { pid: 1 });
	assert.deepEqual(
		decoded.flaws.map((flaw) => flaw.why),
		[
			"expected comm to be a string, found 7",
			"expected uid to be a number, found null",
			'expected fdLimit to be a number, found "many"',
			"expected ephemeralPorts to be {first, last} in numbers",
		],
	);
});

test("other JSON is foreign", () => {
	for (const text of [
		"",
		"null",
		"[]",
		"7",
		"{}",
		'{"pid":1}',
		'{"schema":"plumbline.process/1"}',
		"{".repeat(10_000),
	]) {
		assert.equal(decodeText(text).kind, "foreign", text.slice(0, 20));
	}
});
