import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { withoutServices } from "./without-services.ts";

const REFUSED = 101;

function policyPath(t: TestContext): string {
	const folder = mkdtempSync(join(tmpdir(), "plumbline-"));
	t.after(() => rmSync(folder, { recursive: true }));
	return join(folder, "policy-rc.d");
}

test("while it installs, a start is refused; afterwards nothing is left", async (t) => {
	const path = policyPath(t);
	const status = await withoutServices(async () => spawnSync(path, ["unbound", "start"]).status, path);
	assert.equal(status, REFUSED);
	assert.equal(existsSync(path), false);
});

test("nothing is left after a failure either", async (t) => {
	const path = policyPath(t);
	const failing = async () => {
		throw new Error("the archive does not answer");
	};
	await assert.rejects(withoutServices(failing, path), /the archive does not answer/);
	assert.equal(existsSync(path), false);
});

test("the policy of the machine stays, and stays what it is", async (t) => {
	const path = policyPath(t);
	writeFileSync(path, "#!/bin/sh\nexit 0\n");
	assert.equal(await withoutServices(async () => readFileSync(path, "utf8"), path), "#!/bin/sh\nexit 0\n");
	assert.equal(readFileSync(path, "utf8"), "#!/bin/sh\nexit 0\n");
});

test("ours that a killed run left behind goes with the next run", async (t) => {
	const path = policyPath(t);
	const left = `${path}.left`;
	await withoutServices(async () => cpSync(path, left), path);
	cpSync(left, path);
	await withoutServices(async () => undefined, path);
	assert.equal(existsSync(path), false);
});
