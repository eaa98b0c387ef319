import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { holdSockets } from "@plumbline/kernel/testing/socket-holder";
import type { ProcessFacts } from "@plumbline/signals/process";
import { decodeProcess } from "@plumbline/signals/process-json";
import { collectGoBinary } from "./go-binary.ts";
import { collectProcess } from "./process.ts";
import { type Recording, recordingOf } from "./testing/recording.ts";

const NOBODY = 65534;

function collect(pid: number): Promise<Recording> {
	const redact = (text: string) => text.replace("hunter2", "***");
	return recordingOf((recorder) => collectProcess(recorder, { pid, sample: 0, redact }));
}

function factsOf(recording: Recording): ProcessFacts {
	const decoded = decodeProcess(recording.part("process.0.json").bytes);
	assert.ok(decoded.kind === "decoded");
	assert.deepEqual(decoded.flaws, []);
	return decoded.value;
}

test("facts of a process with its limits, command line redacted", async (t) => {
	const limited = ["-c", 'ulimit -n 271; exec cat "$@"', "sh", "-", "/dev/null"];
	const child = spawn("sh", limited, { stdio: ["pipe", "pipe", "ignore"] });
	t.after(() => child.kill());
	child.stdin.write("ready\n");
	await once(child.stdout, "data");
	const recording = await collect(child.pid ?? 0);
	const facts = factsOf(recording);
	assert.equal(facts.pid, child.pid);
	assert.equal(facts.comm, "cat");
	assert.equal(facts.commandLine, "cat - /dev/null");
	assert.equal(facts.fdLimit, 271);
	assert.equal(facts.fdCount, readdirSync(`/proc/${child.pid}/fd`).length);
	assert.equal(facts.uid, process.geteuid?.());
	assert.equal(facts.foreignNetworkNamespace, false);
	assert.ok((facts.startTicks ?? 0) > 0 && (facts.memoryBytes ?? 0) > 0);
	assert.ok((facts.ephemeralPorts?.first ?? 0) < (facts.ephemeralPorts?.last ?? 0));
});

test("no byte of a secret in the command line is kept", async (t) => {
	const child = spawn("sh", ["-c", "echo; read x", "orders", "--password", "hunter2"], { stdio: "pipe" });
	t.after(() => child.kill());
	await once(child.stdout, "data");
	const { bytes } = (await collect(child.pid ?? 0)).part("process.0.json");
	assert.ok(!Buffer.from(bytes).includes("hunter2"));
	assert.ok(Buffer.from(bytes).includes("--password ***"));
});

test("in another network namespace its own settings are read", async (t) => {
	if (process.geteuid?.() !== 0) {
		t.skip("not possible here: not root, so no network namespace of its own");
		return;
	}
	const holder = await holdSockets("own");
	t.after(holder.end);
	const facts = factsOf(await collect(holder.pid));
	assert.equal(facts.foreignNetworkNamespace, true);
	assert.ok(facts.ephemeralPorts !== undefined && facts.tcpTwReuse !== undefined);
});

test("what another user may not see is noted with the missing right, the rest is there", async (t) => {
	if (process.geteuid?.() !== 0) {
		t.skip("not possible here: not root, so no other user to be");
		return;
	}
	const child = spawn("cat", { stdio: ["pipe", "ignore", "inherit"] });
	t.after(() => child.kill());
	await once(child, "spawn");
	process.seteuid?.(NOBODY);
	let recording: Recording;
	let binary: Recording;
	try {
		recording = await collect(child.pid ?? 0);
		binary = await recordingOf((recorder) => collectGoBinary(recorder, { pid: child.pid ?? 0 }));
	} finally {
		process.seteuid?.(0);
	}
	const facts = factsOf(recording);
	assert.equal(facts.uid, 0);
	assert.equal(facts.foreignNetworkNamespace, undefined);
	const [gap, ...more] = recording.gaps.filter((one) => one.why.includes("no right"));
	assert.deepEqual(more, []);
	assert.equal(gap?.weight, "note");
	assert.match(gap?.why ?? "", /no right to read \/proc\/\d+\/ns\/net: it runs as uid 0.*CAP_SYS_PTRACE/);
	assert.equal(binary.gaps[0]?.weight, "loss");
	assert.match(binary.gaps[0]?.why ?? "", /no right to read \/proc\/\d+\/exe: it runs as uid 0/);
});

test("no such process: one clear gap each", async () => {
	const nobody = 2 ** 22 + 1;
	const why = "no process 4194305 on this host";
	assert.deepEqual((await collect(nobody)).gaps, [
		{ line: "process", what: "process facts", why, weight: "loss" },
	]);
	const binary = await recordingOf((recorder) => collectGoBinary(recorder, { pid: nobody }));
	assert.deepEqual(binary.gaps, [{ line: "process", what: "Go build info", why, weight: "loss" }]);
});

test("a program that is not Go is a note, not a loss", async () => {
	const recording = await recordingOf((recorder) => collectGoBinary(recorder, { pid: process.pid }));
	assert.deepEqual(recording.parts, []);
	assert.equal(recording.gaps[0]?.weight, "note");
});

test("that a process is stopped explains why nothing of it answers", async (t) => {
	const child = spawn("sh", ["-c", "kill -STOP $$; echo"], { stdio: "pipe" });
	t.after(() => child.kill("SIGKILL"));
	const pid = child.pid ?? 0;
	let recording = await collect(pid);
	while (recording.gaps.length === 0) recording = await collect(pid);
	assert.match(recording.gaps[0]?.why ?? "", /is stopped .*: kill -CONT \d+$/);
	assert.equal(recording.gaps[0]?.weight, "note");
	child.kill("SIGCONT");
	await once(child.stdout, "data");
});
