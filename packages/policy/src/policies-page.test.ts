/** docs/policies.md: every sample runs, and prints what the page says. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { samplesOf } from "@plumbline/lab/testing/page-samples";

const RUN_MS_MAX = 30_000;
const room = join(import.meta.dirname, "..");
const page = readFileSync(join(room, "../../docs/policies.md"), "utf8");
const run = promisify(execFile);

const samples = samplesOf(page);

test("the page has its samples", () => assert.equal(samples.length, 8));

for (const { code, prints } of samples) {
	test(`the sample of ${/policy\/([\w-]+)/.exec(code)?.[1]} prints what the page says`, async () => {
		const args = ["--input-type=module-typescript", "-e", code];
		const { stdout } = await run(process.execPath, args, { cwd: room, timeout: RUN_MS_MAX });
		assert.ok(prints.length > 0);
		assert.deepEqual(stdout.trimEnd().split("\n"), prints);
	});
}
