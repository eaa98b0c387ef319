/** `plumbline lab run` as the command line sees it; the work is in lab-run.ts, loaded when needed. */
import { BUILD_VARIANTS } from "@plumbline/lab/build-service";
import { listScenarios } from "@plumbline/lab/scenario";
import { buildCommand } from "@stricli/core";
import type { CliContext } from "../context.ts";
import { parseRuns, parseWindow } from "../flag-parsers.ts";
import type { LabRunFlags } from "../lab-run.ts";

export const labRunCommand = buildCommand<LabRunFlags, string[], CliContext>({
	docs: {
		brief: "Run programs that leak in known ways, diagnose them, compare with what is expected",
		fullDescription: "Exits with 0 when every verdict is as expected, with 1 when one is not.",
		customUsage: [
			{ input: "tx-error-background", brief: "One program, once" },
			{ input: "--all --runs 10 --json", brief: "All of them, ten times" },
			{ input: "tx-panic --go each --build all", brief: "On every Go it names, built in every way" },
			{ input: "--all --record", brief: "Keep captures and texts in captures/" },
		],
	},
	parameters: {
		flags: {
			all: { kind: "boolean", optional: true, withNegated: false, brief: "Every program of the lab" },
			json: { kind: "boolean", optional: true, withNegated: false, brief: "Print JSON" },
			record: {
				kind: "boolean",
				optional: true,
				withNegated: false,
				brief: "Write captures/NAME.plumb and captures/NAME.txt of the last run",
			},
			runs: { kind: "parsed", parse: parseRuns, default: "1", brief: "How often each", placeholder: "N" },
			window: {
				kind: "parsed",
				parse: parseWindow,
				default: "10s",
				brief: "As of diagnose",
				placeholder: "TIME",
			},
			go: {
				kind: "parsed",
				parse: String,
				optional: true,
				brief: "Build with this Go: local, go1.22.12, or each for all a program names",
				placeholder: "VERSION",
			},
			build: {
				kind: "enum",
				values: [...BUILD_VARIANTS, "all"],
				default: "normal",
				brief: "How the program is built",
			},
			ledger: { kind: "boolean", optional: true, brief: "As of diagnose" },
		},
		positional: {
			kind: "array",
			parameter: {
				brief: "Name of a program: see plumbline lab list",
				parse: String,
				placeholder: "name",
				proposeCompletions: () => listScenarios().map(({ name }) => name),
			},
		},
	},
	loader: async () => (await import("../lab-run.ts")).runLab,
});
