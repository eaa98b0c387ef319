/** The order in which a person should read findings: causes above what follows from them. */
import type { Finding, FindingId, Level, Severity } from "./finding.ts";

const SEVERITY_RANK: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, note: 2 };
const LEVEL_RANK: Readonly<Record<Level, number>> = { confirmed: 0, suspected: 1 };

export function rank(findings: readonly Finding[]): Finding[] {
	const depths = new Map(findings.map((f) => [f.id, depthOf(f, findings, new Set())]));
	return findings.toSorted(
		(a, b) =>
			(depths.get(a.id) ?? 0) - (depths.get(b.id) ?? 0) ||
			SEVERITY_RANK[a.severity] - SEVERITY_RANK[b.severity] ||
			LEVEL_RANK[a.level] - LEVEL_RANK[b.level] ||
			b.count - a.count,
	);
}

/** A cause is as grave as what follows from it: one leaked transaction that blocks everybody is critical. */
export function asGraveAsTheirConsequences(findings: readonly Finding[]): Finding[] {
	const gravest = (finding: Finding, on: ReadonlySet<FindingId>): Severity => {
		const path = new Set([...on, finding.id]);
		const after = findings.filter((f) => !path.has(f.id) && f.causes.includes(finding.id));
		return [finding.severity, ...after.map((f) => gravest(f, path))].reduce((a, b) =>
			SEVERITY_RANK[a] <= SEVERITY_RANK[b] ? a : b,
		);
	};
	return findings.map((finding) => ({ ...finding, severity: gravest(finding, new Set()) }));
}

/** 0 for a root cause, otherwise one more than its deepest cause; a ring of causes counts as one. */
function depthOf(finding: Finding, all: readonly Finding[], on: ReadonlySet<FindingId>): number {
	if (on.has(finding.id)) return 0;
	const path = new Set([...on, finding.id]);
	const causes = all.filter((f) => f.id !== finding.id && finding.causes.includes(f.id));
	return Math.max(0, ...causes.map((c) => 1 + depthOf(c, all, path)));
}
