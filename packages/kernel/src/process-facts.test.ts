/** Read of this very process, with what Node knows about itself as the witness. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { placeOfNetworkNamespace } from "./network-namespace.ts";
import { readNetworkSysctls } from "./network-sysctls.ts";
import {
	countFds,
	readCommandLine,
	readFdLimit,
	readProcessUse,
	readScheduling,
	readStatus,
} from "./process-facts.ts";
import { readProcessStat, whyGone } from "./process-stat.ts";
import type { Reading } from "./reading.ts";
import { readSocketFds } from "./socket-fds.ts";

function taken<T>(reading: Reading<T>): T {
	assert.ok(reading.kind === "read", reading.kind === "refused" ? reading.why : "");
	return reading.value;
}

test("status, limits, command line and namespace of this process", async () => {
	const status = taken(readStatus(process.pid));
	assert.equal(status.uid, process.geteuid?.());
	assert.ok((status.residentBytes ?? 0) > 1 << 20);
	assert.ok(taken(readFdLimit(process.pid)) >= 256);
	assert.ok(taken(readCommandLine(process.pid)).startsWith(process.argv0));
	assert.equal(taken(placeOfNetworkNamespace(process.pid)), "ours");
	const { ephemeralPorts } = taken(await readNetworkSysctls());
	assert.ok(ephemeralPorts.first < ephemeralPorts.last && ephemeralPorts.last <= 65535);
});

test("CPU, threads and age of this process, as Node knows them", () => {
	const before = process.cpuUsage();
	const { cpuMs, threads, ageMs } = taken(readProcessUse(process.pid));
	// The kernel counts in ticks of 10 ms, user and system apart.
	assert.ok(cpuMs >= (before.user + before.system) / 1000 - 20, String(cpuMs));
	assert.ok(threads >= 2, String(threads));
	assert.ok(ageMs !== undefined && ageMs > 0 && ageMs <= process.uptime() * 1000 + 1000, String(ageMs));
});

test("a container's own uptime tells no age: the start is by the host's", (t) => {
	const proc = mkdtempSync(join(tmpdir(), "plumbline-proc-"));
	t.after(() => rmSync(proc, { recursive: true }));
	mkdirSync(join(proc, "7"));
	const fields = ["S", ...Array.from({ length: 49 }, (_, i) => (i + 4 === 22 ? 9_000_000 : 13))];
	writeFileSync(join(proc, "7", "stat"), `7 (odd) name) ${fields.join(" ")}\n`);
	writeFileSync(join(proc, "uptime"), "120.50 200.00\n");
	assert.deepEqual(taken(readProcessUse(7, proc)), { cpuMs: 260, threads: 13 });
	writeFileSync(join(proc, "uptime"), "90001.00 200.00\n");
	assert.equal(taken(readProcessUse(7, proc)).ageMs, 1_000);
});

test("how long the threads of this process ran and waited, by the scheduler's own count", () => {
	const { cpuMs } = taken(readProcessUse(process.pid));
	const { runMs, runDelayMs } = taken(readScheduling(process.pid));
	// Threads that have ended are in the first only; ticks are 10 ms, user and system apart.
	assert.ok(runMs > 0 && runMs <= cpuMs + 1000, `${runMs} of ${cpuMs}`);
	assert.ok(runDelayMs >= 0);
	assert.equal(readScheduling(2 ** 22 + 1).kind, "refused");
});

test("the descriptor count rises with descriptors", () => {
	const before = taken(countFds(process.pid));
	for (let i = 0; i < 13; i++) openSync("/dev/null", "r");
	assert.equal(taken(countFds(process.pid)), before + 13);
});

test("socket descriptors are found, files are not", async () => {
	const before = taken(await readSocketFds(process.pid)).inodes.size;
	const servers = Array.from({ length: 7 }, () => createServer().listen(0, "127.0.0.1"));
	await Promise.all(servers.map((server) => once(server, "listening")));
	const fds = taken(await readSocketFds(process.pid));
	assert.equal(fds.inodes.size, before + 7);
	assert.match(fds.lines, new RegExp(`^(${process.pid}\\t\\d+\\t\\d+\\n)+$`));
	for (const server of servers) server.close();
});

test("a process that never was, one that has exited, one that exits in between", async (t) => {
	assert.deepEqual(readProcessStat(2 ** 22 + 1), {
		kind: "refused",
		code: "absent",
		why: "no process 4194305 on this host",
	});
	const child = spawn("cat", { stdio: ["pipe", "ignore", "inherit"] });
	t.after(() => child.kill());
	await once(child, "spawn");
	const first = taken(readProcessStat(child.pid ?? 0));
	assert.equal(whyGone(first), undefined);
	assert.match(whyGone({ ...first, startTicks: first.startTicks - 1 }) ?? "", /its pid now belongs to "cat"/);
	child.stdin.end();
	await once(child, "exit");
	assert.equal(whyGone(first), `process ${child.pid} (cat) exited while it was examined`);
	assert.equal((await readSocketFds(child.pid ?? 0)).kind, "refused");
});

test("a zombie is told as such", async (t) => {
	const parent = spawn("sh", ["-c", "sleep 0 & echo $!; exec cat"], { stdio: ["pipe", "pipe", "inherit"] });
	t.after(() => parent.kill());
	const [line] = await once(parent.stdout, "data");
	const zombie = Number(String(line));
	// cat never waits for its inherited child: it stays a zombie as long as cat lives.
	let reading = readProcessStat(zombie);
	while (reading.kind === "read") {
		await new Promise((resolve) => setImmediate(resolve));
		reading = readProcessStat(zombie);
	}
	assert.match(reading.why, /has exited; only its entry is left/);
	parent.stdin.end();
	await once(parent, "exit");
});

test("names with blanks and parentheses do not shift the fields", async (t) => {
	const child = spawn("sh", ["-c", "printf 'a) S (b' > /proc/self/comm; echo; read x"], {
		stdio: ["pipe", "pipe", "inherit"],
	});
	t.after(() => child.kill());
	await once(child.stdout, "data");
	const stat = taken(readProcessStat(child.pid ?? 0));
	assert.equal(stat.comm, "a) S (b");
	assert.ok(stat.startTicks > 0);
	child.stdin.end();
	await once(child, "exit");
});
