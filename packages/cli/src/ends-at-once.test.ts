/** Ctrl-C where the program itself cannot hear it: in a pipe that nobody writes to, and amid long pure work. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { runPlumbline } from "./testing/run-plumbline.ts";

const folder = mkdtempSync(join(tmpdir(), "plumbline-ends-at-once-test-"));
after(() => rmSync(folder, { recursive: true }));

const pipe = join(folder, "pipe");
execFileSync("mkfifo", [pipe]);

/** Settles once plumbline has the pipe open: then it is amid the work, and its end of the pipe is the witness. */
async function opened(content: Uint8Array): Promise<void> {
	const writer = await open(pipe, "w");
	await writer.write(content);
	await writer.close();
}

for (const command of ["diagnose", "goroutines"]) {
	test(`${command}: one Ctrl-C ends it while it works on a large text, exit 130`, async () => {
		// Enough that reading the pipe to its end and closing it leaves seconds of work.
		const noise = Buffer.alloc(48 << 20, "some log line of nothing at all, and nothing else\n");
		const run = await runPlumbline([command, pipe], { cwd: folder, interrupt: opened(noise) });
		assert.deepEqual([run.code, run.stdout, run.stderr], [130, "", ""]);
		assert.deepEqual(readdirSync(folder), ["pipe"]);
	});
}

test("one Ctrl-C ends it while a second pipe has no writer", async () => {
	const other = join(folder, "other");
	execFileSync("mkfifo", [other]);
	const line = "goroutine 1 [select]:\nmain.main()\n\t/srv/main.go:7 +0x1\n";
	const run = await runPlumbline(["diagnose", pipe, other], { interrupt: opened(Buffer.from(line)) });
	assert.deepEqual([run.code, run.stdout], [130, ""]);
});
