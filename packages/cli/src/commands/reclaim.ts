/** `plumbline reclaim time-wait` as the command line sees it; the work is in reclaim-time-wait.ts. */
import { buildCommand } from "@stricli/core";
import type { CliContext } from "../context.ts";
import { parseFile, parsePid } from "../flag-parsers.ts";
import {
	parseMax,
	parseOlderThan,
	parsePeer,
	parsePort,
	parseRate,
	type ReclaimFlags,
} from "../reclaim-flags.ts";

export const reclaimTimeWaitCommand = buildCommand<ReclaimFlags, [], CliContext>({
	docs: {
		brief: "Make the kernel forget sockets in TIME_WAIT to one private peer, after saying the cure",
		fullDescription: [
			"First aid for a host whose ports towards one peer have run out. Without --yes it only says what it",
			"would do. It takes sockets in TIME_WAIT alone, by the kernel's cookie, oldest first, in small batches;",
			"both ends must be private addresses. Live connections to the same peer are not touched.",
			"docs/reclaim.md tells what it risks. --yes needs CAP_NET_ADMIN.",
			"",
			"EXIT STATUS",
			"  0 done, or nothing to do   2 wrong usage   3 could not, or not all of it   130 interrupted",
		].join("\n"),
		customUsage: [
			{ input: "--peer 10.0.0.7 --port 5432", brief: "What would go, what stays and why, and the cure" },
			{
				input: "--peer 10.0.0.7 --port 5432 --yes --log reclaim.jsonl",
				brief: "Do it, and keep a line of JSON for everything asked and answered",
			},
			{
				input: "--peer 10.0.0.7 --port 5432 --pid 4711 --max 500 --rate 100/s --yes",
				brief: "In the network namespace of a container's process, slowly",
			},
		],
	},
	parameters: {
		flags: {
			peer: { kind: "parsed", parse: parsePeer, brief: "The peer's private IP address", placeholder: "IP" },
			port: { kind: "parsed", parse: parsePort, brief: "The peer's port", placeholder: "N" },
			pid: {
				kind: "parsed",
				parse: parsePid,
				optional: true,
				brief: "Whose network namespace; ours if not given",
				placeholder: "N",
			},
			olderThan: {
				kind: "parsed",
				parse: parseOlderThan,
				default: "5s",
				brief: "Leave sockets younger than this, 5s at least",
				placeholder: "TIME",
			},
			max: {
				kind: "parsed",
				parse: parseMax,
				default: "10000",
				brief: "Take so many sockets at most",
				placeholder: "N",
			},
			rate: {
				kind: "parsed",
				parse: parseRate,
				default: "2000/s",
				brief: "So many a second at most",
				placeholder: "N/s",
			},
			yes: { kind: "boolean", optional: true, withNegated: false, brief: "Do it, instead of saying it" },
			json: { kind: "boolean", optional: true, withNegated: false, brief: "Print JSON" },
			log: {
				kind: "parsed",
				parse: parseFile("--log"),
				optional: true,
				brief: "Append what is asked and answered to this file, as lines of JSON",
				placeholder: "FILE",
			},
		},
	},
	loader: async () => (await import("../reclaim-time-wait.ts")).reclaimTimeWait,
});
