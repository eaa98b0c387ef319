/** Builds a Go program for a test, in a temporary folder that the test removes. */
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { ReadAt } from "@plumbline/signals/find-buildinfo";

const BUILD_MS_MAX = 300_000;
const OUTPUT_BYTES_MAX = 512 << 20;
const SYMBOLS_PROGRAM: string = join(import.meta.dirname, "..", "..", "fixtures", "go-symbols");
export const INLINED_PROGRAM = join(import.meta.dirname, "..", "..", "fixtures", "go-inlined");

export interface GoProgram {
	readonly path: string;
	readonly readAt: ReadAt;
}

/** Undefined, and the test skipped, where Go or a C compiler is missing. */
export function buildGoProgram(
	t: TestContext,
	args: readonly string[] = [],
	env: Readonly<Record<string, string>> = {},
	source = SYMBOLS_PROGRAM,
): GoProgram | undefined {
	for (const tool of env.CGO_ENABLED === "1" ? ["go", "gcc"] : ["go"]) {
		if (spawnSync(tool, ["--version"]).error === undefined) continue;
		t.skip(`missing tool: ${tool}`);
		return undefined;
	}
	const folder = mkdtempSync(join(tmpdir(), "go-symbols-"));
	t.after(() => rmSync(folder, { recursive: true }));
	const path = join(folder, "program");
	const built = spawnSync("go", ["build", "-buildvcs=false", "-o", path, ...args, "."], {
		cwd: source,
		env: { ...process.env, CGO_ENABLED: "0", ...env },
		timeout: BUILD_MS_MAX,
		encoding: "utf8",
	});
	if (built.status !== 0) throw new Error(`go build: ${built.stderr}`);
	return openProgram(t, path);
}

export function openProgram(t: TestContext, path: string): GoProgram {
	const fd = openSync(path, "r");
	t.after(() => closeSync(fd));
	return {
		path,
		readAt(offset, length) {
			const bytes = Buffer.allocUnsafe(length);
			return bytes.subarray(0, readSync(fd, bytes, 0, length, offset));
		},
	};
}

/** What a command writes; a failure of it is the test's. */
export function outputOf(command: string, args: readonly string[], input = ""): string {
	const ran = spawnSync(command, args, { input, encoding: "utf8", maxBuffer: OUTPUT_BYTES_MAX });
	if (ran.error !== undefined) throw ran.error;
	if (ran.status !== 0) throw new Error(`${command} ${args.join(" ")}: ${ran.stderr}`);
	return ran.stdout;
}
