/**
 * `npm test`: brings the tools the tests need, runs every test of the house, and sums up what was skipped
 * and why. `npm test -- FILES or node --test options` narrows it: `npm test -- packages/report/src/text.test.ts`.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "./command.ts";
import { readSkips, summarizeSkips } from "./skips.ts";
import { prepareTools } from "./test-tools.ts";

const TESTS = ["packages/*/src/**/*.test.ts", "lab/src/**/*.test.ts", "scripts/**/*.test.ts"];
/** All tests together. */
const RUN_TIME_MS_MAX = 1_500_000;
/** One test, or one file of tests. */
const TEST_TIME_MS_MAX = 600_000;

const say = (line: string): void => void process.stderr.write(`prepare: ${line}\n`);
const args = process.argv.slice(2);
const options = args.filter((arg) => arg.startsWith("-"));
const files = args.filter((arg) => !arg.startsWith("-"));

const tools = await prepareTools(say);
const scratch = mkdtempSync(join(tmpdir(), "plumbline-test-"));
const skipFile = join(scratch, "skips.jsonl");
try {
	const end = await runCommand({
		program: process.execPath,
		args: [
			"--test",
			`--test-concurrency=${Math.max(2, availableParallelism())}`,
			`--test-timeout=${TEST_TIME_MS_MAX}`,
			"--test-reporter=spec",
			"--test-reporter-destination=stdout",
			"--test-reporter=./scripts/skip-reporter.ts",
			`--test-reporter-destination=${skipFile}`,
			...options,
			...(files.length > 0 ? files : TESTS),
		],
		env: { PATH: tools.path },
		timeMsMax: RUN_TIME_MS_MAX,
		passOutputOn: true,
	});
	const { text, missingTools } = summarizeSkips(readSkips(readFileSync(skipFile, "utf8")));
	process.stdout.write(text);
	if (end.kind === "failed") process.stdout.write(`tests: ${end.why}\n`);
	const lacking = process.env.CI === "true" && tools.couldInstall ? missingTools : 0;
	if (lacking > 0)
		process.stdout.write(`tests: ${lacking} skipped for tools that could have been installed (CI=true)\n`);
	process.exitCode = end.kind === "ended" && end.exitCode === 0 && lacking === 0 ? 0 : 1;
} finally {
	rmSync(scratch, { recursive: true, force: true });
}
