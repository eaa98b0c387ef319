import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { afterEach, test } from "node:test";
import { buildService } from "./build-service.ts";

const { PATH, GOPROXY } = process.env;
afterEach(() => {
	for (const [name, value] of Object.entries({ PATH, GOPROXY })) {
		if (value === undefined) delete process.env[name];
		else process.env[name] = value;
	}
});

test("a machine without Go gets an answer, not an error", async () => {
	process.env.PATH = "";
	assert.deepEqual(await buildService(), { kind: "no-go", why: "no `go` on PATH" });
});

test("a toolchain that is not to be had is named", async (t) => {
	if (spawnSync("go", ["version"]).status !== 0) return t.skip("missing tool: go");
	process.env.GOPROXY = "off";
	const build = await buildService("go1.26.99");
	assert.equal(build.kind, "no-go");
	if (build.kind === "no-go") assert.match(build.why, /^toolchain go1\.26\.99 is not to be had: /);
});
