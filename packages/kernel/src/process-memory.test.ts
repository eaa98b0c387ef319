/** A pipe through `cat` puts known bytes into another process's memory; they must be found there. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { readMappings } from "./process-maps.ts";
import { openProcessMemory } from "./process-memory.ts";

test("bytes of another process are found where they are, and nothing once it is gone", async (t) => {
	const child = spawn("cat", { stdio: ["pipe", "pipe", "inherit"] });
	t.after(() => child.kill());
	const secret = randomBytes(32);
	child.stdin.write(secret);
	await once(child.stdout, "data");
	const memory = openProcessMemory(child.pid ?? 0);
	assert.ok(memory.kind === "read", memory.kind === "refused" ? memory.why : "");
	const mappings = readMappings(child.pid ?? 0);
	assert.ok(mappings.kind === "read");
	const found = mappings.value
		.filter(({ permissions }) => permissions.startsWith("rw"))
		.map(({ start, end }) => ({ start, bytes: memory.value.read(start, end - start) }))
		.map(({ start, bytes }) => ({ start, at: Buffer.from(bytes ?? []).indexOf(secret) }))
		.find(({ at }) => at >= 0);
	assert.ok(found !== undefined, "nowhere in cat");
	assert.deepEqual(Buffer.from(memory.value.read(found.start + found.at, 32) ?? []), secret);

	for (const [address, length] of [
		[0, 8],
		[8, 8],
		[2 ** 47 - 4096, 8192],
		[2 ** 60, 8],
		[found.start + 0.5, 8],
		[found.start, 2 ** 30],
	] as const) {
		assert.equal(memory.value.read(address, length), undefined, `${length} at ${address}`);
	}
	child.stdin.end();
	await once(child, "exit");
	assert.equal(memory.value.read(found.start + found.at, 32), undefined);
	memory.value.close();
});

test("nobody, and somebody else's", (t) => {
	const nobody = openProcessMemory(2 ** 22 + 1);
	assert.ok(nobody.kind === "refused" && nobody.code === "absent");
	if (process.geteuid?.() === 0) {
		t.skip("not possible here: root may read all memory");
		return;
	}
	const first = openProcessMemory(1);
	assert.ok(first.kind === "refused" && first.code === "denied");
	assert.match(first.why, /CAP_SYS_PTRACE/);
});
