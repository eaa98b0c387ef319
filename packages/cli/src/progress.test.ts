import assert from "node:assert/strict";
import { test } from "node:test";
import { progressOn } from "./progress.ts";

function screen(isTTY: boolean, columns = 80) {
	const written: string[] = [];
	return { written, isTTY, columns, write: (text: string) => written.push(text) };
}

test("without a terminal only notes are written", () => {
	const pipe = screen(false);
	const progress = progressOn(pipe);
	progress.step("first sample");
	progress.note("capture saved");
	progress.done();
	assert.equal(pipe.written.join(""), "capture saved\n");
});

test("on a terminal one line is rewritten, notes go above it, and nothing stays", () => {
	const terminal = screen(true);
	const progress = progressOn(terminal);
	progress.step("one");
	progress.step("one");
	progress.step("two");
	progress.note("a note");
	progress.done();
	const erase = "\r\x1b[K";
	assert.equal(terminal.written.join(""), `${erase}one${erase}two${erase}a note\n${erase}two${erase}`);
});

test("a terminal that cannot erase a line is not asked to", () => {
	const terminal = screen(true);
	const progress = progressOn(terminal, "dumb");
	progress.step("one");
	progress.note("a note");
	progress.done();
	assert.equal(terminal.written.join(""), "a note\n");
});

test("a step never wraps", () => {
	const narrow = screen(true, 20);
	progressOn(narrow).step("watching the service, 10 s left");
	assert.equal(narrow.written.join(""), "\r\x1b[Kwatching the servi…");
});
