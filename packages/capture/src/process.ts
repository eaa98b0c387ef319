/** Facts about the target process and its limits, each where it can be read, as one JSON part. */
import { readCpuLimit, readMemoryLimit } from "@plumbline/kernel/cgroup-limits";
import { placeOfNetworkNamespace } from "@plumbline/kernel/network-namespace";
import { readNetworkSysctls } from "@plumbline/kernel/network-sysctls";
import {
	countFds,
	readCommandLine,
	readFdLimit,
	readProcessUse,
	readScheduling,
	readStatus,
} from "@plumbline/kernel/process-facts";
import { readProcessStat, whyGone } from "@plumbline/kernel/process-stat";
import type { Reading, Refusal } from "@plumbline/kernel/reading";
import { readResolver } from "@plumbline/kernel/resolv-conf";
import { readUdpCounters } from "@plumbline/kernel/udp-counters";
import type { ProcessFacts } from "@plumbline/signals/process";
import { encodeProcess } from "@plumbline/signals/process-json";
import { howToRead } from "./process-rights.ts";
import type { Recorder } from "./recorder.ts";

/** Longer command lines (class paths, inline scripts) are cut after redaction. */
const COMMAND_LINE_CHARS_MAX = 4096;

export interface ProcessRequest {
	readonly pid: number;
	readonly sample: number;
	/** Takes credentials out of the command line. */
	readonly redact: (text: string) => string;
}

export async function collectProcess(recorder: Recorder, request: ProcessRequest): Promise<void> {
	const { pid, sample } = request;
	const plan = {
		name: `process.${sample}.json`,
		format: "process",
		sample,
		source: `/proc/${pid}`,
		line: "process",
		what: "process facts",
	} as const;
	await recorder.record(plan, async () => {
		const stat = readProcessStat(pid);
		if (stat.kind === "refused") throw new Error(stat.why);
		const { facts, refusals } = await readFacts(request);
		const gone = whyGone(stat.value);
		if (gone !== undefined) throw new Error(gone);
		noteRefusals(recorder, pid, refusals);
		const { comm, startTicks, stopped } = stat.value;
		if (stopped) recorder.gap({ ...STOPPED, why: whyStopped(pid) });
		return { bytes: encodeProcess({ pid, comm, startTicks, ...facts }) };
	});
}

const STOPPED = { line: "process", what: "process state", weight: "note" } as const;

function whyStopped(pid: number): string {
	return `process ${pid} is stopped (SIGSTOP or a debugger) and answers nothing until it continues: kill -CONT ${pid}`;
}

async function readFacts({
	pid,
	redact,
}: ProcessRequest): Promise<{ facts: Partial<ProcessFacts>; refusals: Refusal[] }> {
	const refusals: Refusal[] = [];
	/** The value, turned into fields; nothing (and a refusal noted) where it could not be read. */
	const fields = <T>(
		reading: Reading<T>,
		name: (value: T) => Partial<ProcessFacts>,
	): Partial<ProcessFacts> => {
		if (reading.kind === "read") return name(reading.value);
		refusals.push(reading);
		return {};
	};
	const place = placeOfNetworkNamespace(pid);
	const other = place.kind === "read" && place.value === "other";
	const facts = {
		...fields(readCommandLine(pid), (line) => ({
			commandLine: redact(line).slice(0, COMMAND_LINE_CHARS_MAX),
		})),
		...fields(readStatus(pid), ({ uid, residentBytes }) => ({
			uid,
			...(residentBytes === undefined ? {} : { memoryBytes: residentBytes }),
		})),
		...fields(readProcessUse(pid), (use) => use),
		...fields(readScheduling(pid), (scheduling) => scheduling),
		...fields(readResolver(pid), (resolver) => ({ resolver })),
		...fields(readUdpCounters(pid), (udp) => ({ udp })),
		...fields(countFds(pid), (fdCount) => ({ fdCount })),
		...fields(readFdLimit(pid), (fdLimit) => (Number.isFinite(fdLimit) ? { fdLimit } : {})),
		...fields(readMemoryLimit(pid), (bytes) => (bytes === undefined ? {} : { memoryLimitBytes: bytes })),
		...fields(readCpuLimit(pid), (cores) => (cores === undefined ? {} : { cpuLimit: cores })),
		...fields(place, () => ({ foreignNetworkNamespace: other })),
		// Whose settings these would be is only known together with the namespace.
		...(place.kind === "read"
			? fields(await readNetworkSysctls(other ? pid : undefined), (sysctls) => sysctls)
			: {}),
	};
	return { facts, refusals };
}

function noteRefusals(recorder: Recorder, pid: number, refusals: readonly Refusal[]): void {
	const denied = refusals.filter((refusal) => refusal.code === "denied");
	if (denied.length > 0) {
		const why = `${denied.map((refusal) => refusal.why).join(", ")}: ${howToRead(pid)}`;
		recorder.gap({ line: "process", what: "process facts", why, weight: "note" });
	}
	for (const refusal of refusals) {
		if (refusal.code === "denied") continue;
		recorder.gap({ line: "process", what: "process facts", why: refusal.why, weight: "note" });
	}
}
