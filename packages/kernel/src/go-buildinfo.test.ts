/** A real Go program that runs: gofmt waits for its input. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { decodeGoBuildinfo } from "@plumbline/signals/go-binary-buildinfo";
import { readGoBuildinfo } from "./go-buildinfo.ts";

test("build info of a running Go program, as `go version -m` prints it", async (t) => {
	const go = spawnSync("go", ["env", "GOROOT"], { encoding: "utf8" });
	if (go.error !== undefined) {
		t.skip("missing tool: go");
		return;
	}
	const gofmt = `${go.stdout.trim()}/bin/gofmt`;
	const child = spawn(gofmt, { stdio: ["pipe", "ignore", "inherit"] });
	await once(child, "spawn");
	try {
		const reading = readGoBuildinfo(child.pid ?? 0);
		assert.ok(reading.kind === "read", reading.kind === "refused" ? reading.why : "");
		const decoded = decodeGoBuildinfo(reading.value);
		assert.ok(decoded.kind === "decoded");
		assert.deepEqual(decoded.flaws, []);
		const printed = spawnSync("go", ["version", "-m", gofmt], { encoding: "utf8" }).stdout;
		assert.ok(printed.startsWith(`${gofmt}: ${decoded.value.goVersion}\n`), printed);
		for (const [name, value] of Object.entries(decoded.value.settings)) {
			assert.ok(printed.includes(`\tbuild\t${name}=${value}`), `${name}=${value} in ${printed}`);
		}
	} finally {
		child.stdin.end();
		await once(child, "exit");
	}
});

test("a program that is not Go, and no program at all", () => {
	const node = readGoBuildinfo(process.pid);
	assert.ok(node.kind === "refused" && node.code === "absent");
	assert.match(node.why, /not a Go executable/);
	const nobody = readGoBuildinfo(2 ** 22 + 1);
	assert.ok(nobody.kind === "refused");
	assert.match(nobody.why, /does not exist/);
});
