import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { afterEach, test } from "node:test";
import { BUILD_VARIANTS, type BuildVariant, buildService } from "./build-service.ts";

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
	const build = await buildService({ toolchain: "go1.26.99" });
	assert.equal(build.kind, "no-go");
	if (build.kind === "no-go") assert.match(build.why, /^toolchain go1\.26\.99 is not to be had: /);
});

test("each way of building gives a binary of its own, and it is that way", async (t) => {
	if (spawnSync("go", ["version"]).status !== 0) return t.skip("missing tool: go");
	const paths = new Set<string>();
	for (const variant of BUILD_VARIANTS) {
		const build = await buildService({ variant });
		assert.equal(build.kind, "built", variant);
		if (build.kind !== "built") return;
		paths.add(build.path);
		const said = spawnSync("go", ["version", "-m", build.path], { encoding: "utf8" }).stdout;
		const [line = ""] = PROOF[variant].exec(said) ?? [];
		assert.notEqual(line, "", `${variant}: ${said}`);
	}
	assert.equal(paths.size, BUILD_VARIANTS.length);
});

/** What the linker notes in the binary about how it was built. */
const PROOF: Readonly<Record<BuildVariant, RegExp>> = {
	normal: /build\t-buildmode=exe/,
	stripped: /build\t-ldflags="-s -w"/,
	trimpath: /build\t-trimpath=true/,
	pie: /build\t-buildmode=pie/,
};
