/** The heap's text page: a recorded one, real ones against the protobuf form of the same heap, cuts and flaws. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { decodeHeapDebug1 } from "./heap-debug1.ts";
import { decodePprof } from "./profiles-pprof.ts";
import { goProfiles } from "./testing/go-profiles.ts";

const recorded = readFileSync(new URL("../fixtures/profiles/go1.19-allocs.debug1.txt", import.meta.url));

function decoded(bytes: Uint8Array | string) {
	const answer = decodeHeapDebug1(typeof bytes === "string" ? Buffer.from(bytes) : bytes);
	assert.ok(answer.kind === "decoded");
	return answer;
}

test("a recorded page: sites scaled up, counters as printed", () => {
	const { value, flaws } = decoded(recorded);
	assert.deepEqual(flaws, []);
	assert.equal(value.sampleBytes, 1024);
	assert.equal(value.sites.length, 119);
	const [first] = value.sites;
	// 56 of 272,384 bytes were seen live: one of 4,864 bytes is missed once in 116 times.
	assert.deepEqual(first, {
		frames: first?.frames,
		liveObjects: 56,
		liveBytes: 274_761,
		allocObjects: 189,
		allocBytes: 922_412,
		offset: 55,
	});
	assert.deepEqual(
		first?.frames.map(({ func }) => func),
		["main.newOrder", "main.work.func1", "runtime/pprof.Do", "main.work", "main.main", "runtime.main"],
	);
	const text = recorded.toString();
	const printed = (name: string) => Number(new RegExp(`^# ${name} = (\\S+)$`, "m").exec(text)?.[1]);
	const { offset = 0, ...counters } = value.memStats ?? {};
	assert.deepEqual(counters, {
		heapAllocBytes: printed("HeapAlloc"),
		heapSysBytes: printed("HeapSys"),
		nextGcBytes: printed("NextGC"),
		totalAllocBytes: printed("TotalAlloc"),
		sysBytes: printed("Sys"),
		mallocs: printed("Mallocs"),
		frees: printed("Frees"),
		numGc: printed("NumGC"),
		numForcedGc: printed("NumForcedGC"),
		gcCpuFraction: printed("GCCPUFraction"),
	});
	assert.ok(counters.numGc && counters.gcCpuFraction);
	assert.match(recorded.subarray(offset).toString(), /^# TotalAlloc = \d/);
});

test("a recorded page with the other line ending", () => {
	const { value, flaws } = decoded(recorded.toString().replaceAll("\n", "\r\n"));
	assert.deepEqual(flaws, []);
	assert.deepEqual(
		value.sites.map(({ offset: _, ...site }) => site),
		decoded(recorded).value.sites.map(({ offset: _, ...site }) => site),
	);
});

for (const toolchain of ["local", "go1.19.13", "go1.27.1"]) {
	test(`a heap of ${toolchain}: what the program kept is as in the protobuf form, to the unit`, (t) => {
		const profiles = goProfiles(t, toolchain);
		if (profiles === undefined) return;
		for (const kind of ["heap", "allocs"]) {
			const { value, flaws } = decoded(profiles.text(kind) ?? "");
			assert.deepEqual(flaws, []);
			const proto = decodePprof(profiles.bytes(kind));
			assert.ok(proto.kind === "decoded");
			const { stacks, stackOf, values, count } = proto.value;
			// The text is written a moment later and lists its own writing: only what the program did is compared.
			const byProgram = (frames: readonly { readonly func: string }[]) =>
				frames.some(({ func }) => func === "main.newOrder");
			const theirs = Array.from({ length: count }, (_, i) => ({
				i,
				frames: stacks.at(stackOf[i] ?? 0) ?? [],
			}))
				.filter(({ frames }) => byProgram(frames))
				.map(({ i }) => values.subarray(4 * i, 4 * i + 4).join(" "));
			const ours = value.sites
				.filter(({ frames }) => byProgram(frames))
				.map((site) => `${site.allocObjects} ${site.allocBytes} ${site.liveObjects} ${site.liveBytes}`);
			assert.ok(ours.length > 0);
			assert.deepEqual(ours.sort(), theirs.sort(), kind);
		}
	});
}

test("cut at every 61st byte: sites are never fewer, the same as in the whole, and the cut is told", () => {
	const { sites } = decoded(recorded).value;
	let before = 0;
	for (
		let length = recorded.indexOf("\n") + 1;
		length < recorded.indexOf("# runtime.MemStats");
		length += 7
	) {
		const { value, flaws } = decoded(recorded.subarray(0, length));
		assert.ok(value.sites.length >= before);
		before = value.sites.length;
		assert.equal(flaws.at(-1)?.kind, "truncated");
		if (before > 1) assert.deepEqual(value.sites[before - 2], sites[before - 2]);
	}
	assert.equal(before, sites.length);
});

test("cut in the counters: those with a whole line are there", () => {
	const { value, flaws } = decoded(recorded.subarray(0, recorded.indexOf("# NumGC = ") + 11));
	assert.notEqual(value.memStats?.heapAllocBytes, undefined);
	assert.equal(value.memStats?.numGc, undefined);
	assert.deepEqual(
		flaws.map(({ kind }) => kind),
		["truncated"],
	);
});

test("every allocation sampled, none sampled, nothing freed: not scaled", () => {
	const page = (rate: number) =>
		`heap profile: 2: 20 [3: 30] @ heap/${rate}\n2: 20 [3: 30] @ 0x1\n#\t0x1\tmain.a+0x1\t/a.go:1\n\n0: 0 [0: 0] @\n\n# runtime.MemStats\n# Alloc = 1\n# NumGC = 0\n`;
	for (const rate of [0, 2]) {
		const { value, flaws } = decoded(page(rate));
		assert.deepEqual(flaws, []);
		assert.equal(value.sampleBytes, rate / 2);
		assert.deepEqual(
			value.sites.map(({ liveBytes, allocObjects }) => [liveBytes, allocObjects]),
			[
				[20, 3],
				[0, 0],
			],
		);
		assert.equal(value.memStats?.numGc, 0);
	}
});

test("broken record, broken counter: the others are kept", () => {
	const text =
		"heap profile: 1: 1 [1: 1] @ heap/2\n1: 2 [3: 4 @ 0x1\n#\t0x1\tmain.a+0x1\t/a.go:1\n\n1: 2 [3: 4] @ 0x1\n\n# runtime.MemStats\n# NumGC = many\nwhat\n# NumForcedGC = 2\n# GCCPUFraction = 1.5e-05\n";
	const { value, flaws } = decoded(text);
	assert.deepEqual(
		value.sites.map(({ allocBytes }) => allocBytes),
		[4],
	);
	assert.deepEqual([value.memStats?.numForcedGc, value.memStats?.gcCpuFraction], [2, 1.5e-5]);
	assert.deepEqual(
		flaws.map(({ kind }) => kind),
		["malformed", "malformed", "malformed"],
	);
});

test("foreign: other pages, and nothing", () => {
	for (const text of [
		"",
		"<html>",
		"goroutine profile: total 3\n",
		"heap profile: lots\n",
		"x".repeat(100_000),
	]) {
		assert.equal(decodeHeapDebug1(Buffer.from(text)).kind, "foreign");
	}
});

test("any lines: an answer", () => {
	const line = fc.constantFrom(
		"1: 2 [3: 4] @ 0x1",
		"#\t0x1\tmain.a+0x1\t/a.go:1",
		"",
		"# runtime.MemStats",
		"# NumGC = 3",
		"# NumGC = ",
		"@",
		" @",
		"\r",
	);
	fc.assert(
		fc.property(fc.array(fc.oneof(line, fc.string())), (lines) => {
			decoded(["heap profile: 1: 1 [1: 1] @ heap/2", ...lines].join("\n"));
		}),
		{ numRuns: 1000 },
	);
});
