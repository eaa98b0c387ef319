/** The work of `plumbline doctor`: read the rights, lay out what they are good for. */
import { readHostRights } from "@plumbline/kernel/rights";
import { readTargetRights } from "@plumbline/kernel/rights-target";
import type { CliContext } from "./context.ts";
import { doctorReport } from "./doctor-report.ts";
import { doctorText } from "./doctor-text.ts";
import { CommandError, EXIT_NOTHING_FOUND, EXIT_UNEXAMINED } from "./exit-code.ts";

export interface DoctorFlags {
	readonly pid?: number;
	readonly json?: boolean;
}

export async function runDoctor(this: CliContext, { pid, json }: DoctorFlags): Promise<void> {
	const target = pid === undefined ? undefined : readTargetRights(pid);
	if (target?.kind === "refused") throw new CommandError(target.why, EXIT_UNEXAMINED);
	const report = doctorReport(await readHostRights(this.process.env.PATH ?? ""), target?.value);
	this.process.stdout.write(
		json ? `${JSON.stringify(report, undefined, 2)}\n` : doctorText(report, this.page),
	);
	// What is missing is the answer, not a failure to answer.
	this.process.exitCode = EXIT_NOTHING_FOUND;
}
