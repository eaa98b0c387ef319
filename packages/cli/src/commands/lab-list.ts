/** `plumbline lab list`. */
import { listScenarios } from "@plumbline/lab/scenario";
import { buildCommand } from "@stricli/core";
import type { CliContext } from "../context.ts";

export const labListCommand = buildCommand<Record<never, never>, [], CliContext>({
	docs: { brief: "List the lab's programs", customUsage: [{ input: "", brief: "Name, database, title" }] },
	parameters: {},
	func() {
		const scenarios = listScenarios();
		const width = Math.max(...scenarios.map(({ name }) => name.length));
		for (const { name, database, title } of scenarios) {
			this.process.stdout.write(`${name.padEnd(width)}  ${database.padEnd(9)}  ${title}\n`);
		}
	},
});
