/** `plumbline version`. */
import { buildCommand } from "@stricli/core";
import type { CliContext } from "../context.ts";
import { VERSION } from "../version.ts";

export const versionCommand = buildCommand<Record<never, never>, [], CliContext>({
	docs: {
		brief: "Print the version of plumbline and of the Node it runs on",
		customUsage: [{ input: "", brief: "For a bug report; plumbline --version prints the same" }],
	},
	parameters: {},
	func() {
		this.process.stdout.write(`plumbline ${VERSION} (node ${process.versions.node})\n`);
	},
});
