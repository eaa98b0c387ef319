/** The process around the commands: streams, Ctrl-C, exit code. */
import { proposeCompletions, run } from "@stricli/core";
import { buildApp, commandsBeside } from "./app.ts";
import type { CliContext } from "./context.ts";
import { describeError, EXIT_INTERRUPTED, EXIT_UNEXAMINED, EXIT_USAGE, exitCodeOf } from "./exit-code.ts";
import { progressOn } from "./progress.ts";

/** How long cleaning up after Ctrl-C may take before the process ends anyway. */
const CLEANUP_MS_MAX = 10_000;
const COLUMNS_DEFAULT = 80;
const COLUMNS_MAX = 120;

const progress = progressOn(process.stderr, process.env.TERM);
const stop = new AbortController();
const app = buildApp({ describe, exitCodeOf });
const STOPS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
for (const name of STOPS) process.on(name, interrupted);
// What fails to be written is told by end(); unheard, the event would end the process with a stack trace.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);

const context: CliContext = {
	process: { stdout: process.stdout, stderr: process.stderr, env: process.env },
	signal: stop.signal,
	endsAtOnce,
	progress,
	page: {
		columns: Math.min(process.stdout.columns ?? COLUMNS_DEFAULT, COLUMNS_MAX),
		color: process.stdout.isTTY === true && !process.env.NO_COLOR && process.stdout.getColorDepth() > 1,
	},
};
const [first, ...rest] = process.argv.slice(2);
if (first === "__complete") await complete(rest);
else if (first === "--version" || first === "-v") await run(app, ["version"], context);
else await run(app, process.argv.slice(2), context);
progress.done();
end(stop.signal.aborted ? EXIT_INTERRUPTED : promised(context.process.exitCode));

/** For the scripts of `plumbline completion`: what could come next, one a line, a tab before its meaning. */
async function complete(words: readonly string[]): Promise<void> {
	const proposals = [...commandsBeside(words), ...(await proposeCompletions(app, words, context))];
	const lines = proposals.map(({ completion, brief }) => `${completion}\t${brief}\n`);
	process.stdout.write(lines.join(""));
}

/** stricli's own codes are negative: a command or flag it does not know, or a failure to load one. */
function promised(code: unknown): number {
	const number = Number(code ?? 0);
	if (number === -4 || number === -5) return EXIT_USAGE;
	return number < 0 ? EXIT_UNEXAMINED : number;
}

async function endsAtOnce<T>(work: () => Promise<T>): Promise<T> {
	for (const name of STOPS) process.off(name, interrupted);
	try {
		return await work();
	} finally {
		for (const name of STOPS) process.on(name, interrupted);
	}
}

function interrupted(): void {
	if (stop.signal.aborted) process.exit(EXIT_INTERRUPTED);
	progress.step("stopping; again to stop at once");
	stop.abort();
	setTimeout(() => process.exit(EXIT_INTERRUPTED), CLEANUP_MS_MAX).unref();
}

function fail(error: unknown): void {
	progress.done();
	process.stderr.write(`${describe(error)}\n`);
	end(stop.signal.aborted ? EXIT_INTERRUPTED : exitCodeOf(error));
}

/** After Ctrl-C things fail because they were stopped: that is all there is to say. */
function describe(error: unknown): string {
	progress.done();
	if (stop.signal.aborted) return "interrupted";
	return describeError(error, process.env.PLUMBLINE_DEBUG === "1");
}

/** Ends even if an abandoned connection still hangs, but not before stdout has been handed over. */
function end(code: number): void {
	process.exitCode = code;
	process.stdout.write("", () => {
		const error: NodeJS.ErrnoException | null = process.stdout.errored;
		// A reader that went away (`| head`) is no error; what it did not want is not written.
		if (error === null || error.code === "EPIPE") process.exit(code);
		process.stderr.write(`plumbline: the result cannot be written: ${error.message}\n`);
		process.exit(EXIT_UNEXAMINED);
	});
}
