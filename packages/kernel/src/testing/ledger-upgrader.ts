/** For tests: fixtures/ledger-exec, a Go service that becomes another program under its own pid. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { liveBpf } from "./bpf-live.ts";
import { buildGoProgram } from "./go-program.ts";

const FIXTURES = join(import.meta.dirname, "..", "..", "fixtures");

export interface Upgrader {
	readonly pid: number;
	/** Says `leak` or `borrow`, and resolves when it is done. */
	readonly ask: (command: "leak" | "borrow") => Promise<void>;
	/** Resolves when the new program runs: its own file again, or one whose code lies elsewhere. */
	readonly exec: (what: "the same file" | "another program") => Promise<void>;
}

/** Undefined after it has skipped the test; it ends with the test. */
export async function startUpgrader(t: TestContext): Promise<Upgrader | undefined> {
	if ((await liveBpf(t)) === undefined) return undefined;
	const own = buildGoProgram(t, [], {}, join(FIXTURES, "ledger-exec"));
	const other = buildGoProgram(t, [], {}, join(FIXTURES, "ledger-stress"));
	if (own === undefined || other === undefined) return undefined;
	const child = spawn(own.path, { stdio: ["pipe", "pipe", "inherit"] });
	const exited = once(child, "exit");
	t.after(async () => {
		child.kill("SIGKILL");
		await exited;
	});
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const expectLine = async (wanted: string) => assert.equal((await lines.next()).value, wanted);
	await expectLine("ready");
	return {
		pid: child.pid ?? 0,
		async ask(command) {
			child.stdin.write(`${command}\n`);
			await expectLine(`done ${command}`);
		},
		async exec(what) {
			child.stdin.write(`exec ${what === "the same file" ? own.path : other.path}\n`);
			await expectLine("ready");
		},
	};
}
