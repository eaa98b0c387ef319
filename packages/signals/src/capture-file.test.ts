import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Capture, Gap, Instant, Part } from "./capture.ts";
import { decodeCaptureFile, encodeCapture } from "./capture-file.ts";
import { TAR_ENTRIES_MAX, tarChunks } from "./capture-file-tar.ts";

const AT = { wallMs: 1_790_000_000_000, monoMs: 12.5 } as Instant;
const LATER = { wallMs: 1_790_000_010_000, monoMs: 10_012.625 } as Instant;

function part(name: string, bytes: string | Uint8Array, more: Partial<Part> = {}): Part {
	const content = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
	return {
		name,
		format: "go-debug1",
		sample: 0,
		source: "test",
		start: AT,
		end: LATER,
		bytes: content,
		...more,
	};
}

function capture(parts: readonly Part[], gaps: readonly Gap[] = []): Capture {
	return { takenBy: "0.1.0", target: { pid: 4711 }, window: { start: AT, end: LATER }, parts, gaps };
}

const SMALL = capture(
	[
		part("goroutines.0.debug1.txt", "goroutine profile: total 7\n"),
		part("sockets.0.bin", new Uint8Array(600).fill(7), { format: "sock-diag", truncated: "cut for a test" }),
		part("metrics.1.prom", "", { format: "prometheus", sample: 1 }),
	],
	[{ line: "pool", what: "metrics", why: "connection refused", at: "metrics.0.prom", weight: "note" }],
);

/** Compares as data: a part's bytes may be a view or a copy. */
function plain({ parts, ...rest }: Capture) {
	return { ...rest, parts: parts.map((p) => ({ ...p, bytes: Buffer.from(p.bytes).toString("latin1") })) };
}

function decoded(tar: Uint8Array) {
	const result = decodeCaptureFile(tar);
	if (result.kind !== "decoded") assert.fail(`foreign: ${result.found}`);
	return result;
}

function foreign(tar: Uint8Array): string {
	const result = decodeCaptureFile(tar);
	if (result.kind !== "foreign") assert.fail("decoded");
	return result.found;
}

/** A capture file around any manifest. */
function withManifest(manifest: unknown, files: { name: string; bytes: Uint8Array }[] = []): Uint8Array {
	const json = typeof manifest === "string" ? manifest : JSON.stringify(manifest);
	const bytes = new TextEncoder().encode(json);
	return Buffer.concat([...tarChunks([{ name: "manifest.json", bytes }, ...files])]);
}

const ROOT = { schema: "plumbline.capture/1", takenBy: "x", target: {}, window: { start: AT, end: LATER } };

test("a capture comes back as it was, and the same capture gives the same bytes", () => {
	const tar = encodeCapture(SMALL);
	const { value, flaws } = decoded(tar);
	assert.deepEqual(flaws, []);
	assert.deepEqual(plain(value), plain(SMALL));
	assert.deepEqual(encodeCapture(value), tar);
});

test("any capture comes back as it was", () => {
	const parts = fc.uniqueArray(
		fc.record({
			name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,92}$/),
			bytes: fc.uint8Array({ maxLength: 1600 }),
			sample: fc.nat(),
			source: fc.string({ unit: "binary" }),
		}),
		{ selector: ({ name }) => name, maxLength: 8 },
	);
	fc.assert(
		fc.property(parts, (list) => {
			const given = capture(list.map(({ name, bytes, ...more }) => part(name, bytes, more)));
			assert.deepEqual(plain(decoded(encodeCapture(given)).value), plain(given));
		}),
		{ numRuns: 60 },
	);
});

test("cut at every byte, it keeps every whole part and makes a gap of each other", () => {
	const tar = encodeCapture(SMALL);
	const whole = new Map(SMALL.parts.map((p) => [p.name, Buffer.from(p.bytes)]));
	let readable = 0;
	for (let length = 0; length < tar.length; length++) {
		const result = decodeCaptureFile(tar.subarray(0, length));
		if (result.kind === "foreign") {
			assert.equal(readable, 0, "once the manifest is whole it stays readable");
			continue;
		}
		readable++;
		const { parts, gaps } = result.value;
		assert.equal(parts.length + gaps.length, SMALL.parts.length + SMALL.gaps.length, "one of each kind");
		for (const { name, bytes } of parts) assert.deepEqual(Buffer.from(bytes), whole.get(name));
		for (const gap of gaps.slice(1)) assert.equal(gap.weight, "loss");
	}
	assert.ok(readable > 512);
	const { value, flaws } = decoded(tar.subarray(0, tar.length - 1024 - 512 - 1024 + 324));
	assert.deepEqual(
		value.gaps.slice(1).map(({ line, what, why }) => [line, what, why]),
		[
			["sockets", "sockets", "the capture file holds 324 of the 600 bytes of sockets.0.bin"],
			["pool", "metrics", "the capture file lacks metrics.1.prom"],
		],
	);
	assert.deepEqual(
		flaws.map(({ kind }) => kind),
		["truncated"],
	);
});

