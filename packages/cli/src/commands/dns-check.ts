/** `plumbline dns check` as the command line sees it; the work is in dns-check.ts, loaded when needed. */
import { buildCommand } from "@stricli/core";
import type { CliContext } from "../context.ts";
import type { DnsCheckFlags } from "../dns-check.ts";
import { parseDnsName, parseDnsType, parseServerFlag, parseSubnet, parseTrustFlag } from "../dns-flags.ts";
import { parseFile, parsePid } from "../flag-parsers.ts";

export const dnsCheckCommand = buildCommand<DnsCheckFlags, string[], CliContext>({
	docs: {
		brief: "Ask every name server and trusted ones side by side, and say whose answers are forged",
		fullDescription: [
			"Asks the servers of resolv.conf and those you trust the same questions at the same time, and judges each",
			"answer: agrees, varies (another address of the same service), HIJACKED, broken, or cannot tell.",
			"Names made up at random show a server that invents addresses; a TLS handshake with the name tells another",
			"address of a service from somebody else's. Different is not forged: a name of the inside, a filter or an",
			"old cache is told as what it may be (docs/dns-check.md).",
			"",
			"EXIT STATUS",
			"  0 nothing forged   1 forged answers   2 wrong usage   3 somebody could not be asked   130 interrupted",
		].join("\n"),
		customUsage: [
			{
				input:
					"--trusted tls://9.9.9.9#dns.quad9.net --trusted tls://1.1.1.1#one.one.one.one www.example.com",
				brief: "The servers of /etc/resolv.conf",
			},
			{
				input: "--pid 4711 --trusted https://1.1.1.1#cloudflare-dns.com api.example.com db.example.com",
				brief: "Those that a process sees, asked from its network",
			},
			{
				input: "--server 10.0.0.2 --trusted tls://9.9.9.9#dns.quad9.net --type AAAA --json www.example.com",
				brief: "One server, another type, for a program",
			},
		],
	},
	parameters: {
		flags: {
			server: {
				kind: "parsed",
				parse: parseServerFlag("--server"),
				variadic: true,
				optional: true,
				brief: "A server to check, instead of those of resolv.conf",
				placeholder: "S",
			},
			resolvConf: {
				kind: "parsed",
				parse: parseFile("--resolv-conf"),
				optional: true,
				brief: "Take the servers from this file; /etc/resolv.conf by default",
				placeholder: "FILE",
			},
			pid: {
				kind: "parsed",
				parse: parsePid,
				optional: true,
				brief: "Take the resolv.conf that this process sees, and ask from its network",
				placeholder: "N",
			},
			trust: {
				kind: "parsed",
				parse: parseTrustFlag,
				variadic: true,
				optional: true,
				brief:
					"Network whose servers may stand in resolv.conf, besides loopback; others are marked as strangers",
				placeholder: "CIDR",
			},
			trusted: {
				kind: "parsed",
				parse: parseServerFlag("--trusted"),
				variadic: true,
				optional: true,
				brief: "A server to compare with; it is told the names",
				placeholder: "URL",
			},
			ca: {
				kind: "parsed",
				parse: parseFile("--ca"),
				optional: true,
				brief: "PEM file of the authority that signs the trusted servers",
				placeholder: "FILE",
			},
			type: { kind: "parsed", parse: parseDnsType, default: "A", brief: "Record type", placeholder: "TYPE" },
			subnet: {
				kind: "parsed",
				parse: parseSubnet,
				optional: true,
				brief: "Ask as for a client of this network (EDNS client subnet)",
				placeholder: "CIDR",
			},
			also: {
				kind: "parsed",
				parse: parseDnsName,
				variadic: true,
				optional: true,
				brief: "A name of somebody else: shows one address that is given for all names",
				placeholder: "NAME",
			},
			json: { kind: "boolean", optional: true, withNegated: false, brief: "Print JSON" },
			written: {
				kind: "boolean",
				optional: true,
				withNegated: false,
				hidden: true,
				brief: "Print the answers as a capture keeps them, without a verdict",
			},
		},
		positional: {
			kind: "array",
			parameter: { parse: parseDnsName, brief: "Host names", placeholder: "NAME" },
		},
	},
	loader: async () => (await import("../dns-check.ts")).dnsCheck,
});
