/** Of this very process and of copies of `cat`; the auxiliary vector tells the same bias in another way. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
	closeSync,
	copyFileSync,
	mkdtempSync,
	openSync,
	readFileSync,
	readSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { biasesThatFit, loadBias, parseMaps, type Segment } from "./process-maps.ts";
import { openProcessMemory } from "./process-memory.ts";

const AT_ENTRY = 9;
const PT_LOAD = 1;

/** A 64-bit little-endian ELF file's PT_LOAD segments and entry, straight from its headers. */
function elfOf(path: string): { readonly entry: number; readonly segments: readonly Segment[] } {
	const fd = openSync(path, "r");
	const header = Buffer.alloc(4096);
	readSync(fd, header, 0, header.length, 0);
	closeSync(fd);
	const table = Number(header.readBigUInt64LE(32));
	const segments: Segment[] = [];
	for (let i = 0; i < header.readUInt16LE(56); i++) {
		const at = table + i * header.readUInt16LE(54);
		if (header.readUInt32LE(at) !== PT_LOAD) continue;
		const word = (offset: number) => Number(header.readBigUInt64LE(at + offset));
		segments.push({ fileOffset: word(8), address: word(16), size: word(32) });
	}
	return { entry: Number(header.readBigUInt64LE(24)), segments };
}

function biasByAuxv(pid: number): number {
	const auxv = readFileSync(`/proc/${pid}/auxv`);
	for (let at = 0; at + 16 <= auxv.length; at += 16) {
		if (auxv.readBigUInt64LE(at) !== BigInt(AT_ENTRY)) continue;
		return Number(auxv.readBigUInt64LE(at + 8)) - elfOf(`/proc/${pid}/exe`).entry;
	}
	throw new Error("no AT_ENTRY");
}

function biasOf(pid: number): number {
	const bias = loadBias(pid, elfOf(`/proc/${pid}/exe`).segments);
	assert.ok(bias.kind === "read", bias.kind === "refused" ? bias.why : "");
	return bias.value;
}

test("the bias of this process, and its own ELF header found through it", () => {
	assert.equal(biasOf(process.pid), biasByAuxv(process.pid));
	const memory = openProcessMemory(process.pid);
	assert.ok(memory.kind === "read", memory.kind === "refused" ? memory.why : "");
	const [first] = elfOf("/proc/self/exe").segments;
	const start = biasOf(process.pid) + (first?.address ?? 0);
	assert.deepEqual(memory.value.read(start, 4), new Uint8Array([0x7f, 0x45, 0x4c, 0x46]));
	memory.value.close();
	assert.equal(memory.value.read(start, 4), undefined);
});

test("an executable whose file was replaced, with a line end in its name", async () => {
	const folder = mkdtempSync(join(tmpdir(), "plumbline-maps-"));
	const copy = join(folder, "cat\n (deleted)");
	copyFileSync("/bin/cat", copy);
	const child = spawn(copy, { stdio: ["pipe", "pipe", "inherit"] });
	try {
		// Its answer shows that it is past the loader.
		child.stdin.write("here\n");
		await once(child.stdout, "data");
		rmSync(copy);
		writeFileSync(copy, "another file of the same name");
		assert.equal(biasOf(child.pid ?? 0), biasByAuxv(child.pid ?? 0));
	} finally {
		child.stdin.end();
		await once(child, "exit");
		rmSync(folder, { recursive: true });
	}
});

test("a page that two segments share does not confuse; what fits nowhere gives nothing", () => {
	const mappings = parseMaps(
		[
			"5500000000-5500002000 r--p 00000000 fe:01 7                      /srv/a b",
			"5500003000-5500009000 r-xp 00001000 fe:01 7                      /srv/a b",
			"5500009000-550000a000 rw-p 00000000 00:00 0 ",
			"550000b000-550000c000 rw-p 00006000 fe:01 7                      /srv/a b",
			"not a line of this kind",
			"",
		].join("\n"),
	);
	assert.equal(mappings.length, 4);
	assert.equal(mappings[0]?.path, "/srv/a b");
	const text = { fileOffset: 0x1800, address: 0x3800, size: 0x5000 };
	assert.deepEqual(biasesThatFit(mappings, [text]), [0x55_0000_0000]);
	assert.deepEqual(biasesThatFit(mappings, [{ ...text, size: 0x9000 }]), []);
	assert.deepEqual(biasesThatFit(mappings, []), []);
});

test("no process, and one of another program's segments", () => {
	const nobody = loadBias(2 ** 22 + 1, []);
	assert.ok(nobody.kind === "refused" && nobody.code === "absent");
	const none = loadBias(process.pid, [{ fileOffset: 2 ** 40, address: 0, size: 1 }]);
	assert.ok(none.kind === "refused");
	assert.match(none.why, /fits its mappings in 0 ways/);
});
