import assert from "node:assert/strict";
import {
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { CAPTURES_FOLDER } from "./captures-folder.ts";
import { runPlumbline } from "./testing/run-plumbline.ts";

const CAPTURE = join(CAPTURES_FOLDER, "lock-own-tx.plumb");
const folder = mkdtempSync(join(tmpdir(), "plumbline-html-flag-test-"));
after(() => rmSync(folder, { recursive: true }));

test("--html FILE writes the report, for its owner only, and the verdict is printed as ever", async () => {
	const file = join(folder, "report.html");
	writeFileSync(file, "an older one");
	const plain = await runPlumbline(["diagnose", "--from", CAPTURE]);
	const { code, stdout, stderr } = await runPlumbline(["diagnose", "--from", CAPTURE, "--html", file]);
	assert.deepEqual([code, stdout], [plain.code, plain.stdout]);
	assert.match(stderr, /report written to /);
	assert.match(readFileSync(file, "utf8"), /^<!doctype html>[\s\S]*<\/html>\n$/);
	assert.equal(statSync(file).mode & 0o777, 0o600);
	assert.deepEqual(readdirSync(folder), ["report.html"]);
});

test("--html FILE goes with --json, and - takes the place of the verdict", async () => {
	const file = join(folder, "with-json.html");
	const both = await runPlumbline(["diagnose", "--from", CAPTURE, "--json", "--html", file]);
	assert.equal(JSON.parse(both.stdout).findings[0].id, "tx-open");
	const printed = await runPlumbline(["diagnose", "--from", CAPTURE, "--html", "-"]);
	assert.equal(printed.stdout, readFileSync(file, "utf8"));
	assert.equal(printed.code, both.code);
});

test("two results for one place are refused", async () => {
	const { code, stdout, stderr } = await runPlumbline([
		"diagnose",
		"--from",
		CAPTURE,
		"--html",
		"-",
		"--json",
	]);
	assert.deepEqual([code, stdout], [2, ""]);
	assert.match(stderr, /--html - prints to the same place as --json/);
});

test("where the report cannot be written, the verdict has been printed, and the reason follows", async () => {
	const link = join(folder, "link.html");
	symlinkSync("elsewhere.html", link);
	for (const [path, why] of [
		[join(folder, "no", "where.html"), /cannot write .*no such file or folder/],
		[link, /cannot write .*it is a link, not a file/],
	] as const) {
		const { code, stdout, stderr } = await runPlumbline(["diagnose", "--from", CAPTURE, "--html", path]);
		assert.equal(code, 3);
		assert.match(stdout, /^1 critical finding/);
		assert.match(stderr, why);
	}
});
