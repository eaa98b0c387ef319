/** `plumbline diagnose` as the command line sees it; the work is in diagnose-service.ts, loaded when needed. */
import { buildCommand } from "@stricli/core";
import type { CliContext } from "../context.ts";
import type { DiagnoseFlags } from "../diagnose-service.ts";
import { parseFile } from "../flag-parsers.ts";
import { LIVE_FLAGS } from "../live-flags.ts";
import { LOOSE_FLAGS, parseLooseFile } from "../loose-flags.ts";

export const diagnoseCommand = buildCommand<DiagnoseFlags, string[], CliContext>({
	docs: {
		brief: "Find the connection leak of a running Go service and name the line that leaks",
		fullDescription: [
			"Reads the service's sockets, goroutines, pool counters and database sessions at both ends of a",
			"window of 10 seconds, and what is cheap also in between; lays them over each other and says what",
			"leaks, where, how sure, and what to do.",
			"It changes nothing in the service. A full goroutine dump pauses it for some milliseconds. As root, when a",
			"pool is in use, it also keeps a borrow ledger for the window: the kernel watches who takes and returns",
			"connections, by breakpoints in the running code that go with Plumbline. --no-ledger forbids that.",
			"",
			"Or from files: dumps, profiles, traces, ss, netstat, metrics pages, session lists, also as they were",
			"pasted into a ticket (log prefixes, escapes, quoting, Markdown, line breaks). Each is known by what is",
			"in it; - is standard input. What was mended and what is lost is told (docs/loose-files.md).",
			"",
			"EXIT STATUS",
			"  0 nothing found   1 findings of warning or worse   2 wrong usage",
			"  3 could not examine what was asked   130 interrupted",
		].join("\n"),
		customUsage: [
			{ input: "--pid 4711", brief: "A service on this host; its pprof and metrics ports are found" },
			{
				input: "--pid 4711 --db postgres://app@127.0.0.1/orders --save leak.plumb",
				brief:
					"With its database's own view; keep the capture. PLUMBLINE_DB=URL keeps the password out of ps",
			},
			{
				input: "--pprof 10.0.0.7:6060 --metrics 10.0.0.7:9090",
				brief: "A service on another host, without its sockets",
			},
			{ input: "--pid 4711 --no-ledger", brief: "Place nothing in the running code, not even as root" },
			{
				input: "--pid 4711 --profile-seconds 5",
				brief: "Also where the CPU goes, and who allocates and blocks",
			},
			{
				input: "--pid 4711 --trace-seconds 3 --leak-profile",
				brief: "Goroutines pile up: who made them, and which the runtime itself calls leaked (Go 1.27)",
			},
			{
				input: "--pid 4711 --dns-trusted tls://9.9.9.9#dns.quad9.net --dns-check api.example.com",
				brief: "Also whether its name servers forge answers; the trusted one is told the name",
			},
			{ input: "--pid 4711 --html report.html", brief: "Also a report to look at, with all it rests on" },
			{ input: "dump1.txt dump2.txt metrics.txt", brief: "What somebody saved, in any order" },
			{ input: "-", brief: "What is pasted: then Ctrl-D; or piped, as from kubectl logs POD" },
			{ input: "--goroutines ticket.md --sockets ss.txt", brief: "Files, with what each is to be" },
			{ input: "--from leak.plumb --markdown", brief: "The same verdict again, offline, for a ticket" },
		],
	},
	parameters: {
		flags: {
			...LIVE_FLAGS,
			...LOOSE_FLAGS,
			from: {
				kind: "parsed",
				parse: parseFile("--from"),
				optional: true,
				brief: "Diagnose this capture file instead of a running service",
				placeholder: "FILE.plumb",
			},
			save: {
				kind: "parsed",
				parse: parseFile("--save"),
				optional: true,
				brief: "Keep the capture in this file",
				placeholder: "FILE.plumb",
			},
			json: {
				kind: "boolean",
				optional: true,
				withNegated: false,
				brief: "Print JSON (docs/diagnosis.schema.json)",
			},
			markdown: { kind: "boolean", optional: true, withNegated: false, brief: "Print Markdown for a ticket" },
			html: {
				kind: "parsed",
				parse: parseFile("--html"),
				optional: true,
				brief: "Write a report for a browser to this file, needing no network; - prints it",
				placeholder: "FILE",
			},
			color: { kind: "boolean", optional: true, brief: "Colour on a terminal; NO_COLOR is honoured" },
		},
		positional: {
			kind: "array",
			parameter: {
				parse: parseLooseFile("FILE"),
				brief: "Dumps, tables, pages, as saved or pasted; - is standard input",
				placeholder: "FILE",
			},
		},
	},
	loader: async () => (await import("../diagnose-service.ts")).diagnoseService,
});
