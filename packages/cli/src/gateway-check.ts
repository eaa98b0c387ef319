/** `plumbline gateway check`: what a configuration means. */
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
	for (const warning of read.warnings) {
		for (const line of visibleLines(warning)) this.process.stderr.write(`warning: ${line}\n`);
	}
	const text = json
		? `${JSON.stringify(shown(read.settings), unbounded, "\t")}\n`
		: gatewayTable(read.settings);
	this.process.stdout.write(`${visibleLines(text.trimEnd()).join("\n")}\n`);
}

/** Secrets are not printed. */
function shown(settings: GatewaySettings): GatewaySettings {
	const routes = settings.routes.map((route) => ({
		...route,
		rateLimits: route.rateLimits.map((limit) => ({
			...limit,
			shared: limit.shared && { ...limit.shared, redis: withoutPassword(limit.shared.redis) },
		})),
	}));
	const { admin } = settings;
	const token = admin?.token === undefined ? undefined : "(set)";
	return { ...settings, routes, admin: admin && { ...admin, token } };
}

function withoutPassword(url: string): string {
	const parsed = new URL(url);
	parsed.username = "";
	parsed.password = "";
	return parsed.href;
}

/** JSON has no Infinity. */
function unbounded(_: string, value: unknown): unknown {
	return value === Infinity ? "none" : value;
}
