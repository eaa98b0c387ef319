/** `plumbline dns trace` as the command line sees it; the work is in dns-trace.ts, loaded when needed. */
import { buildCommand } from "@stricli/core";
import type { CliContext } from "../context.ts";
import { parseHostWords, parseServerFlag } from "../dns-flags.ts";
import type { DnsTraceFlags } from "../dns-trace.ts";
import { parseFile, parsePid } from "../flag-parsers.ts";

export const dnsTraceCommand = buildCommand<DnsTraceFlags, [string], CliContext>({
	docs: {
		brief: "Show the way of a lookup: search list, servers, aliases, times",
		fullDescription: [
			"Looks a name up as libc and Go do, and shows the way as a tree: each name that the search list makes of",
			"it, each server that was asked, by which protocol, the chain of aliases, how long it took, and what the",
			"server keeps. A dot at the end of the name leaves the search list out.",
			"",
			"EXIT STATUS",
			"  0 answered, also if there is no such name   2 wrong usage   3 nobody answered   130 interrupted",
		].join("\n"),
		customUsage: [
			{ input: "www.example.com", brief: "By /etc/resolv.conf" },
			{ input: "--pid 4711 orders-db", brief: "By the resolv.conf that a process sees" },
			{ input: "--svg path.svg www.example.com", brief: "Also as a picture" },
			{ input: "--mermaid www.example.com", brief: "For a ticket or a wiki" },
		],
	},
	parameters: {
		flags: {
			server: {
				kind: "parsed",
				parse: parseServerFlag("--server"),
				variadic: true,
				optional: true,
				brief: "A server to ask, instead of those of resolv.conf",
				placeholder: "S",
			},
			resolvConf: {
				kind: "parsed",
				parse: parseFile("--resolv-conf"),
				optional: true,
				brief: "Look up by this file; /etc/resolv.conf by default",
				placeholder: "FILE",
			},
			pid: {
				kind: "parsed",
				parse: parsePid,
				optional: true,
				brief: "Look up by the resolv.conf that this process sees, and ask from its network",
				placeholder: "N",
			},
			mermaid: { kind: "boolean", optional: true, withNegated: false, brief: "Print a Mermaid flow chart" },
			svg: {
				kind: "parsed",
				parse: parseFile("--svg"),
				optional: true,
				brief: "Write a picture to this file",
				placeholder: "FILE",
			},
			here: {
				kind: "boolean",
				optional: true,
				withNegated: false,
				hidden: true,
				brief: "Already in the network of the process",
			},
			json: { kind: "boolean", optional: true, withNegated: false, brief: "Print JSON" },
		},
		positional: {
			kind: "tuple",
			parameters: [
				{ parse: parseHostWords, brief: "Host name, as a program would give it", placeholder: "NAME" },
			],
		},
	},
	loader: async () => (await import("../dns-trace.ts")).dnsTrace,
});
