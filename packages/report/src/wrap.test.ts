import assert from "node:assert/strict";
import { test } from "node:test";
import { quoteLines } from "./quote.ts";
import { visibleLine, visibleLines } from "./visible.ts";
import { columnsOf } from "./width.ts";
import { wrap } from "./wrap.ts";

test("columns: wide characters count two, marks none", () => {
	assert.equal(columnsOf("abc"), 3);
	assert.equal(columnsOf("日本"), 4);
	assert.equal(columnsOf("e\u0301"), 1);
	assert.equal(columnsOf("🔥"), 2);
});

test("prose is wrapped between words; long words are cut, wide ones too", () => {
	assert.deepEqual(wrap("one two three", 7), ["one two", "three"]);
	assert.deepEqual(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
	assert.deepEqual(wrap("日本語日本語", 5), ["日本", "語日", "本語"]);
	assert.deepEqual(wrap("", 10), [""]);
});

test("paths, file:line, functions and backtick spans stay whole", () => {
	for (const whole of [
		"/src/orders/internal/store/create.go:42",
		"create_order_with_everything.go:42",
		"database/sql.(*Tx).awaitDone",
		"`select pg_terminate_backend(pid) from x`",
	])
		assert.deepEqual(wrap(`see ${whole} there`, 12), ["see", whole, "there"]);
});

test("control characters become escapes, line breaks spaces", () => {
	assert.equal(visibleLine("a\x1b[31mb\u202ec\n\n d"), "a\\x1b[31mb\\u202ec d");
	assert.deepEqual(visibleLines("a\tb\r\nc\rd"), ["a    b", "c\\x0dd"]);
	assert.equal(visibleLine("\ud800x"), "\\ud800x");
});

test("a quoted frame keeps its file and line, a statement its beginning", () => {
	assert.deepEqual(quoteLines("\t/src/github.com/acme/orders/internal/store/create.go:42 +0x1d", 40), [
		"    .../internal/store/create.go:42 +0x1d",
	]);
	assert.deepEqual(quoteLines("select a, b, c from orders", 15), ["select a, b,", "  c from orders"]);
	assert.deepEqual(quoteLines("a ".repeat(40), 11), [
		"a a a a a",
		"  a a a a a",
		"  a a a a a",
		"  a a a ...",
	]);
	assert.equal(quoteLines("a\n".repeat(12), 40).at(-1), "(3 more lines)");
});
