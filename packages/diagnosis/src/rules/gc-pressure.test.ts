import assert from "node:assert/strict";
import { test } from "node:test";
import type { HeapSite, HeapSnapshot } from "@plumbline/signals/heap";
import type { ProcessFacts } from "@plumbline/signals/process";
import { ALLOCATED, CPU, profileOf } from "../testing/profile.ts";
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
	assert.deepEqual(rest, { count: 42, level: "suspected", severity: "warning", causes: [] });
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

const [start, end] = [heap(1_000, 0.02, before), heap(1_200, after(0.02, 0.25), later)];

function counting(snapshot: HeapSnapshot, more: Partial<HeapSnapshot["memStats"]>): HeapSnapshot {
	return { ...snapshot, memStats: { offset: 0, ...snapshot.memStats, ...more } };
}

test("silent: two instances behind one address, by counters that fall or by their starts", () => {
	const heaps = [counting(start, { mallocs: 9e9 }), counting(end, { mallocs: 8e9 })];
	assert.deepEqual(alarms({ ...churning, heaps }), []);
	const go = pages(1_000, 1_200).map((page, i) => ({ ...page, process_start_time_seconds: 1_000 + 60 * i }));
	assert.deepEqual(alarms({ ...churning, go }), []);
});

test("silent: cycles that were asked for, beside a few that were not", () => {
	const heaps = [heap(1_000, 0.02, before, 500), heap(1_200, after(0.02, 0.25), later, 680)];
	assert.equal(found({ ...churning, heaps }, "gc-pressure"), undefined);
});

test("silent: few cycles in a short window, after a time when the collector had much", () => {
	// The last cycle was 0.9 s before the second reading, and cost next to nothing.
	const age = 20_000;
	const aged = churning.process.map((facts, i) => ({ ...facts, ageMs: age + 1_500 * i }));
	const heaps = [heap(1_000, 0.3, before), heap(1_002, (0.3 * 20) / 20.6, later)];
	const cpu = aged.map((facts, i) => ({ ...facts, cpuMs: 1_000 * i, runMs: 1_000 * i }));
	assert.deepEqual(alarms({ ...churning, heaps, process: cpu, windowMs: 1_500 }), []);
});

test("silent: marking by processors that had nothing else to do, and a profile of a few samples", () => {
	const [marks, idle] = ["runtime.gcBgMarkWorker", "runtime.gcDrainMarkWorkerIdle"];
	const quiet = { ...churning, heaps: [start, heap(1_200, after(0.02, 0.25), later)] };
	const marking = profileOf(CPU, [4e9, idle, marks], [0.5e9, "runtime.gcDrain", marks], [5e9, "main.work:1"]);
	assert.deepEqual(alarms({ ...quiet, cpu: marking }), []);
	const few = profileOf(CPU, [0.2e9, "runtime.gcDrain", marks], [0.1e9, "main.work:1"]);
	const { go: _, ...bare } = quiet;
	assert.equal(found({ ...bare, cpu: few }, "gc-pressure")?.severity, "note");
});

test("silent: threads that ended take what they ran along, not what the process used", () => {
	const ended = churning.process.map((facts, i) => ({ ...facts, cpuMs: facts.cpuMs ?? 0, runMs: 9_000 + i }));
	const used = ended.map((facts, i) => ({ ...facts, cpuMs: 500_000 + 20_000 * i }));
	assert.deepEqual(alarms({ ...churning, process: used }), []);
});

test("a heap that is being filled is a note", () => {
	const heaps = [counting(start, { nextGcBytes: 60 * MIB }), counting(end, { nextGcBytes: 120 * MIB })];
	const finding = found({ ...churning, heaps }, "gc-pressure");
	assert.equal(finding?.severity, "note");
	assert.match(finding?.story ?? "", /the heap grew 2\.0 times in the window/);
});

test("GOGC=off fills the limit on purpose: with room above what lives the garbage is the matter", () => {
	const sites = [site("main.render", 31, 4_900 * MIB), site("main.load", 12, 80 * MIB, 20 * MIB)];
	const limit = {
		go_gc_gomemlimit_bytes: 100 * MIB,
		go_memstats_sys_bytes: 97 * MIB,
		go_memstats_heap_released_bytes: 0,
	};
	const go = pages(1_000, 1_200).map((page) => ({ ...page, ...limit }));
	const finding = found({ ...churning, heaps: [start, { ...end, sites }], go }, "gc-pressure");
	assert.equal(finding?.title, "Garbage collection takes 42 % of the CPU used");
	assert.equal(finding?.holder?.func, "main.render");
});

test("heap pages that are cut: the CPU profile, the metrics page and the allocs profile tell it", () => {
	const cut = churning.heaps.map(({ memStats: _, ...rest }) => rest);
	const cpu = profileOf(CPU, [5e9, "runtime.gcDrain", "runtime.gcBgMarkWorker"], [5e9, "main.render:31"]);
	const allocs = [1, 9].map((n) =>
		profileOf(ALLOCATED, [n * 1e9, "bytes.growSlice", "main.render:31"], [n * 1e8, "main.audit:70"]),
	);
	const service = { ...churning, heaps: cut, cpu, counted: { allocs } };
	const { holder, ...rest } = gist(service, "gc-pressure") ?? {};
	assert.deepEqual(rest, { count: 50, level: "suspected", severity: "critical", causes: [] });
	assert.equal(holder, "main.render:31");
	assert.match(found(service, "gc-pressure")?.story ?? "", /^200 collections .*about 839 MiB a second$/);
	const { go: _, ...unknown } = service;
	assert.equal(found(unknown, "gc-pressure")?.severity, "note");
});

test("hostile numbers accuse nobody", () => {
	for (const gcCpuFraction of [Number.NaN, Number.POSITIVE_INFINITY, -3])
		for (const ageMs of [Number.NaN, -1, 0, Number.MAX_VALUE])
			assert.deepEqual(
				alarms({
					...churning,
					heaps: [start, counting(end, { gcCpuFraction })],
					process: churning.process.map((facts) => ({ ...facts, ageMs })),
				}),
				[],
			);
});
