/** Builds and runs fixtures/go-traced: a program that traces itself and tells what it did. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";

const run = promisify(execFile);
const FOLDER: string = join(import.meta.dirname, "..", "..", "fixtures", "go-traced");
const SOURCE = readFileSync(join(FOLDER, "main.go"), "utf8");
/** A first build fetches a toolchain and compiles the standard library. */
const BUILD_MS_MAX = 300_000;
const RUN_MS_MAX = 30_000;
const OUTPUT_BYTES_MAX = 256 << 20;

export interface TracedRun {
	readonly path: string;
	readonly bytes: Uint8Array;
	readonly goVersion: string;
	/** Goroutines by the name under which they noted themselves. */
	readonly ids: Readonly<Record<string, readonly number[]>>;
}

/** Undefined, and the test skipped, where Go or this toolchain cannot be had. */
export async function runTraced(t: TestContext, toolchain?: string): Promise<TracedRun | undefined> {
	const folder = mkdtempSync(join(tmpdir(), "go-traced-"));
	t.after(() => rmSync(folder, { recursive: true }));
	const env = { ...process.env, CGO_ENABLED: "0", ...(toolchain ? { GOTOOLCHAIN: toolchain } : {}) };
	const program = join(folder, "traced");
	const go = (...args: string[]) => run("go", args, { cwd: FOLDER, env, timeout: BUILD_MS_MAX });
	try {
		await go("version");
	} catch (error) {
		const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
		t.skip(isMissing ? "missing tool: go" : `not possible here: toolchain ${toolchain} cannot be had`);
		return undefined;
	}
	await go("build", "-buildvcs=false", "-o", program, ".");
	const path = join(folder, "trace");
	const { stdout } = await run(program, [path], { timeout: RUN_MS_MAX });
	return { path, bytes: readFileSync(path), ...(JSON.parse(stdout) as Pick<TracedRun, "goVersion" | "ids">) };
}

/** `main.go:99` of the line that ends with this comment. */
export function lineOf(marker: string): number {
	const at = SOURCE.split("\n").findIndex((line) => line.endsWith(`// ${marker}`));
	if (at < 0) throw new RangeError(`no line of main.go is marked ${marker}`);
	return at + 1;
}

/** What the installed `go tool trace` makes of a trace, event by event. */
export async function parsedByGo(path: string): Promise<string> {
	const { stdout } = await run("go", ["tool", "trace", "-d=parsed", path], { maxBuffer: OUTPUT_BYTES_MAX });
	return stdout;
}
