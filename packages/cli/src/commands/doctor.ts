/** `plumbline doctor` as the command line sees it; the work is in doctor.ts, loaded when needed. */
import { buildCommand } from "@stricli/core";
import type { CliContext } from "../context.ts";
import type { DoctorFlags } from "../doctor.ts";
import { parsePid } from "../flag-parsers.ts";

export const doctorCommand = buildCommand<DoctorFlags, [], CliContext>({
	docs: {
		brief: "Say what this host and user allow, what each missing right costs, and how to grant it",
		fullDescription: [
			"Tries what can be tried without harm, attaches to nothing and changes nothing. docs/rights.md tells",
			"what each right is for.",
			"",
			"EXIT STATUS",
			"  0 the rights were read, whatever they are   2 wrong usage   3 no such process",
		].join("\n"),
		customUsage: [
			{ input: "", brief: "This host and this user" },
			{ input: "--pid 4711", brief: "And what may be seen of this process" },
			{ input: "--pid 4711 --json", brief: "For a program" },
		],
	},
	parameters: {
		flags: {
			pid: {
				kind: "parsed",
				parse: parsePid,
				optional: true,
				brief: "Process that is to be diagnosed",
				placeholder: "N",
			},
			json: { kind: "boolean", optional: true, withNegated: false, brief: "Print JSON" },
		},
	},
	loader: async () => (await import("../doctor.ts")).runDoctor,
});
