/** Runs the real launcher as a user would, and gives what came out. */
import { spawn } from "node:child_process";
import { join } from "node:path";

const LAUNCHER = join(import.meta.dirname, "..", "..", "bin", "plumbline");
/** A command that takes longer hangs. */
const RUN_MS_MAX = 60_000;

export interface Run {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

export interface RunOptions {
	readonly cwd?: string;
	readonly env?: Readonly<Record<string, string>>;
	/** Ctrl-C is pressed when this settles. */
	readonly interrupt?: Promise<unknown>;
	/** Ctrl-C is pressed when this was said on stderr. */
	readonly interruptAfter?: string;
	/** Called with all that was said on stderr, whenever more is. */
	readonly onStderr?: (stderr: string) => void;
}

export async function runPlumbline(args: readonly string[], options: RunOptions = {}): Promise<Run> {
	const child = spawn(LAUNCHER, args, {
		cwd: options.cwd,
		env: { ...process.env, NO_COLOR: "1", PLUMBLINE_DB: "", ...options.env },
		stdio: ["ignore", "pipe", "pipe"],
	});
	const timer = setTimeout(() => child.kill("SIGKILL"), RUN_MS_MAX);
	let stdout = "";
	let stderr = "";
	let pressed = false;
	void options.interrupt?.then(() => child.kill("SIGINT"));
	child.stdout.setEncoding("utf8").on("data", (text: string) => {
		stdout += text;
	});
	child.stderr.setEncoding("utf8").on("data", (text: string) => {
		stderr += text;
		options.onStderr?.(stderr);
		const cue = options.interruptAfter;
		if (cue !== undefined && !pressed && stderr.includes(cue)) pressed = child.kill("SIGINT");
	});
	const code = await new Promise<number | null>((resolve) => {
		// As a shell tells it of a process that Ctrl-C ended at once.
		child.on("close", (exit, signal) => resolve(signal === "SIGINT" ? 130 : exit));
	});
	clearTimeout(timer);
	return { code, stdout, stderr };
}

/** What no user may ever see: the inside of this program. */
export const STACK_TRACE = /^\s+at .*:\d+:\d+\)?$|node:internal|PLUMBLINE_DEBUG/m;
