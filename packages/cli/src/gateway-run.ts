/** `plumbline gateway`: serves until it is told to stop, or a new program has taken over. */
import { ConfigRefused, runGateway } from "@plumbline/gateway/supervisor";
import { visibleLines } from "@plumbline/report/visible";
import type { CliContext } from "./context.ts";
import { CommandError, EXIT_INTERRUPTED, EXIT_UNEXAMINED, usageError } from "./exit-code.ts";

export interface GatewayRunFlags {
	readonly config: string;
}

export async function gatewayRun(this: CliContext, { config }: GatewayRunFlags): Promise<void> {
	try {
		await runGateway({
			file: config,
			environment: this.process.env,
			// Loaded by whoever serves: a supervisor of workers stays small.
			open: async (...given) => (await import("@plumbline/gateway/open-gateway")).openGateway(...given),
			workerModule: new URL(import.meta.resolve("@plumbline/gateway/worker-main")),
			say: (line) => {
				for (const visible of visibleLines(line)) {
					this.process.stderr.write(`plumbline gateway: ${visible}\n`);
				}
			},
			atOnce: () => process.exit(EXIT_INTERRUPTED),
		});
	} catch (error) {
		const message = error instanceof Error ? error.message : String(error);
		if (error instanceof ConfigRefused) throw usageError(message, "gateway");
		throw new CommandError(`the gateway could not be started: ${message}`, EXIT_UNEXAMINED, error);
	}
}
