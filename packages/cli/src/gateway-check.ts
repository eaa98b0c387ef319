/** `plumbline gateway check`: what a configuration means. */
import { shownSettings } from "@plumbline/gateway/admin-config";
import { openPlugins } from "@plumbline/gateway/plugin-route";
import { readGatewayConfigFile } from "@plumbline/gateway/reload-source";
import type { GatewaySettings } from "@plumbline/gateway/settings";
import { visibleLines } from "@plumbline/report/visible";
import type { CliContext } from "./context.ts";
import { CommandError, EXIT_USAGE } from "./exit-code.ts";
import { gatewayTable } from "./gateway-table.ts";

export interface GatewayCheckFlags {
	readonly config: string;
	readonly json: boolean;
}

export async function gatewayCheck(this: CliContext, { config, json }: GatewayCheckFlags): Promise<void> {
	const read = readGatewayConfigFile(config, this.process.env);
	if (read.kind === "refused") throw new CommandError(read.faults.join("\n"), EXIT_USAGE);
	const faults = await pluginFaults(read.settings);
	if (faults.length > 0) throw new CommandError(faults.join("\n"), EXIT_USAGE);
	for (const warning of read.warnings) {
		for (const line of visibleLines(warning)) this.process.stderr.write(`warning: ${line}\n`);
	}
	const text = json
		? `${JSON.stringify(shownSettings(JSON.parse(JSON.stringify(read.settings, unbounded))), undefined, "\t")}\n`
		: gatewayTable(read.settings);
	this.process.stdout.write(`${visibleLines(text.trimEnd()).join("\n")}\n`);
}

/** They are loaded as the gateway would, within their limits: a module shows only then whether it can be run. */
async function pluginFaults({ routes }: GatewaySettings): Promise<readonly string[]> {
	const parts = { observe: () => undefined, log: () => undefined };
	const opened = await Promise.all(
		routes.map(async ({ name, plugins }) => ({ name, faults: (await openPlugins(plugins, parts)).faults })),
	);
	return opened.flatMap(({ name, faults }) => faults.map((fault) => `route ${name}: ${fault}`));
}

/** JSON has no Infinity. */
function unbounded(_: string, value: unknown): unknown {
	return value === Infinity ? "none" : value;
}
