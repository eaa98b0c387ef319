/** A clean-up in text for people: first the cure, then the plan, then what became of it. */
import { Page, type PageOptions } from "@plumbline/report/page";
import { endpoint } from "./reclaim-log.ts";
import type { OutcomeReport, PlanReport } from "./reclaim-report.ts";

export function planText(report: PlanReport, options: PageOptions): string {
	const page = new Page(options);
	const { peer, pid, take, spared, settings } = report;
	page.prose("The cure", { style: "strong" });
	report.cure.forEach((step, at) => {
		page.prose(step, { indent: 2, lead: `${at + 1}. ` });
	});
	page.blank();
	const where = pid === undefined ? "" : ` in the network namespace of process ${pid}`;
	page.prose(`TIME_WAIT to ${endpoint(peer.ip, peer.port)}${where}`, { style: "strong" });
	page.labelled(report.dryRun ? "would go" : "to go", taken(take));
	for (const { count, why, example } of spared) {
		page.labelled("stay", `${count}, ${why} (such as ${example})`);
	}
	const ports = settings.ephemeralPorts;
	if (ports !== undefined) {
		page.labelled(
			"ports",
			`${ports.last - ports.first + 1} to go out from (${ports.first} to ${ports.last})`,
		);
	}
	for (const note of report.notes) page.labelled("note", note, "note");
	page.blank();
	if (report.dryRun && take.count > 0) {
		page.prose("Nothing was done. Say --yes to do it; docs/reclaim.md tells what it risks.");
	} else if (take.count === 0) {
		page.prose("Nothing to do.");
	}
	return page.text();
}

function taken({ count, oldestMs = 0, youngestMs = 0 }: PlanReport["take"]): string {
	if (count === 0) return "0";
	return `${count}, in TIME_WAIT for ${seconds(youngestMs)} to ${seconds(oldestMs)}`;
}

function seconds(ms: number): string {
	return `${(ms / 1000).toFixed(1)} s`;
}

export function outcomeText(outcome: OutcomeReport, options: PageOptions): string {
	const page = new Page(options);
	const { asked, destroyed, gone, failed, remaining } = outcome;
	page.blank();
	page.prose("Done", { style: "strong" });
	page.labelled("asked", String(asked));
	page.labelled("destroyed", String(destroyed));
	if (gone > 0) page.labelled("left", `${gone} that had ended, or whose ports serve a live connection now`);
	if (failed > 0) page.labelled("failed", String(failed), "warning");
	page.labelled("recount", remaining === undefined ? "not possible" : `${remaining} of them are still there`);
	for (const why of outcome.why) page.prose(why, { style: "warning" });
	return page.text();
}
