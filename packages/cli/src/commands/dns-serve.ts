/** `plumbline dns serve` as the command line sees it; the work is in dns-serve.ts, loaded when needed. */
import { buildCommand } from "@stricli/core";
import type { CliContext } from "../context.ts";
import type { DnsServeFlags } from "../dns-serve.ts";
import { parseFile } from "../flag-parsers.ts";

/** Checked together with the file, so that every fault is told at once. */
const asGiven = (text: string) => text;

export const dnsServeCommand = buildCommand<DnsServeFlags, [], CliContext>({
	docs: {
		brief: "A local name server that cannot be the outage: cache, encrypted servers, stale answers",
		fullDescription: [
			"Answers names on UDP and TCP (and over TLS and HTTPS if asked to) out of its cache, asks the servers you",
			"name, encrypted ones first, and gives what it once knew when none of them answers. Answers without proof",
			"that trusted servers contradict are not believed. It serves loopback alone unless --allow names networks.",
			"Flags stand above the file of --config; the file and certificates are read again when they change, or at",
			"SIGHUP: connections and cache stay, and a faulty file changes nothing. docs/dns-serve.md has all keys.",
			"",
			"EXIT STATUS",
			"  0 told to stop (Ctrl-C, SIGTERM)   2 wrong usage   3 could not be started",
		].join("\n"),
		customUsage: [
			{
				input: "--upstream https://1.1.1.1#cloudflare-dns.com --upstream tls://9.9.9.9#dns.quad9.net",
				brief: "On 127.0.0.1:5353; try it with dig -p 5353 @127.0.0.1 example.com",
			},
			{
				input: "--upstream tls://9.9.9.9#dns.quad9.net --snapshot /var/cache/dns --health 127.0.0.1:8053",
				brief: "Starts with what it knew; health that asks",
			},
			{
				input: "--upstream tls://9.9.9.9#dns.quad9.net --watch-resolv-conf --trust 10.96.0.0/12",
				brief: "Also tells when a stranger gets into resolv.conf",
			},
			{
				input: "--config dns.yaml --listen 10.0.0.1:53 --allow 10.0.0.0/8",
				brief: "For a network, the rest from a file",
			},
		],
	},
	parameters: {
		flags: {
			listen: {
				kind: "parsed",
				parse: asGiven,
				variadic: true,
				optional: true,
				brief: "Address and port for UDP and TCP; 127.0.0.1:5353 by default",
				placeholder: "ADDR",
			},
			upstream: {
				kind: "parsed",
				parse: asGiven,
				variadic: true,
				optional: true,
				brief: "A server to ask; DoH before DoT before the rest",
				placeholder: "URL",
			},
			upstreamCa: {
				kind: "parsed",
				parse: parseFile("--upstream-ca"),
				optional: true,
				brief: "PEM file of the authority that signs the servers' certificates",
				placeholder: "FILE",
			},
			config: {
				kind: "parsed",
				parse: parseFile("--config"),
				optional: true,
				brief: "Configuration in YAML",
				placeholder: "FILE",
			},
			allow: {
				kind: "parsed",
				parse: asGiven,
				variadic: true,
				optional: true,
				brief: "A network that may ask; loopback by default",
				placeholder: "CIDR",
			},
			tlsCert: {
				kind: "parsed",
				parse: parseFile("--tls-cert"),
				optional: true,
				brief: "Certificate for --dot and --doh, PEM",
				placeholder: "FILE",
			},
			tlsKey: {
				kind: "parsed",
				parse: parseFile("--tls-key"),
				optional: true,
				brief: "Its key, PEM",
				placeholder: "FILE",
			},
			dot: {
				kind: "parsed",
				parse: asGiven,
				variadic: true,
				optional: true,
				brief: "Address and port for DNS over TLS",
				placeholder: "ADDR",
			},
			doh: {
				kind: "parsed",
				parse: asGiven,
				variadic: true,
				optional: true,
				brief: "Address and port for DNS over HTTPS (/dns-query)",
				placeholder: "ADDR",
			},
			health: {
				kind: "parsed",
				parse: asGiven,
				optional: true,
				brief: "Address and port for /health and /metrics over HTTP",
				placeholder: "ADDR",
			},
			healthName: {
				kind: "parsed",
				parse: asGiven,
				optional: true,
				brief: "Name that health asks the servers for; example.com by default",
				placeholder: "NAME",
			},
			snapshot: {
				kind: "parsed",
				parse: parseFile("--snapshot"),
				optional: true,
				brief: "Keep the cache in this file from one run to the next",
				placeholder: "FILE",
			},
			watchResolvConf: {
				kind: "parsed",
				parse: asGiven,
				inferEmpty: true,
				optional: true,
				brief: "Tell when this host's own resolv.conf names other servers; /etc/resolv.conf by default",
				placeholder: "FILE",
			},
			trust: {
				kind: "parsed",
				parse: asGiven,
				variadic: true,
				optional: true,
				brief: "Network whose servers may stand in it, besides loopback; others are told as strangers",
				placeholder: "CIDR",
			},
			stale: {
				kind: "enum",
				values: ["after", "immediate"],
				optional: true,
				brief: "When an answer past its time is given: after 1.8 s without a newer one, or at once",
			},
		},
	},
	loader: async () => (await import("../dns-serve.ts")).dnsServe,
});
