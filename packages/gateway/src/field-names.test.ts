import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fieldNames } from "./field-names.ts";

test("a name is found in whatever case, whole, and wherever it lies", () => {
	const names = fieldNames(["Via", "x-request-id", "x-request-id"]);
	assert.deepEqual(names.names, ["via", "x-request-id"]);
	const bytes = Buffer.from("..X-Request-ID: 7");
	assert.equal(names.hasBytes(bytes, 2, 14), true);
	assert.equal(names.hasBytes(bytes, 2, 13), false);
	assert.equal(names.has("via"), true);
	assert.equal(names.has("vib"), false);
});

test("asked with bytes or with text, the answer is the same", () => {
	const name = fc.stringMatching(/^[a-zA-Z0-9_^-]{0,40}$/);
	fc.assert(
		fc.property(fc.array(name, { maxLength: 8 }), name, (listed, asked) => {
			const names = fieldNames(listed);
			const bytes = Buffer.from(asked);
			const isThere = listed.some((each) => each.toLowerCase() === asked.toLowerCase());
			assert.equal(names.hasBytes(bytes, 0, bytes.length), isThere);
			assert.equal(names.has(asked.toLowerCase()), isThere);
		}),
	);
});
