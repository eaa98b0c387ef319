/** `plumbline capture`: the first step of diagnose alone, into a file. */
import { buildCommand } from "@stricli/core";
import type { CaptureFlags } from "../capture-service.ts";
import type { CliContext } from "../context.ts";
import { parseFile } from "../flag-parsers.ts";
import { LIVE_FLAGS } from "../live-flags.ts";

export const captureCommand = buildCommand<CaptureFlags, [], CliContext>({
	docs: {
		brief: "Take a capture of a running service, to diagnose elsewhere or later",
		fullDescription: [
			"Writes what `plumbline diagnose` would look at into one file: a gzip'd tar, readable by its owner",
			"only, secrets taken out. Diagnose it with `plumbline diagnose --from FILE`.",
			"",
			"EXIT STATUS",
			"  0 taken; what it lacks is told   2 wrong usage   3 nothing could be read   130 interrupted",
		].join("\n"),
		customUsage: [
			{ input: "--pid 4711 -o orders.plumb", brief: "A service on this host" },
			{
				input: "--pprof 10.0.0.7:6060 --window 30s -o orders.plumb",
				brief: "A service on another host, over half a minute",
			},
			{
				input: "--pid 4711 --profile-seconds 5 -o orders.plumb",
				brief: "With a CPU profile, and the growth of allocs, block and mutex",
			},
		],
	},
	parameters: {
		flags: {
			...LIVE_FLAGS,
			output: {
				kind: "parsed",
				parse: parseFile("--output"),
				brief: "File to write",
				placeholder: "FILE.plumb",
			},
		},
		aliases: { o: "output" },
	},
	loader: async () => (await import("../capture-service.ts")).captureService,
});
