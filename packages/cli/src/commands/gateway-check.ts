/** `plumbline gateway check` as the command line sees it; the work is in gateway-check.ts, loaded when needed. */
import { buildCommand } from "@stricli/core";
import type { CliContext } from "../context.ts";
import { parseFile } from "../flag-parsers.ts";
import type { GatewayCheckFlags } from "../gateway-check.ts";

export const gatewayCheckCommand = buildCommand<GatewayCheckFlags, [], CliContext>({
	docs: {
		brief: "Say what a gateway's configuration means, or what is wrong with it and where",
		fullDescription: [
			"Reads a configuration and the files it names, and prints routes in the order they are asked, upstreams,",
			"limits and time limits, with every default filled in. Nothing is started and nobody is asked.",
			"",
			"EXIT STATUS",
			"  0 it can be served   2 it cannot: each fault with its line, on stderr",
		].join("\n"),
		customUsage: [
			{ input: "--config gateway.yaml", brief: "What it means" },
			{ input: "--config gateway.yaml --json", brief: "The same for a program, without secrets" },
		],
	},
	parameters: {
		flags: {
			config: {
				kind: "parsed",
				parse: parseFile("--config"),
				brief: "Configuration in YAML",
				placeholder: "FILE",
			},
			json: { kind: "boolean", default: false, withNegated: false, brief: "Settings as JSON" },
		},
		aliases: { c: "config" },
	},
	loader: async () => (await import("../gateway-check.ts")).gatewayCheck,
});
