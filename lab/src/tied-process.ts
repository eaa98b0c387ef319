/**
 * Processes tied to this one: they end when it ends, however it ends.
 *
 *   it calls stop()            asked by signal, killed after a grace time
 *   it exits, throws, Ctrl-C   killed from the `exit` event, their scratch folders removed
 *   it is killed (SIGKILL)     the kernel signals them: setpriv --pdeathsig; scratch folders of dead
 *                              owners are swept by the next run
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** An unprivileged identity to drop to. */
export interface Identity {
	readonly uid: number;
	readonly gid: number;
}

export interface TiedOptions {
	readonly identity?: Identity;
	readonly env?: Readonly<Record<string, string>>;
	readonly cwd?: string;
	/** Keeps its standard input open, for `input`. Otherwise it has none. */
	readonly withInput?: true;
	/** Sent by the kernel when this process dies without a word. Default SIGKILL. */
	readonly orphanSignal?: NodeJS.Signals;
	/** Called for each line of its output, both streams. */
	readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
}

interface Ending {
	readonly code: number | null;
	readonly signal: string | null;
}

export interface TiedProcess {
	readonly pid: number;
	/** What is written here it reads; there with `withInput` only. */
	readonly input?: Writable;
	/** Settles when it has ended. */
	readonly ended: Promise<Ending>;
	/** Settles when it has ended and all it wrote has been told. */
	readonly drained: Promise<Ending>;
	/** The last lines it wrote, for error messages. */
	tail(): string;
	/** Ends it; returns when it is gone. One that does not listen to `signal` is killed after `graceMs`. */
	stop(signal?: NodeJS.Signals, graceMs?: number): Promise<void>;
}

const TAIL_LINES_MAX = 20;
const STOP_GRACE_MS_MAX = 5_000;
const SWEEP_FOLDERS_MAX = 100;
const SCRATCH_PREFIX = "plumbline-lab-";

const live = new Set<ChildProcess>();
const scratch = new Set<string>();

/** Starts a process tied to this one. Throws when the program is not there. */
export async function startTied(
	command: string,
	args: readonly string[],
	options: TiedOptions = {},
): Promise<TiedProcess> {
	cleanUpOnExit();
	const [program, argv] = withParentDeathSignal(command, args, options);
	const child = spawn(program, argv, {
		stdio: [options.withInput ? "pipe" : "ignore", "pipe", "pipe"],
		...(options.cwd === undefined ? {} : { cwd: options.cwd }),
		env: { ...process.env, ...options.env },
	});
	await new Promise<void>((resolve, reject) => {
		child.once("spawn", resolve);
		child.once("error", (cause) => reject(new Error(`cannot start ${command}`, { cause })));
	});
	live.add(child);
	const tail: string[] = [];
	for (const name of ["stdout", "stderr"] as const) {
		createInterface({ input: child[name] as Readable }).on("line", (line) => {
			tail.push(line);
			if (tail.length > TAIL_LINES_MAX) tail.shift();
			options.onLine?.(line, name);
		});
	}
	const ended = new Promise<Ending>((resolve) => {
		child.once("exit", (code, signal) => {
			live.delete(child);
			resolve({ code, signal });
		});
	});
	const drained = new Promise<Ending>((resolve) => {
		child.once("close", (code, signal) => resolve({ code, signal }));
	});
	return {
		pid: child.pid as number,
		...(child.stdin ? { input: child.stdin } : {}),
		ended,
		drained,
		tail: () => tail.join("\n"),
		stop: async (signal = "SIGTERM", graceMs = STOP_GRACE_MS_MAX) => {
			if (!live.has(child)) return;
			child.kill(signal);
			const grace = setTimeout(() => child.kill("SIGKILL"), graceMs);
			await ended;
			clearTimeout(grace);
		},
	};
}

/** A folder that is removed when this process ends, whoever owns what is in it. */
export function makeScratchFolder(): string {
	cleanUpOnExit();
	sweepDeadOwners();
	const folder = mkdtempSync(join(tmpdir(), `${SCRATCH_PREFIX}${process.pid}-`));
	scratch.add(folder);
	return folder;
}

export function removeScratchFolder(folder: string): void {
	scratch.delete(folder);
	rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

function withParentDeathSignal(
	command: string,
	args: readonly string[],
	options: TiedOptions,
): [string, readonly string[]] {
	const orphanSignal = (options.orphanSignal ?? "SIGKILL").slice("SIG".length);
	const identity = options.identity;
	const drop = identity ? [`--reuid=${identity.uid}`, `--regid=${identity.gid}`, "--clear-groups"] : [];
	if (hasSetpriv()) return ["setpriv", [...drop, "--pdeathsig", orphanSignal, "--", command, ...args]];
	if (identity) throw new Error("setpriv (package util-linux) is needed to run a database as root's guest");
	return [command, args];
}

let setpriv: boolean | undefined;

/** Without it (not Linux, or a minimal image) a SIGKILL of this process leaves its children behind. */
function hasSetpriv(): boolean {
	setpriv ??= spawnSync("setpriv", ["--pdeathsig", "KILL", "--", "true"]).status === 0;
	return setpriv;
}

let watching = false;

function cleanUpOnExit(): void {
	if (watching) return;
	watching = true;
	process.on("exit", () => {
		for (const child of live) child.kill("SIGKILL");
		for (const folder of scratch) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
	});
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
		const end = () => {
			// Somebody else listens: ending is theirs, and they stop what they started.
			if (process.listenerCount(signal) > 1) return;
			process.exit(signal === "SIGINT" ? 130 : 143);
		};
		process.on(signal, end);
	}
}

function sweepDeadOwners(): void {
	const names = readdirSync(tmpdir()).filter((name) => name.startsWith(SCRATCH_PREFIX));
	for (const name of names.slice(0, SWEEP_FOLDERS_MAX)) {
		const owner = Number(name.slice(SCRATCH_PREFIX.length).split("-")[0]);
		const folder = join(tmpdir(), name);
		if (!Number.isSafeInteger(owner) || isAlive(owner)) continue;
		const { uid } = lstatSync(folder, { throwIfNoEntry: false }) ?? {};
		if (uid === process.getuid?.()) rmSync(folder, { recursive: true, force: true });
	}
}

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "EPERM";
	}
}
