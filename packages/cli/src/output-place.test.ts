/** Nothing that was there before is lost by a result: refused before anything is done, and the file untouched. */
import assert from "node:assert/strict";
import { copyFileSync, linkSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { CAPTURES_FOLDER } from "./captures-folder.ts";
import { runPlumbline } from "./testing/run-plumbline.ts";

const folder = mkdtempSync(join(tmpdir(), "plumbline-output-place-test-"));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

const DUMP = "goroutine 1 [select]:\nmain.main()\n\t/srv/main.go:7 +0x1\n";
const first = at("first.txt");
const second = at("second.txt");
const capture = at("leak.plumb");

test("a result never replaces what it is made of, another result, or a file that is no result", async () => {
	for (const file of [first, second]) writeFileSync(file, DUMP);
	copyFileSync(join(CAPTURES_FOLDER, "healthy-idle.plumb"), capture);
	linkSync(second, at("other-name.html"));
	const before = readFileSync(capture);
	const cases: readonly (readonly [string[], RegExp])[] = [
		[[second, "--html", second], /--html .*second\.txt would replace a file that is read: name another/],
		[[second, "--html", at("other-name.html")], /would replace a file that is read/],
		[["--goroutines", second, "--save", second], /--save .*second\.txt would replace a file that is read/],
		[["--from", capture, "--html", capture], /would replace a file that is read/],
		[["--from", capture, "--save", capture], /would replace a file that is read/],
		[[second, "--save", at("x"), "--html", at("x")], /--save and --html name the same file/],
		[[second, "--html", first], /--html .*first\.txt would replace a file that is no report/],
		[[second, "--save", first], /--save .*first\.txt would replace a file that is no capture/],
		[["--pid", "1", "--html", capture], /would replace a file that is no report/],
	];
	for (const [args, expected] of cases) {
		const { code, stdout, stderr } = await runPlumbline(["diagnose", ...args]);
		assert.deepEqual([code, stdout], [2, ""], args.join(" "));
		assert.match(stderr, expected);
	}
	const taken = await runPlumbline(["capture", "--pid", "1", "-o", first]);
	assert.equal(taken.code, 2);
	assert.match(taken.stderr, /--output .*first\.txt would replace a file that is no capture/);
	for (const file of [first, second]) assert.equal(readFileSync(file, "utf8"), DUMP);
	assert.deepEqual(readFileSync(capture), before);
});

test("an older report or capture is replaced, by whatever name, and an empty file is", async () => {
	const report = at("report");
	const saved = at("saved");
	writeFileSync(report, "");
	for (const _ of [1, 2]) {
		const { code, stderr } = await runPlumbline(["diagnose", first, "--html", report, "--save", saved]);
		assert.equal(code, 0, stderr);
	}
	assert.match(readFileSync(report, "utf8"), /^<!doctype html>/);
});
