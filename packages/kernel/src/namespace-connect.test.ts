/** The relay's whole life: bytes both ways, ends from either side, and no child left behind. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { connectInNamespace } from "./namespace-connect.ts";
import { readCommandLine } from "./process-facts.ts";

const ECHO = `require("node:net").createServer((socket) => socket.pipe(socket))
	.listen(0, "127.0.0.1", function () { console.log(this.address().port); })`;

async function echoInOwnNamespace(t: TestContext): Promise<{ pid: number; port: number } | undefined> {
	if (process.geteuid?.() !== 0) {
		t.skip("not possible here: not root, so no network namespace of its own");
		return undefined;
	}
	const inside = ["--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", process.execPath, "-e", ECHO];
	const child = spawn("unshare", inside, { stdio: ["ignore", "pipe", "inherit"] });
	t.after(() => child.kill());
	const [line] = await once(child.stdout, "data");
	return { pid: child.pid ?? 0, port: Number(String(line)) };
}

async function connected(pid: number, port: number) {
	const reading = await connectInNamespace(pid, "127.0.0.1", port);
	assert.ok(reading.kind === "read", reading.kind === "refused" ? reading.why : "");
	return reading.value;
}

/** Resolves when no relay to that target is left; a test that hangs here has found a leak. */
async function untilNoRelay(port: number): Promise<void> {
	const isRelay = (pid: string) => {
		const line = readCommandLine(Number(pid));
		return (
			line.kind === "read" && line.value.includes("plumbline: connected") && line.value.endsWith(` ${port}`)
		);
	};
	while (readdirSync("/proc").some((entry) => /^\d+$/.test(entry) && isRelay(entry))) {
		await new Promise((resolve) => setImmediate(resolve));
	}
}

test("bytes go both ways, more than any pipe holds", async (t) => {
	const target = await echoInOwnNamespace(t);
	if (target === undefined) return;
	const stream = await connected(target.pid, target.port);
	const sent = Buffer.alloc(3_000_017, "0123456789");
	const chunks: Buffer[] = [];
	stream.on("data", (chunk: Buffer) => chunks.push(chunk));
	stream.write(sent);
	while (chunks.reduce((size, chunk) => size + chunk.length, 0) < sent.length) await once(stream, "data");
	assert.ok(Buffer.concat(chunks).equals(sent));
	stream.destroy();
	await once(stream, "close");
	await untilNoRelay(target.port);
});

test("the target's end is the stream's end", async (t) => {
	const target = await echoInOwnNamespace(t);
	if (target === undefined) return;
	const stream = await connected(target.pid, target.port);
	process.kill(target.pid, "SIGKILL");
	await once(stream.resume(), "close");
	await untilNoRelay(target.port);
});

test("an abort while connecting rejects and leaves nothing", async (t) => {
	const target = await echoInOwnNamespace(t);
	if (target === undefined) return;
	const stop = new AbortController();
	const connecting = connectInNamespace(target.pid, "127.0.0.1", target.port, stop.signal);
	setImmediate(() => stop.abort());
	await assert.rejects(connecting, { name: "AbortError" });
	await untilNoRelay(target.port);
});

test("a process that does not exist is refused in words", async () => {
	const reading = await connectInNamespace(2 ** 22 + 1, "127.0.0.1", 1);
	assert.ok(reading.kind === "refused");
	assert.match(reading.why, /inside the network namespace of process 4194305: nsenter: /);
});
