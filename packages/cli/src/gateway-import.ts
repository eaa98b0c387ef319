/** `plumbline gateway import`: a configuration of nginx or Caddy as one of ours. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { importConfig } from "@plumbline/gateway/config-import";
import { visibleLines } from "@plumbline/report/visible";
import type { CliContext } from "./context.ts";
import { CommandError, EXIT_USAGE } from "./exit-code.ts";

export interface GatewayImportFlags {
	readonly from?: "nginx" | "caddy";
}

export async function gatewayImport(
	this: CliContext,
	{ from }: GatewayImportFlags,
	file: string,
): Promise<void> {
	let text: string;
	try {
		text = readFileSync(file, "utf8");
	} catch (error) {
		const why = error instanceof Error ? error.message : String(error);
		throw new CommandError(`${file} cannot be read: ${why}`, EXIT_USAGE, error);
	}
	const result = importConfig(from ?? kindOf(file), basename(file), text);
	if (result.kind === "refused") throw new CommandError(`${file}: ${result.why}`, EXIT_USAGE);
	this.process.stdout.write(`${visibleLines(result.text.trimEnd()).join("\n")}\n`);
}

function kindOf(file: string): "nginx" | "caddy" {
	return /caddy/i.test(basename(file)) ? "caddy" : "nginx";
}
