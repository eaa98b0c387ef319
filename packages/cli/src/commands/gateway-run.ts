/** `plumbline gateway` as the command line sees it; the work is in gateway-run.ts, loaded when needed. */
import { buildCommand } from "@stricli/core";
import type { CliContext } from "../context.ts";
import { parseFile } from "../flag-parsers.ts";
import type { GatewayRunFlags } from "../gateway-run.ts";

export const gatewayRunCommand = buildCommand<GatewayRunFlags, [], CliContext>({
	docs: {
		brief: "A reverse proxy for HTTP, gRPC and WebSocket whose connections have explicit lives",
		fullDescription: [
			"Serves what the configuration says (docs/gateway.md), until it is told to stop. The file, and the",
			"certificates it names, are read again when they change: routes that did not change do not notice, and a",
			"faulty file changes nothing. Flags there are none: all is in the file.",
			"",
			"SIGNALS",
			"  TERM, INT  drain, then end; a second one ends at once   HUP   read the configuration again",
			"  USR1       new workers take over, one after another     USR2  a new program takes over (an upgrade)",
			"",
			"EXIT STATUS",
			"  0 told to stop, or handed over   2 wrong usage or configuration   3 could not be started",
		].join("\n"),
		customUsage: [
			{ input: "--config gateway.yaml", brief: "Serve; kill -HUP reads it again, kill -USR2 upgrades" },
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
		},
		aliases: { c: "config" },
	},
	loader: async () => (await import("../gateway-run.ts")).gatewayRun,
});
