/** Runs one program to its end, within a time and an output bound, and tells what it printed. */
import { spawn } from "node:child_process";

/** Characters of output kept; what comes after is counted only. */
const OUTPUT_CHARS_MAX = 2_000_000;

export interface CommandPlan {
	readonly program: string;
	readonly args: readonly string[];
	readonly cwd?: string;
	readonly env?: Readonly<Record<string, string | undefined>>;
	readonly timeMsMax: number;
	/** Passes output straight on to this process's own instead of keeping it. */
	readonly passOutputOn?: boolean;
}

export type CommandEnd =
	| { readonly kind: "ended"; readonly exitCode: number; readonly output: string; readonly tookMs: number }
	/** Killed by the bound, by a signal, or it could not be started at all. */
	| { readonly kind: "failed"; readonly why: string; readonly output: string; readonly tookMs: number };

export function runCommand(plan: CommandPlan): Promise<CommandEnd> {
	const { program, args, cwd, timeMsMax } = plan;
	const startedMs = performance.now();
	return new Promise((resolve) => {
		const child = spawn(program, args, {
			...(cwd === undefined ? {} : { cwd }),
			env: { ...process.env, ...plan.env },
			stdio: ["ignore", plan.passOutputOn ? "inherit" : "pipe", plan.passOutputOn ? "inherit" : "pipe"],
		});
		let output = "";
		let droppedChars = 0;
		const keep = (chunk: string): void => {
			const room = OUTPUT_CHARS_MAX - output.length;
			output += chunk.slice(0, room);
			droppedChars += Math.max(0, chunk.length - room);
		};
		child.stdout?.setEncoding("utf8").on("data", keep);
		child.stderr?.setEncoding("utf8").on("data", keep);

		let timedOut = false;
		const timer = setTimeout(() => {
			timedOut = true;
			child.kill("SIGTERM");
		}, timeMsMax);
		const facts = () => ({
			output: droppedChars === 0 ? output : `${output}\n(${droppedChars} more characters)`,
			tookMs: performance.now() - startedMs,
		});
		child.on("error", (error) => {
			clearTimeout(timer);
			resolve({ kind: "failed", why: error.message, ...facts() });
		});
		child.on("close", (exitCode, signal) => {
			clearTimeout(timer);
			if (timedOut) resolve({ kind: "failed", why: `stopped after ${timeMsMax / 1000} s`, ...facts() });
			else if (exitCode === null)
				resolve({ kind: "failed", why: `ended by ${signal ?? "a signal"}`, ...facts() });
			else resolve({ kind: "ended", exitCode, ...facts() });
		});
	});
}
