/** `plumbline ledger` as the command line sees it; the work is in ledger-service.ts, loaded when needed. */
import { buildCommand } from "@stricli/core";
import type { CliContext } from "../context.ts";
import { parseFor, parsePid } from "../flag-parsers.ts";
import type { LedgerFlags } from "../ledger-service.ts";

export const ledgerCommand = buildCommand<LedgerFlags, [], CliContext>({
	docs: {
		brief: "Watch who borrows connections in a running Go program, and who has not returned them",
		fullDescription: [
			"Has the kernel watch the functions of the program's pools (database/sql, pgxpool, net/http) and",
			"keeps a ledger: which line borrowed a connection, when, and whether it came back. On a terminal it",
			"is shown live; q ends it. Ctrl-C ends it too, and what was seen until then is still printed.",
			"While it is watched, the kernel has breakpoints in the program's copy of its code, and takes them",
			"out whatever happens to plumbline; the file stays as it is. By our measurements, on a virtual machine,",
			"a borrow costs the program 3 to 5 microseconds of CPU in fast mode, 20 to 25 at returns. The forecast",
			"is told first. A pool beyond the budget of 5 % of a processor is not watched without --force.",
			"docs/ledger.md tells how to read it and what it cannot see.",
			"",
			"EXIT STATUS",
			"  It is an instrument, not a verdict: 0 says that it could be read, not that nothing is held.",
			"  0 read   2 wrong usage   3 could not be attached or read   130 interrupted (the result is printed)",
		].join("\n"),
		customUsage: [
			{ input: "--pid 4711", brief: "Half a minute, as root" },
			{ input: "--pid 4711 --for 5m --json > ledger.json", brief: "Longer, every borrow with its stack" },
			{
				input: "--pid 4711 --mode return",
				brief: "Dearer: at every return of the function that takes connections",
			},
		],
	},
	parameters: {
		flags: {
			pid: {
				kind: "parsed",
				parse: parsePid,
				brief: "Process to watch, as this host counts",
				placeholder: "N",
			},
			for: {
				kind: "parsed",
				parse: parseFor,
				default: "30s",
				brief: "How long",
				placeholder: "TIME",
			},
			mode: {
				kind: "enum",
				values: ["fast", "return"],
				default: "fast",
				brief: "Where borrows are seen: behind the calls where that is proved, or only at returns",
			},
			force: {
				kind: "boolean",
				optional: true,
				withNegated: false,
				brief: "Attach whatever it costs the program",
			},
			json: {
				kind: "boolean",
				optional: true,
				withNegated: false,
				brief: "Print JSON (plumbline.ledger/1)",
			},
			color: { kind: "boolean", optional: true, brief: "Colour on a terminal; NO_COLOR is honoured" },
		},
	},
	loader: async () => (await import("../ledger-service.ts")).ledgerService,
});
