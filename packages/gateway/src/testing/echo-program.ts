/** `plumbline gateway` with an echo for its engine: FILE is its configuration. */
import { runGateway } from "../supervisor.ts";
import { openEcho } from "./echo-gateway.ts";

const [, , file = ""] = process.argv;
try {
	await runGateway({
		file,
		environment: process.env,
		open: openEcho,
		workerModule: new URL("./echo-worker.ts", import.meta.url),
		say: (line) => process.stderr.write(`${line}\n`),
		atOnce: () => process.exit(130),
	});
	process.exit(0);
} catch (error) {
	process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
	process.exit(3);
}
