/** What the ledger cannot watch, and what it may not: each refused in one clear line, and nothing left behind. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { kernelIsAtLeast } from "./bpf-system-call.ts";
import { openLedger } from "./ledger-session.ts";
import { liveBpf, tellHowManyRan } from "./testing/bpf-live.ts";
import { attachFromChild } from "./testing/ledger-attacher.ts";
import { refusalOf, startProgram, until } from "./testing/ledger-live.ts";
import { buildUprobeTarget } from "./testing/uprobe-target.ts";

test("a program that is not Go's", async (t) => {
	if ((await liveBpf(t)) === undefined) return;
	const child = started(t, "sleep", "1000");
	assert.match(
		await refusalOf(child),
		new RegExp(`^unsupported: process ${child} is not a Go program the ledger can read: `),
	);
	assert.match(await refusalOf(process.pid), /is not a Go program the ledger can read: /, "nor is Node");
});

test("a Go program without any of the pools", async (t) => {
	if ((await liveBpf(t)) === undefined) return;
	const binary = buildUprobeTarget();
	if (binary === undefined) return t.skip("missing tool: go");
	t.after(() => binary.remove());
	const target = await binary.start();
	const pools = "database/sql, pgxpool v4, pgxpool v5, net/http";
	assert.equal(
		await refusalOf(target.pid),
		`absent: the program uses none of the pools the ledger knows (${pools})`,
	);
	assert.equal(await target.end(), 0);
});

test("a process that has ended, or never was", async (t) => {
	if ((await liveBpf(t)) === undefined) return;
	const { pid } = spawnSync("true");
	assert.equal(await refusalOf(pid), `absent: no process ${pid} on this host`);
	assert.equal(await refusalOf(2 ** 22 + 1), "absent: no process 4194305 on this host");
});

test("a process that has ended and nobody has asked after", async (t) => {
	if ((await liveBpf(t)) === undefined) return;
	const parent = started(t, "sh", "-c", "true & exec sleep 1000");
	const zombie = await until("its child is a zombie", () => {
		const children = readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").trim();
		return children !== "" && stateOf(Number(children)) === "Z" ? Number(children) : undefined;
	});
	assert.match(
		await refusalOf(zombie),
		new RegExp(`^gone: process ${zombie} \\(.*\\) has exited; .*\\(zombie\\)$`),
	);
});

test("a kernel thread", async (t) => {
	if ((await liveBpf(t)) === undefined) return;
	const thread = readdirSync("/proc").find((entry) => /^\d+$/.test(entry) && isKernelThread(Number(entry)));
	if (thread === undefined) return t.skip("not possible here: no kernel thread in this pid namespace");
	assert.match(
		await refusalOf(Number(thread)),
		new RegExp(`^unsupported: process ${thread} \\(.*\\) is a kernel thread: it runs no program$`),
	);
});

test("an abort while attaching rejects, and leaves nothing open", async (t) => {
	const program = await startProgram(t, { args: ["-borrows", "10"] });
	if (program === undefined) return;
	const before = descriptors();
	for (let turns = 0; turns < 5; turns++) {
		const stop = new AbortController();
		const opening = openLedger({ pid: program.pid, signal: stop.signal });
		setImmediate(() => stop.abort());
		await assert.rejects(opening, { name: "AbortError" });
	}
	assert.deepEqual(descriptors(), before);
	program.go();
	assert.equal((await program.result).errors, 0);
});

const NOBODY = ["--reuid=65534", "--regid=65534", "--clear-groups"];

const ALL = ["-bpf", "-perfmon", "-sys_admin"];
const NAMED = "missing: (.*) \\(run as root, or see plumbline doctor\\)$";

/** Rights that are dropped, and what is then named as missing: nothing where another right holds them. */
for (const [what, drop, route, missing] of [
	["those of nobody", NOBODY, "auto", "CAP_BPF and CAP_PERFMON and CAP_SYS_PTRACE"],
	["all but BPF and SYS_ADMIN, which holds it", bounded("-bpf", "-sys_admin"), "auto", "CAP_BPF"],
	["all but PERFMON and SYS_ADMIN, which holds it", bounded("-perfmon", "-sys_admin"), "auto", "CAP_PERFMON"],
	["all but these three", bounded(...ALL), "auto", "CAP_BPF and CAP_PERFMON"],
	["all but SYS_PTRACE", bounded("-sys_ptrace"), "auto", "CAP_SYS_PTRACE"],
	["all but BPF and PERFMON, which SYS_ADMIN holds", bounded("-bpf", "-perfmon"), "auto", undefined],
	["all but SYS_ADMIN", bounded("-sys_admin"), "multi", undefined],
	["all but SYS_ADMIN, by perf events", bounded("-sys_admin"), "perf", "CAP_SYS_ADMIN"],
] as const) {
	const outcome = missing === undefined ? "is enough" : `lacks ${missing}`;
	test(`rights, ${what}: ${outcome}`, async (t) => {
		if (process.geteuid?.() !== 0) return t.skip("not possible here: not root, so no right to drop");
		if (route === "multi" && !kernelIsAtLeast(6, 10))
			return t.skip("not possible here: uprobe_multi as of 6.10");
		const program = await startProgram(t, { args: ["-borrows", "1009"] });
		if (program === undefined) return;
		const under = ["setpriv", "--inh-caps=-all", ...drop];
		const child = await attachFromChild(program.pid, { route, under });
		t.after(() => child.kill());
		if (missing === undefined) assert.equal(child.said, "attached");
		else assert.equal(new RegExp(`^denied: .*; ${NAMED}`).exec(child.said)?.[1], missing, child.said);
		program.go();
		assert.equal((await program.result).errors, 0);
	});
}

/** Rights that the program started with them has at most, root or not. */
function bounded(...dropped: readonly string[]): readonly string[] {
	return [`--bounding-set=${dropped.join(",")}`];
}

function started(t: TestContext, command: string, ...args: readonly string[]): number {
	const child = spawn(command, args, { stdio: "ignore" });
	t.after(async () => {
		const exited = once(child, "exit");
		child.kill("SIGKILL");
		await exited;
	});
	return child.pid ?? 0;
}

function stateOf(pid: number): string | undefined {
	return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
}

/** One has neither an executable nor a command line. */
function isKernelThread(pid: number): boolean {
	try {
		if (readFileSync(`/proc/${pid}/cmdline`).length > 0 || stateOf(pid) === "Z") return false;
		readlinkSync(`/proc/${pid}/exe`);
		return false;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "ENOENT";
	}
}

/** What this process has open. */
function descriptors(): string[] {
	return readdirSync("/proc/self/fd").flatMap((fd) => {
		try {
			return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`];
		} catch {
			// The one that lists them.
			return [];
		}
	});
}

tellHowManyRan();
