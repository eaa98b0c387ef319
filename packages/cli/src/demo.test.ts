import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { runPlumbline, STACK_TRACE } from "./testing/run-plumbline.ts";

const folder = mkdtempSync(join(tmpdir(), "plumbline-demo-test-"));
after(() => rmSync(folder, { recursive: true }));

function hasGo(t: TestContext): boolean {
	try {
		execFileSync("go", ["version"]);
		return true;
	} catch {
		t.skip("missing tool: go");
		return false;
	}
}

test("without Go the demo replays the recorded capture and says so", async () => {
	// All a launcher needs but no compiler.
	const bin = mkdtempSync(join(folder, "bin-"));
	for (const tool of ["sh", "readlink"]) symlinkSync(`/bin/${tool}`, join(bin, tool));
	const { code, stdout, stderr } = await runPlumbline(["demo"], { cwd: folder, env: { PATH: bin } });
	assert.equal(code, 0, stderr);
	assert.match(stderr, /cannot be built here \(no `go` on PATH\)/);
	assert.match(stderr, /its recorded capture/);
	assert.match(stdout, /tx-open/);
	assert.doesNotMatch(stderr, STACK_TRACE);

	const lab = await runPlumbline(["lab", "run", "tx-error-background"], { cwd: folder, env: { PATH: bin } });
	assert.equal(lab.code, 3);
	assert.equal(lab.stderr, "plumbline: the lab's programs cannot be built here: no `go` on PATH\n");
});

test("with Go the demo finds the leak live, keeps the capture, and leaves nothing else", async (t) => {
	if (!hasGo(t)) return;
	const cwd = mkdtempSync(join(folder, "cwd-"));
	const { code, stdout, stderr } = await runPlumbline(["demo"], { cwd });
	assert.equal(code, 0, stderr);
	assert.match(stdout, /tx-open, confirmed/);
	assert.match(stdout, /tx_error_background\.go:\d+/);
	const pid = /The service runs \(pid (\d+)\)/.exec(stderr)?.[1];
	assert.ok(pid !== undefined && !existsSync(`/proc/${pid}`), "the service is gone");
	assert.deepEqual(readdirSync(cwd), ["plumbline-demo.plumb"]);

	const again = await runPlumbline(["diagnose", "--from", "plumbline-demo.plumb"], { cwd });
	assert.equal(again.code, 1);
	assert.ok(stdout.includes(again.stdout), "the capture gives the live verdict, byte for byte");
});

test("Ctrl-C in the demo leaves no process and no file", async (t) => {
	if (!hasGo(t)) return;
	const cwd = mkdtempSync(join(folder, "cwd-"));
	const { code, stdout, stderr } = await runPlumbline(["demo"], {
		cwd,
		interruptAfter: "leaks. Diagnosing it.",
	});
	assert.equal(code, 130);
	assert.equal(stdout, "");
	assert.match(stderr, /interrupted\n$/);
	const pid = /The service runs \(pid (\d+)\)/.exec(stderr)?.[1];
	assert.ok(pid !== undefined && !existsSync(`/proc/${pid}`), "the service is gone");
	assert.deepEqual(readdirSync(cwd), []);
});
