/**
 * For tests: a process that opens a ledger and holds it until it is told to end, or killed.
 * `node ledger-attacher.ts PID MODE ROUTE`; prints `attached`, or the refusal and ends with 1.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { openLedger } from "../ledger-session.ts";

export interface LedgerAttacher {
	/** `attached`, or `denied: why`. */
	readonly said: string;
	/** By SIGKILL; resolves when it is gone. */
	readonly kill: () => Promise<void>;
}

/** `under`: a command that it runs under, such as setpriv with its options. */
export async function attachFromChild(
	pid: number,
	how: { readonly mode?: string; readonly route?: string; readonly under?: readonly string[] } = {},
): Promise<LedgerAttacher> {
	const { mode = "auto", route = "auto", under = [] } = how;
	const itself = [process.execPath, fileURLToPath(import.meta.url), String(pid), mode, route];
	const [command = "", ...args] = [...under, ...itself];
	const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
	const exited = once(child, "exit");
	const kill = async () => {
		child.kill("SIGKILL");
		await exited;
	};
	const said = await Promise.race([
		once(child.stdout, "data").then(([text]) => String(text).trim()),
		exited.then(() => "nothing"),
	]);
	return { said, kill };
}

async function hold([pid, mode, route]: readonly string[]): Promise<void> {
	const opened = await openLedger({
		pid: Number(pid),
		mode: mode === "return" ? mode : "fast",
		route: route === "perf" || route === "multi" ? route : "auto",
		force: true,
	});
	const said = opened.kind === "refused" ? `${opened.code}: ${opened.why}` : "attached";
	process.stdout.write(`${said}\n`);
	if (opened.kind === "refused") process.exitCode = 1;
	// Its parent's end is its own.
	else process.stdin.resume().on("end", () => process.exit(0));
}

if (import.meta.main) await hold(process.argv.slice(2));
