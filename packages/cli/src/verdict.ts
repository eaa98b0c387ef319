/** From signals to a diagnosis and the exit code it ends with. */
import type { CaptureRequest } from "@plumbline/capture/take-capture";
import { diagnose } from "@plumbline/diagnosis/diagnose";
import { UNEXAMINED_DNS } from "@plumbline/diagnosis/dns-check-view";
import type { Diagnosis } from "@plumbline/diagnosis/finding";
import type { Signals } from "@plumbline/signals/signals";
import { EXIT_FINDINGS, EXIT_NOTHING_FOUND, EXIT_UNEXAMINED } from "./exit-code.ts";

export interface Verdict {
	readonly diagnosis: Diagnosis;
	readonly exitCode: number;
}

/** `asked` is what the user named; a silent failure to read it must not look like health. */
export function verdictOf(signals: Signals, asked: Partial<CaptureRequest>): Verdict {
	const diagnosis = diagnose(signals);
	return { diagnosis, exitCode: exitCodeFor(diagnosis, signals, asked) };
}

function exitCodeFor(diagnosis: Diagnosis, signals: Signals, asked: Partial<CaptureRequest>): number {
	if (diagnosis.findings.some(({ severity }) => severity !== "note")) return EXIT_FINDINGS;
	if (diagnosis.examined.every(({ state }) => state === "unexamined")) return EXIT_UNEXAMINED;
	if (asked.dnsCheck !== undefined && !examinedDns(diagnosis, signals)) return EXIT_UNEXAMINED;
	return readAllAsked(signals, asked) ? EXIT_NOTHING_FOUND : EXIT_UNEXAMINED;
}

/** Without a quorum nobody is accused, and nobody is cleared. */
function examinedDns({ gaps }: Diagnosis, { dnsChecks }: Signals): boolean {
	return dnsChecks.length > 0 && !gaps.some(({ what }) => what === UNEXAMINED_DNS);
}

function readAllAsked(signals: Signals, asked: Partial<CaptureRequest>): boolean {
	const { pid, pprof, metrics, db } = asked;
	const ended = signals.gaps.some(({ what }) => what === "target");
	if (ended) return false;
	const runtime = signals.goroutines.length + signals.goroutineProfiles.length > 0;
	const pool = signals.metrics.length + signals.sessions.length > 0;
	// Sockets alone cannot tell a leak: without a second line nothing was examined that could be sick.
	if (pid !== undefined && (signals.fds.length === 0 || !(runtime || pool))) return false;
	if (pprof !== undefined && !runtime) return false;
	if (metrics !== undefined && signals.metrics.length === 0) return false;
	if (!readExtras(signals, asked)) return false;
	return db === undefined || signals.sessions.length > 0;
}

/** What is read only because the user asked for it by a flag of its own. */
function readExtras(signals: Signals, asked: Partial<CaptureRequest>): boolean {
	const { profileSeconds, traceSeconds, leakProfile } = asked;
	const cpu = signals.profiles.some(({ value }) => value.types.some(({ type }) => type === "cpu"));
	if (profileSeconds !== undefined && !cpu) return false;
	if (traceSeconds !== undefined && signals.traces.length === 0) return false;
	return leakProfile !== true || signals.leakProfiles.length > 0;
}
