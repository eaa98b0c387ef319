import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { isHopField } from "./h1-head-names.ts";
import { NO_ROOM, UNWRITABLE } from "./h1-write.ts";
import { writeSet } from "./h1-write-set.ts";

const names = fc.constantFrom("via", "x-forwarded-proto", "traceparent", "x-a", "connection", "host", "x-b");
const values = fc.oneof(
	fc.constantFrom("http", "1.1 plumbline", ""),
	fc.string({ unit: "grapheme-ascii", maxLength: 60 }),
);

test("whatever was written before, fields are written as they are", () => {
	const out = Buffer.alloc(8192);
	fc.assert(
		fc.property(fc.array(fc.tuple(names, values), { maxLength: 12 }), (pairs) => {
			const end = writeSet(out, 3, pairs.flat());
			const passed = pairs.filter(([name]) => !isHopField(name));
			const wanted = passed.map(([name, value]) => `${name}: ${value}\r\n`).join("");
			assert.equal(out.toString("latin1", 3, end), wanted);
		}),
		{ numRuns: 2000 },
	);
});

test("no value splits a head, known name or not", () => {
	const out = Buffer.alloc(256);
	for (const value of ["a\r\nx: y", "a\n", "\0", "\u{1f600}", "ok\r"]) {
		for (let time = 0; time < 3; time++) {
			assert.equal(writeSet(out, 0, ["x-split", value]), UNWRITABLE, JSON.stringify(value));
			assert.ok(writeSet(out, 0, ["x-split", "good"]) > 0);
		}
	}
	assert.equal(writeSet(out, 0, ["x split", "good"]), UNWRITABLE);
	assert.equal(writeSet(out, 0, ["x split", "good"]), UNWRITABLE);
});

test("where there is no room nothing is said to be written, by whichever way", () => {
	const out = Buffer.alloc(32);
	const line = "x-room: 12345\r\n";
	for (let time = 0; time < 4; time++) {
		assert.equal(writeSet(out, 0, ["x-room", "12345"]), line.length);
		assert.equal(writeSet(out, 32 - line.length, ["x-room", "12345"]), 32);
		assert.equal(writeSet(out, 33 - line.length, ["x-room", "12345"]), NO_ROOM);
		assert.equal(writeSet(out, 33 - line.length, ["x-room", `1234${time}`]), NO_ROOM);
	}
});
