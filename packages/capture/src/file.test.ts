import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
	lstatSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gunzipSync } from "node:zlib";
import type { Capture, Instant } from "@plumbline/signals/capture";
import { encodeCapture } from "@plumbline/signals/capture-file";
import { readCapture, writeCapture } from "./file.ts";

const folder = mkdtempSync(join(tmpdir(), "plumbline-file-test-"));
after(() => rmSync(folder, { recursive: true }));

const AT = { wallMs: 1_790_000_000_000, monoMs: 12.5 } as Instant;
const noise = Uint8Array.from({ length: 40_000 }, (_, i) => (i * i * 2654435761) >>> 13);
const CAPTURE: Capture = {
	takenBy: "0.1.0",
	target: { pid: 4711 },
	window: { start: AT, end: AT },
	parts: ["a.txt", "b.txt"].map((name) => ({
		name,
		format: "go-debug1",
		sample: 0,
		source: "test",
		start: AT,
		end: AT,
		bytes: noise,
	})),
	gaps: [],
};

test("a written capture opens with tar, is its owner's alone, and reads back", async () => {
	const path = join(folder, "whole.plumb");
	await writeCapture(path, CAPTURE);
	const listing = execFileSync("tar", ["-tzf", path], { encoding: "utf8" });
	assert.equal(listing, "manifest.json\nparts/a.txt\nparts/b.txt\n");
	assert.equal(statSync(path).mode & 0o777, 0o600);
	assert.deepEqual(Buffer.from(gunzipSync(readFileSync(path))), Buffer.from(encodeCapture(CAPTURE)));
	const read = await readCapture(path);
	assert.deepEqual(read.gaps, []);
	assert.deepEqual(
		read.parts.map(({ name, bytes }) => [name, Buffer.compare(bytes, noise)]),
		[
			["a.txt", 0],
			["b.txt", 0],
		],
	);
});

test("an existing file is replaced whole, and a failed write leaves nothing", async () => {
	const path = join(folder, "again.plumb");
	writeFileSync(path, "old");
	await writeCapture(path, CAPTURE);
	assert.equal((await readCapture(path)).parts.length, 2);
	await assert.rejects(writeCapture(join(folder, "no", "where.plumb"), CAPTURE), {
		name: "FileError",
		message: /cannot write .*no such file or folder/,
	});
	await assert.rejects(writeCapture(path, CAPTURE, AbortSignal.abort()), { name: "AbortError" });
	assert.deepEqual(
		readdirSync(folder).filter((name) => name.endsWith(".tmp")),
		[],
	);
	assert.equal((await readCapture(path)).parts.length, 2);
});

test("a gzip cut in the middle keeps what inflates", async () => {
	const path = join(folder, "cut.plumb");
	await writeCapture(path, CAPTURE);
	const bytes = readFileSync(path);
	writeFileSync(path, bytes.subarray(0, Math.floor(bytes.length * 0.7)));
	const { parts, gaps } = await readCapture(path);
	assert.deepEqual(
		parts.map(({ name }) => name),
		["a.txt"],
	);
	assert.match(
		gaps.map(({ why }) => why).join("\n"),
		/of the 40000 bytes of b\.txt[\s\S]*it ends in the middle/,
	);
});

test("a gzip damaged in the middle keeps what came before", async () => {
	const path = join(folder, "damaged.plumb");
	await writeCapture(path, CAPTURE);
	const bytes = readFileSync(path);
	bytes.fill(0xff, Math.floor(bytes.length * 0.7), Math.floor(bytes.length * 0.7) + 400);
	writeFileSync(path, bytes);
	const { parts, gaps } = await readCapture(path);
	assert.equal(parts[0]?.name, "a.txt");
	assert.match(gaps.map(({ why }) => why).join("\n"), /the file is damaged/);
});

test("a plain tar is read as well", async () => {
	const path = join(folder, "plain.tar");
	writeFileSync(path, encodeCapture(CAPTURE));
	assert.equal((await readCapture(path)).parts.length, 2);
});

test("what is no capture is refused in words", async () => {
	const path = join(folder, "other");
	const refusal = (bytes: string | Uint8Array) => {
		writeFileSync(path, bytes);
		return assert.rejects(readCapture(path), { name: "FileError", message: /is no capture/ });
	};
	await refusal("");
	await refusal("x");
	await refusal("hello");
	await refusal(Uint8Array.of(0x1f, 0x8b));
	await refusal(Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3));
	await assert.rejects(readCapture(join(folder, "absent")), { message: /no such file/ });
	await assert.rejects(readCapture(folder), { name: "FileError", message: /it is a folder/ });
});

test("a pipe or a device is neither read, which may never end, nor replaced by a file", async () => {
	const pipe = join(folder, "pipe");
	execFileSync("sh", ["-c", 'mkfifo "$0"', pipe]);
	for (const path of [pipe, "/dev/null"]) {
		const refused = { name: "FileError", message: /: it is a (?:pipe|device), not a file$/ };
		await assert.rejects(readCapture(path), refused);
		await assert.rejects(writeCapture(path, CAPTURE), refused);
		assert.ok(!statSync(path).isFile());
	}
});

test("a link is not replaced by a file: it may be /dev/stdout", async () => {
	const path = join(folder, "link");
	symlinkSync("whole.plumb", path);
	await assert.rejects(writeCapture(path, CAPTURE), { message: /: it is a link, not a file$/ });
	assert.ok(lstatSync(path).isSymbolicLink());
	assert.equal((await readCapture(path)).parts.length, 2);
});

test("a name that is too long is refused in words", async () => {
	const path = join(folder, "a".repeat(250));
	await assert.rejects(writeCapture(path, CAPTURE), {
		name: "FileError",
		message: /name is too long/,
	});
});
