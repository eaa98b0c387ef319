/** `plumbline gateway import` as the command line sees it; the work is in gateway-import.ts, loaded when needed. */
import { buildCommand } from "@stricli/core";
import type { CliContext } from "../context.ts";
import { parseFile } from "../flag-parsers.ts";
import type { GatewayImportFlags } from "../gateway-import.ts";

export const gatewayImportCommand = buildCommand<GatewayImportFlags, [file: string], CliContext>({
	docs: {
		brief: "Turn a basic nginx.conf or Caddyfile into a gateway's configuration",
		fullDescription: [
			"Prints YAML. What was not understood stands in it as a comment with its line: read those before you use it,",
			"then `plumbline gateway check`.",
			"",
			"EXIT STATUS",
			"  0 printed   2 not a file of that kind",
		].join("\n"),
		customUsage: [
			{ input: "/etc/nginx/nginx.conf > gateway.yaml", brief: "From nginx" },
			{ input: "Caddyfile > gateway.yaml", brief: "From Caddy" },
		],
	},
	parameters: {
		positional: {
			kind: "tuple",
			parameters: [{ parse: parseFile("FILE"), brief: "nginx.conf or Caddyfile", placeholder: "FILE" }],
		},
		flags: {
			from: {
				kind: "enum",
				values: ["nginx", "caddy"],
				optional: true,
				brief: "What it is, if its name does not say so",
			},
		},
	},
	loader: async () => (await import("../gateway-import.ts")).gatewayImport,
});
