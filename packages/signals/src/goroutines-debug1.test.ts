/** Grouped profiles: recorded ones against a naive reader, cuts at every byte, flaws by name. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeGoroutinesDebug1 } from "./goroutines-debug1.ts";

const folder = new URL("../fixtures/goroutines/", import.meta.url);
const profiles = readdirSync(folder).filter((name) => name.endsWith(".debug1.txt"));
const decode = (text: string | Uint8Array) =>
	decodeGoroutinesDebug1(typeof text === "string" ? Buffer.from(text) : text);

function whole(text: string | Uint8Array) {
	const answer = decode(text);
	assert.ok(answer.kind === "decoded");
	return answer;
}

function naive(text: string) {
	const records = text.slice(text.indexOf("\n") + 1).split(/\n\n/);
	return records
		.filter((record) => record.includes("@"))
		.map((record) => ({
			count: Number(/^\d+/m.exec(record)?.[0]),
			labels: JSON.parse(/^# labels: (.*)$/m.exec(record)?.[1] ?? "{}"),
			frames: [...record.matchAll(/^#\t+0x\w+\t+(.*)\+0x\w+\t+(.*):(\d+)$/gm)].map(
				([, func, file, line]) => ({
					func,
					file,
					line: Number(line),
				}),
			),
		}));
}

for (const name of profiles) {
	test(`${name}: as the naive reader has it, with either line ending`, () => {
		const text = readFileSync(new URL(name, folder), "utf8");
		for (const ending of ["\n", "\r\n"]) {
			const { value, flaws } = whole(text.replaceAll("\n", ending));
			assert.deepEqual(flaws, []);
			assert.deepEqual(
				value.records.map(({ offset: _, ...record }) => record),
				naive(text),
			);
			assert.equal(
				value.total,
				value.records.reduce((sum, { count }) => sum + count, 0),
			);
		}
		const bytes = Buffer.from(text);
		for (const { offset, count } of whole(text).value.records) {
			assert.ok(bytes.subarray(offset).toString().startsWith(`${count} @ 0x`));
		}
	});

	test(`${name}: cut at every byte, no whole record is lost`, () => {
		const bytes = readFileSync(new URL(name, folder));
		const { records } = whole(bytes).value;
		for (let length = bytes.indexOf("\n"); length < bytes.length - 2; length++) {
			const { value, flaws } = whole(bytes.subarray(0, length));
			const ended = records.filter((_, i) => (records[i + 1]?.offset ?? bytes.length) <= length).length;
			assert.ok(value.records.length >= ended);
			if (ended > 0) assert.deepEqual(value.records[ended - 1], records[ended - 1]);
			const all = value.records.length === records.length && bytes[length - 1] === 0x0a;
			if (!all) assert.deepEqual([flaws.length, flaws.at(-1)?.kind], [1, "truncated"]);
		}
	});
}

test("recorded labels keep their quotes, braces and tabs", () => {
	const { value } = whole(readFileSync(new URL("go1.19-states.debug1.txt", folder)));
	const labelled = value.records.find(({ labels }) => labels.endpoint !== undefined);
	assert.deepEqual(labelled?.labels, { endpoint: "/v1/orders", odd: 'a]: "b", {c}\té' });
	assert.equal(labelled?.count, 3);
});

test("leaked goroutines come as a profile of their own", () => {
	const { value } = whole(readFileSync(new URL("go1.27-leak.debug1.txt", folder)));
	assert.deepEqual(value.total, 3);
	assert.equal(value.records[0]?.frames[0]?.func, "example.com/app.leak.func1");
});

test("empty columns, a frame without symbol, a record without frames", () => {
	const text =
		"custom profile: total 3\n2 @ 0x1 0x2\n#\t0x1\t\t\tmain.a+0x1\t\t/srv/My App/a.go:7\n#\t0x2\n\n1 @\n\n";
	assert.deepEqual(whole(text), {
		kind: "decoded",
		value: {
			name: "custom",
			total: 3,
			records: [
				{
					count: 2,
					offset: 24,
					labels: {},
					frames: [
						{ func: "main.a", file: "/srv/My App/a.go", line: 7 },
						{ func: "0x2", file: "", line: 0 },
					],
				},
				{ count: 1, offset: 82, labels: {}, frames: [] },
			],
		},
		flaws: [],
	});
});

test("foreign: empty, HTML, a full dump, a line without end", () => {
	assert.deepEqual(decode(""), { kind: "foreign", found: "" });
	for (const text of [
		"<html>",
		"goroutine 7 [select]:\n",
		"x".repeat(1_000_000),
		"heap profile: 1: 2 [3: 4] @\n",
	]) {
		assert.equal(decode(text).kind, "foreign");
	}
});

test("broken record: the others are kept, its frames belong to nobody", () => {
	const text =
		"goroutine profile: total 7\n3 @ 0x1\n#\t0x1\tmain.a+0x1\t/a.go:1\n\nx @ 0x1\n#\t0x1\tmain.b+0x1\t/b.go:1\n\n4 @ 0x1\n\n";
	const { value, flaws } = whole(text);
	assert.deepEqual(
		value.records.map(({ count }) => count),
		[3, 4],
	);
	assert.deepEqual(flaws, [
		{ kind: "malformed", why: 'expected a record, its labels or its frames, found "x @ 0x1"', at: 61 },
	]);
});

test("broken frame and broken labels: the record keeps the rest", () => {
	const text =
		'goroutine profile: total 1\n1 @ 0x1\n# labels: {"a":}x\n#\tmain.a\n#\t0x1\tmain.b+0x1\t/b.go:1\n\n';
	const { value, flaws } = whole(text);
	assert.deepEqual(
		value.records[0]?.frames.map(({ func }) => func),
		["main.b"],
	);
	assert.deepEqual(
		flaws.map(({ kind, at }) => [kind, at]),
		[
			["malformed", 35],
			["malformed", 53],
		],
	);
});

test("fewer goroutines than promised is a cut; more is a contradiction", () => {
	assert.equal(whole("goroutine profile: total 5\n3 @ 0x1\n\n").flaws[0]?.kind, "truncated");
	assert.equal(whole("goroutine profile: total 2\n3 @ 0x1\n\n").flaws[0]?.kind, "malformed");
});
