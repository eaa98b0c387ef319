/**
 * Captures without time. Loose files do not say when they were taken: all their parts bear the moment in which
 * they were read, and their window is empty. Its length is then unknown, not zero, and so is the time of evidence.
 */
import type { Signals } from "@plumbline/signals/signals";
import type { Finding } from "./finding.ts";

export function isTimeless({ target, window }: Pick<Signals, "target" | "window">): boolean {
	return target.files !== undefined && window.start.monoMs === window.end.monoMs;
}

export function withoutTimes(findings: readonly Finding[]): Finding[] {
	return findings.map((finding) => ({
		...finding,
		evidence: finding.evidence.map((evidence) => ({ ...evidence, timeUnknown: true as const })),
	}));
}
