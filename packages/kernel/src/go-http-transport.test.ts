/** A real Go program tells how its transports are set; its memory must say the same. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { readHttpTransport } from "./go-http-transport.ts";
import { openProcessMemory } from "./process-memory.ts";
import { buildGoProgram } from "./testing/go-program.ts";

const SOURCE = join(import.meta.dirname, "..", "fixtures", "go-transport");
/** One of each layout, and the one that is installed. */
const TOOLCHAINS = ["local", "go1.19.13", "go1.22.12", "go1.27.1"];

interface Told {
	readonly address: number;
	readonly version: string;
}

for (const toolchain of TOOLCHAINS) {
	test(`the settings of every transport, ${toolchain}`, async (t) => {
		const program = buildGoProgram(t, ["-ldflags=-s -w"], { GOTOOLCHAIN: toolchain }, SOURCE);
		if (program === undefined) return;
		const child = spawn(program.path, { stdio: ["pipe", "pipe", "inherit"] });
		const exited = once(child, "exit");
		const told: Told[] = [];
		for await (const line of createInterface(child.stdout)) {
			const said = JSON.parse(line) as Told | { readonly ready: true };
			if ("ready" in said) break;
			told.push(said);
		}
		const memory = openProcessMemory(child.pid ?? 0);
		assert.ok(memory.kind === "read", memory.kind === "refused" ? memory.why : "");
		assert.equal(told.length, 5);
		for (const { address, version, ...settings } of told) {
			assert.deepEqual(readHttpTransport(memory.value, address, version), { kind: "read", value: settings });
			assert.equal(readHttpTransport(memory.value, 0x10, version).kind, "refused");
		}
		memory.value.close();
		child.stdin.end();
		await exited;
	});
}

test("a version whose layout is not known is refused, and so is what cannot be settings", () => {
	const lies = (fill: number) => ({ read: (_: number, length: number) => new Uint8Array(length).fill(fill) });
	for (const version of ["go1.17.13", "go1.28.0", "devel", ""]) {
		const refusal = readHttpTransport(lies(0), 4096, version);
		assert.ok(refusal.kind === "refused" && refusal.code === "unsupported", version);
	}
	assert.equal(readHttpTransport(lies(0), 4096, "go1.26.8").kind, "read");
	for (const fill of [2, 0x40, 0xff])
		assert.equal(readHttpTransport(lies(fill), 4096, "go1.26.8").kind, "refused");
	assert.equal(readHttpTransport({ read: () => undefined }, 4096, "go1.26.8").kind, "refused");
});
