/**
 * The lines of one capture as things that can be sampled. Each track says under which name its gaps go
 * and whether it is cheap enough to be read between the ends of the window; take-capture.ts only keeps
 * the time.
 */
import type { GapLine, Part } from "@plumbline/signals/capture";
import { redactCommandLine } from "@plumbline/signals/redact-command-line";
import { collectDnsCheck, DNS_CHECK_NAMES, type DnsCheckTask } from "./dns-check.ts";
import type { FoundTarget } from "./find-target.ts";
import { collectGoBinary } from "./go-binary.ts";
import { collectGoTrace, TRACE_NAMES } from "./go-trace.ts";
import { collectGoroutines, GOROUTINES_DEBUG2_MAX, type Probe } from "./goroutines.ts";
import { collectLeaked, LEAKED_NAMES } from "./goroutines-leaked.ts";
import { witnessGoroutines } from "./goroutines-witness.ts";
import { collectHeap } from "./heap.ts";
import { LEDGER_NAMES, LedgerLine } from "./ledger.ts";
import { collectMetrics } from "./pools.ts";
import { watchMetrics } from "./pools-witness.ts";
import { collectProcess } from "./process.ts";
import { COUNTED_PROFILES, collectProfile } from "./profiles.ts";
import type { Reach } from "./reach.ts";
import type { Recorder } from "./recorder.ts";
import { openSessions } from "./sessions.ts";
import { watchSessions } from "./sessions-witness.ts";
import { collectSockets } from "./sockets.ts";
import { ConnectionLife } from "./tcp-life.ts";
import type { Watch } from "./watch.ts";

export interface Sampling {
	readonly sample: number;
	/** A collector should be done, or hand over what it has, by then; `signal` comes a little later. */
	readonly timeoutMs: number;
	readonly signal: AbortSignal;
}

export interface Track {
	/** For the gap if it fails as a whole. */
	readonly names: { readonly line: GapLine; readonly what: string };
	/** Reads one sample at an end of the window. */
	readonly sample: (sampling: Sampling) => Promise<unknown>;
	/** At the end of the window it is read when all others have been. */
	readonly last?: true;
	/** Reads samples 1, 2, ... until told to stop; answers the last number. Never rejects for `until`. */
	readonly between?: (watch: Watch) => Promise<number>;
	/** Gives back what the track holds in the target. */
	readonly close?: () => Promise<void>;
}

export interface TrackPlan {
	readonly pid?: number;
	readonly pprof?: string;
	readonly metrics?: string;
	readonly db?: string;
	readonly goroutinesMax?: number;
	/** Follow connections by the kernel's trace events, not by looks alone. */
	readonly trace?: boolean;
	/** Default true: the borrow ledger, where rights allow, unless no pool is in use. */
	readonly ledger?: boolean;
	/** Take a CPU profile of so many seconds, and other profiles at both ends. */
	readonly profileSeconds?: number;
	/** Take a Go execution trace of so many seconds. */
	readonly traceSeconds?: number;
	/** Ask the runtime which goroutines are leaked: it collects garbage for that. */
	readonly leakProfile?: boolean;
	/** Ask the name servers beside trusted ones. */
	readonly dnsCheck?: DnsCheckTask;
	readonly reach: FoundTarget["reach"];
}

/** How long after the end of the window an answer begun at its start may come. */
const LATE_MS = 1000;

/** Opens nothing yet: the first sample does. */
export function tracksOf(recorder: Recorder, plan: TrackPlan): readonly Track[] {
	const { pid, pprof, metrics, db, dnsCheck } = plan;
	if (plan.traceSeconds !== undefined && pprof === undefined) {
		recorder.gap({
			...TRACE_NAMES,
			why: "--trace-seconds needs net/http/pprof: give --pprof URL",
			weight: "note",
		});
	}
	const life =
		pid === undefined ? undefined : new ConnectionLife(recorder, { pid, trace: plan.trace ?? false });
	return [
		...(pid === undefined || life === undefined ? [] : ofProcess(recorder, pid, life)),
		...(pprof === undefined ? [] : ofRuntime(recorder, { ...plan, pprof })),
		...(metrics === undefined ? [] : [metricsPage(recorder, metrics, plan.reach.metrics ?? {})]),
		...(db === undefined ? [] : [sessions(recorder, db)]),
		...(dnsCheck === undefined ? [] : [nameServers(recorder, dnsCheck)]),
		...(pid === undefined || life === undefined ? [] : [ledger(recorder, { ...plan, pid }, life)]),
	];
}

export async function closeTracks(tracks: readonly Track[]): Promise<void> {
	await Promise.allSettled(tracks.map((track) => track.close?.()));
}

/** What the kernel tells of a process on this host. */
function ofProcess(recorder: Recorder, pid: number, life: ConnectionLife): readonly Track[] {
	return [
		{
			names: { line: "sockets", what: "sockets" },
			sample: ({ sample, signal }) => collectSockets(recorder, { pid, sample, signal }),
		},
		connectionLife(life),
		{
			names: { line: "process", what: "process facts" },
			sample: ({ sample }) => collectProcess(recorder, { pid, sample, redact: redactCommandLine }),
		},
		{
			names: { line: "process", what: "Go build info" },
			// A running program's executable does not change: once is enough.
			sample: async ({ sample }) => (sample === 0 ? collectGoBinary(recorder, { pid }) : undefined),
		},
	];
}

function connectionLife(life: ConnectionLife): Track {
	return {
		names: { line: "sockets", what: "life of connections" },
		sample: ({ sample, signal }) => (sample === 0 ? life.begin(signal) : life.end(sample, signal)),
		async between(watch) {
			await life.between(watch);
			return 0;
		},
		close: () => life.close(),
	};
}

