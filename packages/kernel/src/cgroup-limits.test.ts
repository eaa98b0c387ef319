/** Fixture trees of both versions, since no test machine has both; mounts stand in unusual places. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { cgroupFolders } from "./cgroup-folders.ts";
import { readCpuLimit, readMemoryLimit } from "./cgroup-limits.ts";

const PID = 4711;
const v1 = fileURLToPath(new URL("../fixtures/cgroup-v1", import.meta.url));
const v2 = fileURLToPath(new URL("../fixtures/cgroup-v2", import.meta.url));

test("version 2: the memory limit of a parent, the CPU limit of its own group", () => {
	assert.deepEqual(readMemoryLimit(PID, v2), { kind: "read", value: 512 * 1024 * 1024 });
	assert.deepEqual(readCpuLimit(PID, v2), { kind: "read", value: 1.5 });
});

test("version 1: numbers that mean no limit are none, the mount shows a part of the tree", () => {
	assert.deepEqual(readMemoryLimit(PID, v1), { kind: "read", value: 256 * 1024 * 1024 });
	assert.deepEqual(readCpuLimit(PID, v1), { kind: "read", value: 0.5 });
	const folders = cgroupFolders(PID, "memory", v1);
	assert.ok(folders.kind === "read");
	assert.deepEqual(
		folders.value.folders.map((folder) => folder.slice(v1.length)),
		["/sys/fs/cgroup/memory/ab12/inner", "/sys/fs/cgroup/memory/ab12", "/sys/fs/cgroup/memory"],
	);
});

test("a mount point with a blank in its name", () => {
	const folders = cgroupFolders(PID, "io", v1);
	assert.deepEqual(folders, {
		kind: "read",
		value: { version: 2, folders: [`${v1}/sys/fs/cgroup/with blank`] },
	});
});

test("no such process is an answer", () => {
	const reading = readMemoryLimit(1, v2);
	assert.ok(reading.kind === "refused");
	assert.equal(reading.code, "absent");
});

test("on this machine a limit is positive, absent, or refused in words", () => {
	for (const reading of [readMemoryLimit(process.pid), readCpuLimit(process.pid)]) {
		if (reading.kind === "read") assert.ok(reading.value === undefined || reading.value > 0);
		else assert.notEqual(reading.why, "");
	}
});
