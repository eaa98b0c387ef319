/**
 * What skipped tests mean. Two reasons are agreed on, by how the skip's text begins:
 * - `missing tool: ` (or a reason with `is not installed`, as the lab's errors say it) something that can be
 *   installed is not there. Under CI=true that is a failure.
 * - `not possible here: ` this machine cannot run it at all (no root, another architecture). Counted.
 * Any other reason is counted and shown as it is.
 */
import type { Skip } from "./skip-reporter.ts";

const MISSING_TOOL = /^missing tool: |\bis not installed\b/;

/** Reads the reporter's lines; a line cut short by a killed run is left out. */
export function readSkips(lines: string): readonly Skip[] {
	return lines.split("\n").flatMap((line) => {
		try {
			return line === "" ? [] : [JSON.parse(line) as Skip];
		} catch {
			return [];
		}
	});
}

export interface SkipSummary {
	readonly text: string;
	/** Skips that fail the run when tools are expected to be there. */
	readonly missingTools: number;
}

/** One line a reason with its count, the tests under it, and the sum. */
export function summarizeSkips(skips: readonly Skip[]): SkipSummary {
	if (skips.length === 0) return { text: "skipped: none\n", missingTools: 0 };
	const reasons = Map.groupBy(skips, (skip) => (skip.reason === "" ? "(no reason given)" : skip.reason));
	const lines = [...reasons].flatMap(([reason, all]) => [
		`  ${all.length} x ${reason}`,
		...all.map((skip) => `      ${skip.test} (${skip.file})`),
	]);
	return {
		text: `skipped: ${skips.length}\n${lines.join("\n")}\n`,
		missingTools: skips.filter((skip) => MISSING_TOOL.test(skip.reason)).length,
	};
}