function ledger(recorder: Recorder, plan: TrackPlan & { readonly pid: number }, life: ConnectionLife): Track {
	const { pid, pprof, metrics } = plan;
	const line = new LedgerLine(recorder, {
		pid,
		awaited: [
			...(pprof === undefined ? [] : (["go-debug1"] as const)),
			...(metrics === undefined ? [] : (["prometheus"] as const)),
		],
		openedSoFar: () => life.openedSoFar(),
	});
	if (plan.ledger === false) {
		recorder.gap({ ...LEDGER_NAMES, why: "turned off by --no-ledger", weight: "note" });
	}
	return {
		names: LEDGER_NAMES,
		sample: async ({ sample, signal }) => (sample === 0 ? undefined : line.read(sample, signal)),
		// What it still has then was out while the goroutines were dumped.
		last: true,
		async between(watch) {
			if (plan.ledger !== false) await line.watch(watch);
			return 0;
		},
		close: () => line.close(),
	};
}

function goroutines(recorder: Recorder, plan: TrackPlan & { readonly pprof: string }): Track {
	const { pprof, goroutinesMax = GOROUTINES_DEBUG2_MAX } = plan;
	const reach = plan.reach.pprof ?? {};
	let first: Probe | undefined;
	return {
		names: { line: "runtime", what: "goroutines" },
		async sample(sampling) {
			first = await collectGoroutines(recorder, { pprof, reach, goroutinesMax, ...sampling });
		},
		async between(watch) {
			return first ? witnessGoroutines(recorder, { ...watch, pprof, reach, first }) : 0;
		},
	};
}

function ofRuntime(recorder: Recorder, plan: TrackPlan & { readonly pprof: string }): readonly Track[] {
	const { profileSeconds, traceSeconds, leakProfile } = plan;
	return [
		goroutines(recorder, plan),
		heap(recorder, plan),
		...(profileSeconds === undefined ? [] : [profiles(recorder, { ...plan, profileSeconds })]),
		...(traceSeconds === undefined ? [] : [goTrace(recorder, { ...plan, traceSeconds })]),
		...(leakProfile ? [leaked(recorder, plan)] : []),
	];
}

function leaked(recorder: Recorder, { pprof, reach }: TrackPlan & { readonly pprof: string }): Track {
	return {
		names: LEAKED_NAMES,
		sample: async (sampling) =>
			sampling.sample === 0
				? undefined
				: collectLeaked(recorder, { pprof, reach: reach.pprof ?? {}, ...sampling }),
		// It makes the service collect garbage, which no other line should see.
		last: true,
	};
}

function heap(recorder: Recorder, { pprof, reach }: TrackPlan & { readonly pprof: string }): Track {
	return {
		names: { line: "runtime", what: "heap" },
		async sample(sampling) {
			await collectHeap(recorder, { pprof, reach: reach.pprof ?? {}, ...sampling });
		},
	};
}

function profiles(
	recorder: Recorder,
	{ pprof, reach, profileSeconds }: TrackPlan & { readonly pprof: string; readonly profileSeconds: number },
): Track {
	const at = { pprof, reach: reach.pprof ?? {} };
	return {
		names: { line: "runtime", what: "profiles" },
		async sample(sampling) {
			await Promise.all(
				COUNTED_PROFILES.map((kind) => collectProfile(recorder, { ...at, kind, ...sampling })),
			);
		},
		async between({ signal, windowMs }) {
			const cpu = { kind: "cpu", seconds: profileSeconds, sample: 0, timeoutMs: windowMs + LATE_MS } as const;
			await collectProfile(recorder, { ...at, ...cpu, signal });
			return 0;
		},
	};
}

function goTrace(
	recorder: Recorder,
	{ pprof, reach, traceSeconds }: TrackPlan & { readonly pprof: string; readonly traceSeconds: number },
): Track {
	return {
		names: TRACE_NAMES,
		// It lies between the ends: what was born in it and did not end is in the last dump.
		sample: async () => undefined,
		async between({ signal, windowMs }) {
			const how = { seconds: traceSeconds, timeoutMs: windowMs + LATE_MS, signal };
			await collectGoTrace(recorder, { pprof, reach: reach.pprof ?? {}, ...how });
			return 0;
		},
	};
}

function nameServers(recorder: Recorder, task: DnsCheckTask): Track {
	return {
		names: DNS_CHECK_NAMES,
		sample: async () => undefined,
		async between({ signal }) {
			await collectDnsCheck(recorder, task, signal);
			return 0;
		},
	};
}

function metricsPage(recorder: Recorder, url: string, reach: Reach): Track {
	let first: Part | undefined;
	return {
		names: { line: "pool", what: "metrics" },
		async sample(sampling) {
			first = await collectMetrics(recorder, { url, reach, ...sampling });
		},
		async between(watch) {
			const { signal } = watch;
			// Shorter than what the window's end waits for: a late page must not become a gap.
			const timeoutMs = 1000;
			const read = (sample: number) => collectMetrics(recorder, { url, reach, sample, timeoutMs, signal });
			return first ? watchMetrics(first, read, watch) : 0;
		},
	};
}

function sessions(recorder: Recorder, db: string): Track {
	const reader = openSessions(db);
	let readable = false;
	return {
		names: { line: "pool", what: "database sessions" },
		async sample(sampling) {
			readable = (await reader.collect(recorder, sampling)) !== undefined;
		},
		// A database that refused once is not asked every second: a wrong password may lock the role.
		between: async (watch) => (readable ? watchSessions(recorder, reader, watch) : 0),
		close: () => reader.close(),
	};
}
