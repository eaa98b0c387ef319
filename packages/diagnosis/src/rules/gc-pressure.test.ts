import assert from "node:assert/strict";
import { test } from "node:test";
import type { HeapSite, HeapSnapshot } from "@plumbline/signals/heap";
import type { ProcessFacts } from "@plumbline/signals/process";
import { alarms, found, gist } from "../testing/verdict.ts";

const MIB = 1 << 20;

function site(func: string, line: number, allocBytes: number, liveBytes = 0): HeapSite {
	const frames = [
		{ func: "bytes.growSlice", file: "/usr/local/go/src/bytes/buffer.go", line: 249 },
		{ func, file: "/srv/report.go", line },
		{ func: "main.serve", file: "/srv/main.go", line: 9 },
	];
	return { frames, liveObjects: 1, liveBytes, allocObjects: 10, allocBytes, offset: line };
}

function heap(
	numGc: number,
	gcCpuFraction: number,
	sites: readonly HeapSite[],
	numForcedGc = 0,
): HeapSnapshot {
	const memStats = { numGc, numForcedGc, gcCpuFraction, nextGcBytes: 60 * MIB, offset: 5000 };
	return { sampleBytes: 512 << 10, sites, memStats };
}

/** Ten seconds of a program that is an hour old; its threads waited for a processor half as long as they ran, if told. */
function process(cpuMs: readonly [number, number], delayed = 0): ProcessFacts[] {
	return cpuMs.map((ms, i) => {
		const ageMs = 3_600_000 + 10_000 * i;
		return { pid: 4711, cpuMs: ms, runMs: ms, runDelayMs: ms * delayed, ageMs };
	});
}

/** The fraction since the start after ten seconds more in which the collector had `share` of what there was. */
function after(fraction: number, share: number): number {
	return (fraction * 3_600_000 + share * 10_000) / 3_610_000;
}

const SETTINGS = { go_sched_gomaxprocs_threads: 2, go_gc_gogc_percent: 100 };
const pages = (...counts: number[]) => counts.map((n) => ({ ...SETTINGS, go_gc_duration_seconds_count: n }));
const before = [site("main.render", 31, 900 * MIB), site("main.audit", 70, 400 * MIB)];
const later = [site("main.render", 31, 4_900 * MIB), site("main.audit", 70, 900 * MIB)];

/** The collector took half a processor of the 1.2 that were used. */
const churning = {
	heaps: [heap(1_000, 0.02, before), heap(1_200, after(0.02, 0.25), later)],
	process: process([500_000, 512_000]),
	go: pages(1_000, 1_200),
};

test("the share is that of the window, of the CPU used; the line that allocates is named", () => {
	const { holder, ...rest } = gist(churning, "gc-pressure") ?? {};
	assert.deepEqual(rest, { count: 42, level: "confirmed", severity: "warning", causes: [] });
	assert.equal(holder, "main.render:31");
	const finding = found(churning, "gc-pressure");
	assert.match(finding?.title ?? "", /^Garbage collection takes 42 % of the CPU used$/);
	assert.match(finding?.story ?? "", /200 collections in 10\.0 s .* 1\.2 processors.*450 MiB a second/);
	assert.match(finding?.holder?.how ?? "", /^89 % of the bytes of the window/);
	assert.equal(finding?.candidates[0]?.func, "main.audit");
});

test("without a metrics page the share of the CPU used is not known: a note", () => {
	const { go: _, ...bare } = churning;
	const finding = found(bare, "gc-pressure");
	assert.equal(finding?.level, "suspected");
	assert.equal(finding?.severity, "note");
	assert.equal(finding?.count, 25);
	assert.match(finding?.title ?? "", /of the CPU there is$/);
});

test("silent: a throttled program, whose collector waits for processors as its requests do", () => {
	assert.deepEqual(alarms({ ...churning, process: process([500_000, 512_000], 0.5) }), []);
});

test("a limit that the live heap fills is critical, and what lives is named instead", () => {
	const sites = [site("main.render", 31, 4_900 * MIB), site("main.loadSessions", 12, 80 * MIB, 70 * MIB)];
	const limit = {
		go_gc_gomemlimit_bytes: 100 * MIB,
		go_memstats_sys_bytes: 120 * MIB,
		go_memstats_heap_released_bytes: 25 * MIB,
	};
	const service = {
		...churning,
		heaps: [heap(1_000, 0.02, before), heap(1_200, after(0.02, 0.45), sites)],
		go: pages(1_000, 1_200).map((page) => ({ ...page, ...limit })),
	};
	const finding = found(service, "gc-pressure");
	assert.equal(finding?.severity, "critical");
	assert.match(finding?.title ?? "", /^The memory limit leaves the collector no room/);
	assert.equal(finding?.holder?.func, "main.loadSessions");
	assert.match(finding?.story ?? "", /GOMEMLIMIT is 100 MiB, and 95 MiB of it are in use/);
});

test("records of one stack under several addresses are one site", () => {
	const split = later.flatMap((s) => [
		{ ...s, allocBytes: s.allocBytes / 4 },
		{ ...s, allocBytes: (s.allocBytes * 3) / 4 },
	]);
	const [first, last] = churning.heaps;
	assert.ok(first && last);
	const heaps = [first, { ...last, sites: split }];
	assert.match(found({ ...churning, heaps }, "gc-pressure")?.holder?.how ?? "", /^89 % of the bytes/);
});

test("silent: a busy program with an ordinary share, an idle one, forced cycles only", () => {
	const ordinary = [heap(1_000, 0.02, before), heap(1_100, after(0.02, 0.1), later)];
	assert.deepEqual(alarms({ ...churning, heaps: ordinary }), []);
	assert.deepEqual(alarms({ ...churning, process: process([500_000, 500_900]) }), []);
	const forced = [heap(1_000, 0.02, before, 500), heap(1_200, after(0.02, 0.25), later, 700)];
	assert.deepEqual(alarms({ ...churning, heaps: forced }), []);
});

test("silent where a reading or its counters are missing, or the process began anew", () => {
	const [first, last] = churning.heaps;
	assert.ok(first && last);
	assert.deepEqual(alarms({ ...churning, heaps: [last] }), []);
	assert.deepEqual(alarms({ ...churning, heaps: [first, { sampleBytes: 0, sites: [] }] }), []);
	assert.deepEqual(alarms({ ...churning, heaps: [first, heap(3, 0.01, [])] }), []);
});
