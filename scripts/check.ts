/**
 * `npm run check`: everything about the house that a machine can judge. Each step runs to its end, so
 * one run names every fault. `npm run check -- types links` runs only those steps; `npm run check -- fuzz` is the
 * one that takes long: a million damaged inputs for every decoder.
 */
import { availableParallelism } from "node:os";
import { type CommandEnd, runCommand } from "./command.ts";

const STEP_TIME_MS_MAX = 300_000;
const LONG_STEP_TIME_MS_MAX = 3 * 3_600_000;

interface Step {
	readonly name: string;
	/** What a failure means. */
	readonly about: string;
	readonly program: string;
	readonly args: readonly string[];
	/** Runs only when asked for by name. */
	readonly long?: true;
}

const STEPS: readonly Step[] = [
	{ name: "types", about: "types", program: "tsc", args: ["-p", "tsconfig.json"] },
	{ name: "pure", about: "types of the pure rooms", program: "tsc", args: ["-p", "tsconfig.pure.json"] },
	{
		name: "lint",
		about: "lint and format",
		program: "biome",
		args: ["check", "--error-on-warnings", "--max-diagnostics=60"],
	},
	{
		name: "arrows",
		about: "import direction, cycles, dead files",
		program: "depcruise",
		args: ["--config", ".dependency-cruiser.mjs", "packages", "lab/src", "bench", "scripts"],
	},
	{
		name: "dead",
		about: "dead exports and dependencies",
		program: "knip",
		args: ["--no-progress", "--no-config-hints"],
	},
	{ name: "links", about: "links and commands in docs", program: "node", args: ["scripts/check-links.ts"] },
	{ name: "twins", about: "duplicated logic", program: "node", args: ["scripts/check-duplicates.ts"] },
	{ name: "house", about: "house rules", program: "node", args: ["scripts/check-house.ts"] },
	{
		name: "fuzz",
		about: "a million damaged inputs for every decoder",
		program: "node",
		args: ["packages/capture/src/testing/fuzz/main.ts"],
		long: true,
	},
	{
		name: "fuzz-resolver",
		about: "a million hostile packets, answers and files for each part of the resolver",
		program: "node",
		args: ["packages/resolver/src/testing/fuzz/main.ts"],
		long: true,
	},
];

function verdict(end: CommandEnd): string | undefined {
	if (end.kind === "failed") return end.why;
	return end.exitCode === 0 ? undefined : `exit ${end.exitCode}`;
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !STEPS.some((step) => step.name === name));
if (unknown.length > 0) {
	process.stderr.write(
		`no such step: ${unknown.join(", ")}; there are ${STEPS.map((s) => s.name).join(", ")}\n`,
	);
	process.exit(2);
}
const waiting = STEPS.filter(({ name, long }) => (asked.length === 0 ? !long : asked.includes(name)));
const failed: string[] = [];

/** Takes the next waiting step until none is left; several of these run side by side. */
async function work(): Promise<void> {
	for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
		const end = await runCommand({
			...step,
			timeMsMax: step.long ? LONG_STEP_TIME_MS_MAX : STEP_TIME_MS_MAX,
		});
		const why = verdict(end);
		const seconds = (end.tookMs / 1000).toFixed(1).padStart(5);
		process.stdout.write(
			`${why === undefined ? "ok  " : "FAIL"} ${seconds} s  ${step.name.padEnd(7)}${step.about}\n`,
		);
		if (why === undefined) continue;
		failed.push(step.name);
		process.stdout.write(`${end.output.trimEnd()}\n(${step.name}: ${why})\n`);
	}
}

await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
process.stdout.write(failed.length === 0 ? "check: all good\n" : `check: failed: ${failed.join(", ")}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
