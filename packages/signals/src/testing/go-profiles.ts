/** For tests: profiles of every kind from a real Go program, lab/go/cmd/profiles, built with a given toolchain. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { gunzipSync } from "node:zlib";

const LAB = new URL("../../../../lab/go/", import.meta.url);
const COMMAND_MS_MAX = 300_000;
const OUTPUT_BYTES_MAX = 64 << 20;

interface GoProfiles {
	/** Paths of the profiles as written, in gzip, by their kind: `heap`. */
	readonly paths: ReadonlyMap<string, string>;
	/** Inflated. */
	readonly bytes: (kind: string) => Uint8Array;
	/** The text form, where there is one. */
	readonly text: (kind: string) => Uint8Array | undefined;
}

/** Undefined, and the test is skipped, where Go or this toolchain cannot be had. */
export function goProfiles(t: TestContext, toolchain: string): GoProfiles | undefined {
	if (run("go", ["version"], "local") === undefined) {
		assert.notEqual(process.env.CI, "true", "missing tool: go");
		t.skip("missing tool: go");
		return undefined;
	}
	if (run("go", ["version"], toolchain)?.status !== 0) {
		t.skip(`not possible here: no toolchain ${toolchain}`);
		return undefined;
	}
	const folder = mkdtempSync(join(tmpdir(), "plumbline-profiles-"));
	t.after(() => rmSync(folder, { recursive: true }));
	const program = join(folder, "program");
	const old = toolchain.startsWith("go1.19.") ? ["-modfile=go.old.mod"] : [];
	const build = run("go", ["build", "-trimpath", ...old, "-o", program, "./cmd/profiles"], toolchain);
	assert.equal(build?.status, 0, String(build?.stderr));
	const made = run(program, ["-out", folder], toolchain);
	assert.equal(made?.status, 0, String(made?.stderr));
	const names = readdirSync(folder);
	const kinds = names.filter((name) => name.endsWith(".pb.gz")).map((name) => name.slice(0, -6));
	const path = (name: string) => join(folder, name);
	return {
		paths: new Map(kinds.sort().map((kind) => [kind, path(`${kind}.pb.gz`)])),
		bytes: (kind) => gunzipSync(readFileSync(path(`${kind}.pb.gz`))),
		text: (kind) => {
			const name = `${kind}.debug1.txt`;
			return names.includes(name) ? readFileSync(path(name)) : undefined;
		},
	};
}

/** What `go tool pprof` prints, with a home of its own. */
export function goToolPprof(...args: string[]): string {
	const answer = run("go", ["tool", "pprof", ...args], "local");
	assert.equal(answer?.status, 0, String(answer?.stderr));
	return String(answer?.stdout);
}

function run(command: string, args: readonly string[], toolchain: string) {
	const answer = spawnSync(command, args, {
		cwd: LAB,
		env: { ...process.env, GOTOOLCHAIN: toolchain, GOFLAGS: "-buildvcs=false", PPROF_TMPDIR: tmpdir() },
		timeout: COMMAND_MS_MAX,
		maxBuffer: OUTPUT_BYTES_MAX,
	});
	return answer.error === undefined ? answer : undefined;
}
