/** `plumbline goroutines` as the command line sees it; the work is in goroutines-service.ts, loaded when needed. */
import { buildCommand } from "@stricli/core";
import type { CliContext } from "../context.ts";
import { parseTop } from "../flag-parsers.ts";
import type { GoroutinesFlags } from "../goroutines-service.ts";
import { LIVE_FLAGS } from "../live-flags.ts";
import { parseLooseFile } from "../loose-flags.ts";

export const goroutinesCommand = buildCommand<GoroutinesFlags, string[], CliContext>({
	docs: {
		brief: "Show what the goroutines of a dump, a profile or a running service are doing",
		fullDescription: [
			"Groups goroutines by stack and state, whatever their ids, arguments and line numbers, and lays similar",
			"groups together: what they wait for, who created them, how old the runtime takes them to be, and at",
			"which frame their stacks part. Goroutines that come in sets of equal counts are told as sets.",
			"A FILE is a full dump (debug=2, SIGQUIT, panic), a grouped profile (debug=1, or protobuf, gzip'd or",
			"not) or a capture of plumbline. It is an instrument, not a verdict: `plumbline diagnose` judges.",
			"",
			"EXIT STATUS",
			"  0 shown   2 wrong usage   3 could not be read, or holds no goroutines   130 interrupted",
		].join("\n"),
		customUsage: [
			{ input: "dump.txt", brief: "One dump, however it was taken" },
			{ input: "--diff monday.txt friday.pb.gz", brief: "What grew; lines may differ between the builds" },
			{ input: "--diff leak.plumb", brief: "What grew from the first to the last sample of a capture" },
			{ input: "--pid 4711 --top 5", brief: "A service on this host, now" },
			{ input: "dump.txt --json", brief: "Everything, for programs (plumbline.goroutines/1)" },
		],
	},
	parameters: {
		positional: {
			kind: "array",
			parameter: {
				parse: parseLooseFile("FILE"),
				brief: "Dump, profile or capture; - is standard input",
				placeholder: "FILE",
			},
		},
		flags: {
			pid: LIVE_FLAGS.pid,
			pprof: LIVE_FLAGS.pprof,
			goroutinesMax: LIVE_FLAGS.goroutinesMax,
			diff: {
				kind: "boolean",
				optional: true,
				withNegated: false,
				brief: "Show growth from the first FILE to the second, or within one capture",
			},
			top: {
				kind: "parsed",
				parse: parseTop,
				default: "12",
				brief: "Clusters to show",
				placeholder: "N",
			},
			json: {
				kind: "boolean",
				optional: true,
				withNegated: false,
				brief: "Print JSON (plumbline.goroutines/1)",
			},
			color: { kind: "boolean", optional: true, brief: "Colour on a terminal; NO_COLOR is honoured" },
		},
	},
	loader: async () => (await import("../goroutines-service.ts")).goroutinesService,
});