test("many lost parts of one kind are one gap", () => {
	const parts = [0, 1, 2, 3].map((i) => part(`goroutines.${i}.debug1.txt`, "x".repeat(600)));
	const tar = encodeCapture(capture(parts));
	const second = Buffer.from(tar).indexOf("parts/goroutines.1.") + 512;
	const { value } = decoded(tar.subarray(0, second + 100));
	assert.deepEqual(value.gaps, [
		{
			line: "runtime",
			what: "goroutine profile",
			why: "the capture file holds 100 of the 600 bytes of goroutines.1.debug1.txt and lacks goroutines.2.debug1.txt and 1 other",
			weight: "loss",
		},
	]);
});

test("what is no capture says what it is", () => {
	assert.equal(foreign(new Uint8Array()), "an empty file");
	assert.match(foreign(new TextEncoder().encode("goroutine 1 [running]:")), /open with "goroutine 1 \[runn/);
	assert.match(foreign(new Uint8Array(2048)), /not with a tar header/);
	const other = Buffer.concat([...tarChunks([{ name: "README", bytes: new Uint8Array(3) }])]);
	assert.equal(foreign(other), "a tar without manifest.json");
	assert.match(foreign(withManifest("{")), /no JSON: "\{"/);
	assert.match(foreign(withManifest([1])), /schema "none"/);
	assert.match(foreign(withManifest({ ...ROOT, schema: "plumbline.capture/2" })), /"plumbline.capture\/2"/);
	assert.match(foreign(withManifest({ ...ROOT, window: {} })), /without a time window/);
});

test("a format of a later version is a gap", () => {
	const entry = { name: "trace.0", format: "go-core", sample: 0, source: "", start: AT, end: AT, size: 0 };
	const { value } = decoded(withManifest({ ...ROOT, parts: [entry] }));
	assert.deepEqual(value.parts, []);
	assert.match(value.gaps[0]?.why ?? "", /^trace\.0 in the format "go-core", unknown/);
});

test("names that lead out of the folder, doubles and unsound entries are refused with a reason", () => {
	const entry = { format: "ss", sample: 0, source: "", start: AT, end: AT, size: 0 };
	const names = ["../etc/passwd", "a/b", ".hidden", "", "x".repeat(94), "good", "good"];
	const bad = [{ ...entry, name: "n", size: -1 }, { ...entry, name: "n", sample: 1.5 }, null, "part"];
	const parts = [...names.map((name) => ({ ...entry, name })), ...bad];
	const files = [{ name: "parts/good", bytes: new Uint8Array() }];
	const { value, flaws } = decoded(withManifest({ ...ROOT, parts }, files));
	assert.deepEqual(
		value.parts.map(({ name }) => name),
		["good"],
	);
	assert.equal(flaws.length, 5 + bad.length + 1);
	assert.equal(flaws.at(-1)?.why, "part good is listed twice");
});

test("a manifest cannot reach Object's own members or carry endless text", () => {
	const parts = [{ name: "p", format: "toString", sample: 0, start: AT, end: AT, size: 0 }];
	const gaps = [{ line: "pool", what: "metrics", why: "y".repeat(9999), weight: "loss" }];
	const { value } = decoded(withManifest({ ...ROOT, parts, gaps, __proto__: { pid: 1 } }));
	assert.equal(value.parts.length, 0);
	assert.equal(value.gaps[0]?.why.length, 4000);
});

test("a size that lies, a broken checksum and endless entries end the walk, not the program", () => {
	const tar = encodeCapture(SMALL);
	const sizes = tar.slice();
	sizes.set(new TextEncoder().encode("77777777777\0"), 124);
	assert.match(foreign(sizes), /not with a tar header/);
	const second = tar.findIndex((_, at) => at > 0 && at % 512 === 0 && tar[at] === 0x70);
	const broken = tar.slice();
	broken[second + 3] = 0;
	const { value, flaws } = decoded(broken);
	assert.equal(value.parts.length, 0);
	assert.deepEqual(flaws, [{ kind: "malformed", why: "tar header checksum is wrong", at: second }]);

	const many = Array.from({ length: TAR_ENTRIES_MAX }, (_, i) => ({
		name: `x${i}`,
		bytes: new Uint8Array(),
	}));
	assert.match(decoded(withManifest(ROOT, many)).flaws[0]?.why ?? "", /more than 1000 entries/);
});

test("an archive packed again by another tar, in any order, is read", () => {
	const file = { name: "./parts/a.txt", bytes: new TextEncoder().encode("goroutine profile: total 1\n") };
	const entry = { format: "go-debug1", sample: 0, source: "", start: AT, end: AT, size: file.bytes.length };
	const manifest = JSON.stringify({ ...ROOT, parts: [{ ...entry, name: "a.txt" }] });
	const bytes = new TextEncoder().encode(manifest);
	const tar = Buffer.concat([...tarChunks([file, { name: "./manifest.json", bytes }])]);
	assert.equal(decoded(tar).value.parts[0]?.name, "a.txt");
});
