/** However `plumbline` is ended while it watches who borrows, the program it watched has its own code back and goes on. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { kernelIsAtLeast } from "@plumbline/kernel/bpf-system-call";
import { tellHowManyRan } from "@plumbline/kernel/testing/bpf-live";
import { watchCode } from "@plumbline/kernel/testing/ledger-code";
import { startProgram, until } from "@plumbline/kernel/testing/ledger-live";

const LAUNCHER = join(import.meta.dirname, "..", "bin", "plumbline");
const LEDGER = ["ledger", "--for", "10m"];
const DIAGNOSE = ["diagnose", "--window", "60s"];

for (const [what, args, signal, code] of [
	["ledger, Ctrl-C", LEDGER, "SIGINT", 130],
	["ledger, SIGTERM", LEDGER, "SIGTERM", 130],
	["ledger, its terminal gone", LEDGER, "SIGHUP", 130],
	["ledger, SIGKILL", LEDGER, "SIGKILL", null],
	["diagnose, Ctrl-C", DIAGNOSE, "SIGINT", 130],
	["diagnose, SIGTERM", DIAGNOSE, "SIGTERM", 130],
	["diagnose, SIGKILL", DIAGNOSE, "SIGKILL", null],
] as const) {
	test(`${what}: no probe stays, and no borrow fails`, async (t) => {
		if (!kernelIsAtLeast(6, 10)) return t.skip("not possible here: uprobe_multi as of 6.10");
		const target = await startProgram(t, { args: ["-seconds", "8", "-workers", "8", "-rate", "500"] });
		if (target === undefined) return;
		const watched = watchCode(target.pid);
		t.after(() => watched.close());
		target.go();
		const child = spawn(LAUNCHER, [...args, "--pid", String(target.pid)], {
			env: { ...process.env, NO_COLOR: "1", PLUMBLINE_DB: "" },
			stdio: ["ignore", "pipe", "inherit"],
		});
		child.stdout.resume();
		t.after(() => child.kill("SIGKILL"));
		const exited = once(child, "exit");
		await until("all probes are in", () => {
			return watched.changed().length === watched.probed("fast").length || undefined;
		});
		child.kill(signal);
		const [ended] = await exited;
		assert.equal(ended, code);
		await until("all are out again", () => watched.changed().length === 0 || undefined);
		const { errors, borrows } = await target.result;
		assert.equal(errors, 0);
		assert.ok(borrows > 2000, `${borrows} of about 4000`);
	});
}

tellHowManyRan();
