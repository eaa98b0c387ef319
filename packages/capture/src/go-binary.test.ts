/** A real Go program with a secret built in by the linker, run and read. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { decodeGoBuildinfo } from "@plumbline/signals/go-binary-buildinfo";
import { collectGoBinary } from "./go-binary.ts";
import { recordingOf } from "./testing/recording.ts";

const PROGRAM = `package main

import "os"

var key string

func main() {
	os.Stdout.WriteString("ready\\n")
	os.Stdin.Read(make([]byte, len(key)))
}
`;

test("version and settings of a running program are kept, linker flags are starred out", async (t) => {
	const folder = mkdtempSync(join(tmpdir(), "plumbline-"));
	t.after(() => rmSync(folder, { recursive: true }));
	writeFileSync(join(folder, "main.go"), PROGRAM);
	writeFileSync(join(folder, "go.mod"), "module example.com/orders\n\ngo 1.18\n");
	const env = { ...process.env, GOTOOLCHAIN: "local", GOFLAGS: "-buildvcs=false" };
	const flags = "-X main.key=hunter2 -w";
	const built = spawnSync("go", ["build", "-ldflags", flags, "-o", "orders", "."], { cwd: folder, env });
	if (built.error !== undefined) {
		assert.notEqual(process.env.CI, "true", "missing tool: go");
		t.skip("missing tool: go");
		return;
	}
	assert.equal(built.status, 0, String(built.stderr));
	const child = spawn(join(folder, "orders"), { stdio: ["pipe", "pipe", "inherit"] });
	t.after(() => child.kill());
	await once(child.stdout, "data");
	// The link to a program that was deleted meanwhile still leads to it.
	rmSync(join(folder, "orders"));
	const recording = await recordingOf((recorder) => collectGoBinary(recorder, { pid: child.pid ?? 0 }));
	assert.deepEqual(recording.gaps, []);
	const part = recording.part("go-binary.buildinfo");
	assert.equal(part.source, `/proc/${child.pid}/exe`);
	assert.ok(!Buffer.from(part.bytes).includes("hunter2"));
	const decoded = decodeGoBuildinfo(part.bytes);
	assert.ok(decoded.kind === "decoded");
	assert.deepEqual(decoded.flaws, []);
	assert.match(decoded.value.goVersion, /^go1\.\d+/);
	assert.deepEqual(decoded.value.main, { path: "example.com/orders", version: "(devel)" });
	assert.match(decoded.value.settings["-ldflags"] ?? "", /^\*+$/);
	assert.notEqual(decoded.value.settings.GOARCH, undefined);
});
