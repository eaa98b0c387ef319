/** The one sentence that says how it stands; every rendering begins with it. */
import type { Diagnosis, Severity } from "@plumbline/diagnosis/finding";
import { threadsOf } from "./threads.ts";

/** Gaps named in the verdict; all are listed below it. */
const NAMED_MAX = 6;
const SEVERITIES: readonly Severity[] = ["critical", "warning", "note"];

/**
 * Names causes only: what follows from them is counted behind. Finding nothing is never called health; it is
 * said together with what was not read.
 */
export function verdictOf(diagnosis: Diagnosis): string {
	const threads = threadsOf(diagnosis);
	const first = threads[0];
	if (first === undefined) return nothingFound(diagnosis);
	const consequences = threads.reduce((sum, thread) => sum + thread.consequences.length, 0);
	const behind = consequences === 0 ? "" : ` with ${plural(consequences, "consequence")}`;
	if (threads.length === 1) return `1 ${first.cause.severity} finding${behind}: ${first.cause.title}`;
	const counts = SEVERITIES.map((severity) => ({
		severity,
		count: threads.filter((thread) => thread.cause.severity === severity).length,
	})).filter(({ count }) => count > 0);
	const kinds = counts.map(({ severity, count }) => `${count} ${severity}`).join(", ");
	return `${threads.length} findings (${kinds})${behind}; first: ${first.cause.title}`;
}

function plural(count: number, one: string): string {
	return `${count} ${one}${count === 1 ? "" : "s"}`;
}

/** A line that was not read is named by what is missing of it, where that is known. */
function nothingFound({ examined, gaps }: Diagnosis): string {
	const lost = gaps.filter((gap) => gap.weight === "loss");
	const unread = examined
		.filter(({ line, state }) => state === "unexamined" && !lost.some((gap) => gap.line === line))
		.flatMap(({ line }) => {
			const missing = gaps.filter((gap) => gap.line === line);
			return missing.length === 0 ? [line] : missing.map((gap) => gap.what);
		});
	const named = [...new Set([...lost.map((gap) => gap.what), ...unread])];
	const shown = named.slice(0, NAMED_MAX).join(", ");
	const list = named.length > NAMED_MAX ? `${shown} and ${named.length - NAMED_MAX} more` : shown;
	if (examined.every(({ state }) => state === "unexamined"))
		return named.length === 0 ? "nothing was examined" : `nothing was examined: no ${list}`;
	return named.length === 0
		? "nothing found in what was read"
		: `nothing found in what was read; unexamined: ${list}`;
}
