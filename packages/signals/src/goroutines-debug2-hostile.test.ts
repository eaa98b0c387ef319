/** Inputs named by their flaw: broken, cut, foreign and endless. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FLAWS_MAX } from "./decoded.ts";
import { decodeGoroutinesDebug2 } from "./goroutines-debug2.ts";
import { decodeDump, goroutineText } from "./testing/goroutine-text.ts";

const decode = (text: string | Uint8Array) =>
	decodeGoroutinesDebug2(typeof text === "string" ? Buffer.from(text) : text);

test("foreign: empty, HTML, another profile, random bytes", () => {
	assert.deepEqual(decode(""), { kind: "foreign", found: "" });
	assert.deepEqual(decode("<html>\n\t404 \\o/\r\n"), {
		kind: "foreign",
		found: "<html>\\n\\t404 \\\\o/\\r\\n",
	});
	assert.equal(decode("goroutine profile: total 7\n7 @ 0x1\n").kind, "foreign");
	assert.equal(decode("a goroutine 7 [select]:\n").kind, "foreign");
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
			const answer = decode(bytes);
			assert.ok(answer.kind === "foreign" && answer.found.length <= 60);
		}),
	);
});

test("broken header: the goroutines around it are kept, its frames belong to nobody", () => {
	for (const line of [
		"goroutine x [select]:",
		"goroutine 8 [select",
		`goroutine 8 [a] {"b: c}:`,
		"goroutine 8 [:",
	]) {
		const { value, flaws } = decodeDump(
			`${goroutineText(7)}${goroutineText(8).replace(/.*/, line)}${goroutineText(9)}`,
		);
		assert.deepEqual([...value.goid], [7, 9]);
		assert.equal(flaws.length, 1);
		assert.equal(flaws[0]?.kind, "malformed");
		assert.equal(flaws[0]?.at, goroutineText(7).length);
		assert.match(flaws[0]?.why ?? "", /^expected "goroutine N \[state\]:", found "goroutine/);
	}
});

test("goroutine id beyond 2^53: not read as another id", () => {
	const { value, flaws } = decodeDump(goroutineText(7) + goroutineText(8).replace("8", "9007199254740993"));
	assert.deepEqual([...value.goid], [7]);
	assert.equal(flaws.length, 1);
});

test("log line inside a stack: a flaw, and the frames around it are kept", () => {
	const { value, flaws } = decodeDump(
		goroutineText(7).replace("\n\n", "\n2026/11/02 hello\nmain.main()\n\t/srv/a.go:1 +0x1\n\n"),
	);
	assert.deepEqual(
		value.stacks[0]?.frames.map(({ func }) => func),
		["main.work", "main.main"],
	);
	assert.deepEqual(flaws, [
		{
			kind: "malformed",
			why: 'expected a stack frame or a goroutine, found "2026/11/02 hello"',
			at: goroutineText(7).length - 1,
		},
	]);
});

test("call without file line, file line without number, file line without call", () => {
	const lines = [
		"main.a(0x1)",
		"main.b(0x1)",
		"\t/srv/b.go",
		"main.c()",
		"\t/srv/c.go:3 +0x1",
		"\t/srv/d.go:4 +0x1",
	];
	const { value, flaws } = decodeDump(`goroutine 7 [select]:\n${lines.join("\n")}\n\n${goroutineText(8)}`);
	assert.deepEqual(value.stacks[0]?.frames, [
		{ func: "main.a", file: "", line: 0 },
		{ func: "main.b", file: "", line: 0 },
		{ func: "main.c", file: "/srv/c.go", line: 3 },
	]);
	assert.deepEqual(
		flaws.map(({ kind }) => kind),
		["malformed", "malformed", "malformed"],
	);
	assert.deepEqual([...value.goid], [7, 8]);
});

test("a thousand broken headers: the list of flaws stays short and counts the rest", () => {
	const { value, flaws } = decodeDump(
		goroutineText(1) + "goroutine x [select]:\n\n".repeat(1000) + goroutineText(2).slice(0, -9),
	);
	assert.equal(value.count, 2);
	assert.equal(flaws.length, FLAWS_MAX);
	assert.match(flaws.at(-2)?.why ?? "", /\(and 951 more flaws\)$/);
	assert.equal(flaws.at(-1)?.kind, "truncated");
});

test("exactly 64 MiB: Go stopped writing there", () => {
	const bytes = Buffer.alloc(64 * 1024 * 1024, goroutineText(7));
	const answer = decode(bytes);
	assert.ok(answer.kind === "decoded");
	assert.equal(answer.flaws.length, 1);
	assert.match(answer.flaws[0]?.why ?? "", /64 MiB/);
	const longer = decode(Buffer.concat([bytes, Buffer.from("\n")]));
	assert.ok(longer.kind === "decoded" && longer.flaws.every(({ why }) => !why.includes("64 MiB")));
});

test("states without end, labels without end, a line without end: bounded", () => {
	const states = Array.from({ length: 5000 }, (_, i) =>
		goroutineText(i + 1).replace("select", `state ${i}`),
	).join("");
	assert.equal(decodeDump(states).value.states.length, 1001);
	const huge = decodeDump(
		goroutineText(7).replace("[select]", `[select labels:{"a":"${"x".repeat(1_000_000)}"}]`) +
			goroutineText(8),
	);
	assert.deepEqual([...huge.value.goid], [7, 8]);
	assert.equal(huge.flaws.length, 1);
	assert.equal(huge.value.quote(0, 1).length, 65_536);
	const line = decodeDump(`${goroutineText(7).trimEnd()}\n${"x".repeat(1_000_000)}\n\n${goroutineText(8)}`);
	assert.deepEqual([...line.value.goid], [7, 8]);
});

test("any damage to a dump: never a throw, and good goroutines after it are found", () => {
	const bytes = Buffer.from(goroutineText(7) + goroutineText(8) + goroutineText(9));
	fc.assert(
		fc.property(fc.nat(bytes.length - 1), fc.uint8Array({ maxLength: 20 }), (at, noise) => {
			const damaged = Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
			const answer = decode(damaged);
			if (answer.kind === "foreign") return;
			const { count, stacks, quote, firstArgument } = answer.value;
			assert.ok(count >= 2 && stacks.length <= count);
			for (let i = 0; i < count; i++) {
				quote(i, 5);
				firstArgument(i, 0);
			}
		}),
		{ numRuns: 500 },
	);
});
