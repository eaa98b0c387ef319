import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runCommand } from "./command.ts";
import { readSkips, summarizeSkips } from "./skips.ts";

test("skips are counted by reason, and missing tools apart", () => {
	const skip = (test: string, reason: string) => ({ test, file: "a.test.ts", reason });
	const { text, missingTools } = summarizeSkips([
		skip("one", "missing tool: ss"),
		skip("two", "not possible here: not root"),
		skip("three", "missing tool: ss"),
		skip("four", ""),
		skip("five", "mariadbd is not installed; on Debian: ..."),
	]);
	assert.equal(missingTools, 3);
	assert.equal(
		text,
		`skipped: 5
  2 x missing tool: ss
      one (a.test.ts)
      three (a.test.ts)
  1 x not possible here: not root
      two (a.test.ts)
  1 x (no reason given)
      four (a.test.ts)
  1 x mariadbd is not installed; on Debian: ...
      five (a.test.ts)
`,
	);
	assert.deepEqual(summarizeSkips([]), { text: "skipped: none\n", missingTools: 0 });
});

test("the reporter writes what node:test skipped, also inside suites", async () => {
	const scratch = mkdtempSync(join(tmpdir(), "plumbline-skips-"));
	try {
		const file = join(scratch, "a.test.mjs");
		writeFileSync(
			file,
			`import { suite, test } from "node:test";
			test("runs", () => {});
			test("called", (t) => t.skip("missing tool: ss"));
			suite("in", () => test("declared", { skip: "not possible here: x" }, () => {}));
			test("bare", { skip: true }, () => {});`,
		);
		const reporter = join(import.meta.dirname, "skip-reporter.ts");
		const end = await runCommand({
			program: process.execPath,
			args: ["--test", `--test-reporter=${reporter}`, file],
			// Set by the run we are in; with it a nested run would report to that one.
			env: { NODE_TEST_CONTEXT: undefined },
			timeMsMax: 60_000,
		});
		const found = readSkips(end.output).map(({ test, reason }) => [test, reason]);
		assert.deepEqual(found, [
			["called", "missing tool: ss"],
			["declared", "not possible here: x"],
			["bare", ""],
		]);
	} finally {
		rmSync(scratch, { recursive: true, force: true });
	}
});
