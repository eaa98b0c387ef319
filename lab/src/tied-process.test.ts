/** A process of its own is told to start a long child, and then ended in every way there is. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { makeScratchFolder, removeScratchFolder, startTied } from "./tied-process.ts";

const OWNER = `
import { makeScratchFolder, startTied } from ${JSON.stringify(import.meta.resolve("./tied-process.ts"))};
const child = await startTied("sleep", ["600"]);
console.log(JSON.stringify({ pid: child.pid, folder: makeScratchFolder() }));
setInterval(() => {}, 1000);
process.on("message", (order) => { if (order === "exit") process.exit(3); else throw new Error("planted"); });
`;
const GONE_MS_MAX = 10_000;

async function startOwner(): Promise<{ owner: ChildProcess; pid: number; folder: string }> {
	const args = ["--input-type=module", "--eval", OWNER];
	const owner = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore", "ipc"] });
	if (!owner.stdout) throw new Error("no output");
	for await (const line of createInterface({ input: owner.stdout })) {
		return { owner, ...(JSON.parse(line) as { pid: number; folder: string }) };
	}
	throw new Error("the owner said nothing");
}

for (const [way, end] of Object.entries({
	exits: (owner: ChildProcess) => owner.send("exit"),
	throws: (owner: ChildProcess) => owner.send("throw"),
	"is interrupted": (owner: ChildProcess) => owner.kill("SIGINT"),
	"is terminated": (owner: ChildProcess) => owner.kill("SIGTERM"),
	"is killed": (owner: ChildProcess) => owner.kill("SIGKILL"),
})) {
	test(`a tied process ends when its owner ${way}`, async () => {
		const { owner, pid, folder } = await startOwner();
		const ended = new Promise((resolve) => owner.once("exit", resolve));
		end(owner);
		await ended;
		assert.ok(await isGone(pid), `${pid} is still there`);
		// Only the next run can clear up after an owner that was killed.
		if (way === "is killed") removeScratchFolder(makeScratchFolder());
		assert.equal(existsSync(folder), false);
	});
}

test("stop() returns when the process is gone, also when it does not want to go", async () => {
	const willing = await startTied("sleep", ["600"]);
	await willing.stop();
	assert.deepEqual(await willing.ended, { code: null, signal: "SIGTERM" });
	await willing.stop();
	const { promise: deaf, resolve } = Promise.withResolvers<string>();
	const stubborn = await startTied("sh", ["-c", "trap '' TERM; echo deaf; exec sleep 600"], {
		onLine: resolve,
	});
	assert.equal(await deaf, "deaf");
	await stubborn.stop("SIGTERM", 0);
	assert.deepEqual(await stubborn.ended, { code: null, signal: "SIGKILL" });
});

test("a program that is not there is named", async () => {
	await assert.rejects(async () => {
		const started = await startTied("no-such-program-of-the-lab", []);
		const { code } = await started.ended;
		throw new Error(`ended with ${code}: ${started.tail()}`);
	}, /no-such-program-of-the-lab/);
});

async function isGone(pid: number): Promise<boolean> {
	const until = performance.now() + GONE_MS_MAX;
	while (performance.now() < until) {
		try {
			process.kill(pid, 0);
		} catch {
			return true;
		}
		await new Promise((resolve) => setImmediate(resolve));
	}
	return false;
}
