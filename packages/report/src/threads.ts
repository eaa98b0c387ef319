/** Findings as stories: each cause with the findings that only follow from it. */
import type { Diagnosis, Finding, FindingId } from "@plumbline/diagnosis/finding";

export interface Thread {
	readonly cause: Finding;
	/** In the order of the diagnosis. */
	readonly consequences: readonly Consequence[];
}

export interface Consequence {
	readonly finding: Finding;
	/** Its causes among the findings before it; never empty. */
	readonly because: readonly FindingId[];
}

/**
 * A finding belongs to the thread of the first of its causes that stands before it. Causes come first in a
 * diagnosis, so a finding that names only later or absent ones (a circle, a rule that stayed silent) is a cause
 * of its own.
 */
export function threadsOf({ findings }: Pick<Diagnosis, "findings">): readonly Thread[] {
	const threads: { cause: Finding; consequences: Consequence[] }[] = [];
	const threadOf = new Map<FindingId, { cause: Finding; consequences: Consequence[] }>();
	for (const finding of findings) {
		const because = finding.causes.filter((id) => id !== finding.id && threadOf.has(id));
		let thread = because[0] === undefined ? undefined : threadOf.get(because[0]);
		if (thread === undefined) {
			thread = { cause: finding, consequences: [] };
			threads.push(thread);
		} else thread.consequences.push({ finding, because });
		threadOf.set(finding.id, thread);
	}
	return threads;
}
