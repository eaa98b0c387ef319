/**
 * What is measured by offline-verdict.ts: one file read, decoded, diagnosed and clustered in a process of its own, and
 * what each of that took, as JSON: `node bench/src/offline-stages.ts FORMAT FILE`.
 */
import { readFileSync } from "node:fs";
import type { Capture, MonoMs, Part, PartFormat, WallMs } from "@plumbline/signals/capture";
import { decodeCapture } from "@plumbline/signals/decode";
import { applicationTest } from "../../packages/diagnosis/src/application.ts";
import { clustersOf } from "../../packages/diagnosis/src/clusters.ts";
import { diagnose } from "../../packages/diagnosis/src/diagnose.ts";
import { groupsOfProfile, groupsOfTable } from "../../packages/diagnosis/src/goroutine-groups.ts";
import { icicleOf } from "../../packages/diagnosis/src/icicle.ts";

export interface Stages {
	readonly goroutines: number;
	readonly groups: number;
	readonly clusters: number;
	readonly readMs: number;
	readonly decodeMs: number;
	readonly diagnoseMs: number;
	readonly clustersMs: number;
	/** After decoding and clustering, before the rules. */
	readonly clusteredPeakBytes: number;
	readonly peakBytes: number;
}

function stagesOf(format: PartFormat, path: string): Stages {
	const times = [performance.now()];
	const bytes = readFileSync(path);
	times.push(performance.now());
	const signals = decodeCapture(captureOf(format, bytes));
	times.push(performance.now());
	const dump = signals.goroutines[0];
	const profile = signals.goroutineProfiles[0];
	if (dump === undefined && profile === undefined) throw new Error(`${path} holds no goroutines`);
	const grouped = dump
		? groupsOfTable(dump.value)
		: groupsOfProfile(profile?.value ?? { total: 0, records: [] });
	const { total, groups, clusters } = clustersOf(grouped, applicationTest(undefined));
	icicleOf(groups);
	times.push(performance.now());
	const clusteredPeakBytes = peakBytes();
	diagnose(signals);
	times.push(performance.now());
	const took = (stage: number): number => (times[stage + 1] ?? 0) - (times[stage] ?? 0);
	return {
		goroutines: total,
		groups: groups.length,
		clusters: clusters.length,
		readMs: took(0),
		decodeMs: took(1),
		clustersMs: took(2),
		diagnoseMs: took(3),
		clusteredPeakBytes,
		peakBytes: peakBytes(),
	};
}

function captureOf(format: PartFormat, bytes: Uint8Array): Capture {
	const start = { wallMs: 0 as WallMs, monoMs: 0 as MonoMs };
	const part: Part = { name: "goroutines.0", format, sample: 0, source: "bench", start, end: start, bytes };
	return { takenBy: "bench", target: {}, window: { start, end: start }, parts: [part], gaps: [] };
}

function peakBytes(): number {
	return process.resourceUsage().maxRSS * 1024;
}

if (import.meta.main) {
	const [format = "go-debug2", path = ""] = process.argv.slice(2);
	process.stdout.write(JSON.stringify(stagesOf(format as PartFormat, path)));
}
