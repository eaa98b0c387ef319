/** The check of name servers in a trial of the lab: asked for as by flags, and whether it said what it should. */
import type { DnsCheckTask } from "@plumbline/capture/dns-check";
import type { Scenario } from "@plumbline/lab/scenario";
import type { Stage } from "@plumbline/lab/stage";
import { judgeDnsCheck } from "@plumbline/signals/dns-check-verdicts";
import type { Signals } from "@plumbline/signals/signals";
import { dnsCheckTask } from "./dns-check-task.ts";
import { parseDnsName, parseServerFlag } from "./dns-flags.ts";

/** As `--dns-check` and `--dns-trusted`, where the scenario asks for it. */
export function dnsComparison({
	pid,
	scenario: { naming },
	names,
}: Pick<Stage, "pid" | "scenario" | "names">): {
	readonly dnsCheck?: DnsCheckTask;
} {
	if (naming?.compare === undefined || names === undefined) return {};
	const dnsTrusted = names.trusted.map(parseServerFlag("--dns-trusted"));
	const task = dnsCheckTask({ pid, dnsCheck: naming.compare.names.map(parseDnsName), dnsTrusted }, []);
	return task === undefined ? {} : { dnsCheck: task };
}

/** Silence counts only where the check was made, and for the right reason. */
export function nameMismatches(
	{ naming }: Pick<Scenario, "naming">,
	{ dnsChecks }: Pick<Signals, "dnsChecks">,
): readonly string[] {
	if (naming?.compare === undefined) return [];
	const check = dnsChecks.at(-1)?.value;
	if (check === undefined) return ["expected a check of the name servers, none was made"];
	const { names } = judgeDnsCheck(check);
	return naming.compare.names.flatMap((name, at) => {
		const row = names.find(({ server, question }) => server === 0 && question.name === `${name}.`);
		const [wanted, found] = [naming.compare?.verdicts[at], row?.verdict?.kind];
		return wanted === found ? [] : [`expected ${wanted} for ${name}, found ${found}`];
	});
}
