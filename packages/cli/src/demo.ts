/** The work of `plumbline demo`: a real service with a real leak, found live; without Go from its capture. */
import { access, constants } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCapture, writeCapture } from "@plumbline/capture/file";
import { NoServiceError } from "@plumbline/lab/stage";
import { decodeCapture } from "@plumbline/signals/decode";
import { CAPTURES_FOLDER } from "./captures-folder.ts";
import type { CliContext } from "./context.ts";
import { EXIT_NOTHING_FOUND } from "./exit-code.ts";
import { runTrial } from "./lab-trial.ts";
import { renderAs } from "./result.ts";
import { verdictOf } from "./verdict.ts";

const SCENARIO = "tx-error-background";
const WINDOW_MS = 10_000;

export async function runDemo(this: CliContext): Promise<void> {
	if (!(await live(this))) await replay(this);
	this.process.exitCode = EXIT_NOTHING_FOUND;
}

/** False when the service cannot be built here. */
async function live(context: CliContext): Promise<boolean> {
	const { progress, process } = context;
	try {
		progress.note("A GORM service that forgets a rollback, on a PostgreSQL of its own, under load:");
		const { capture, verdict } = await runTrial(context, {
			name: SCENARIO,
			windowMs: WINDOW_MS,
			label: "",
			onStaged: ({ pid }) => progress.note(`The service runs (pid ${pid}) and leaks. Diagnosing it.`),
		});
		process.stdout.write(`\n${renderAs("text", verdict.diagnosis, context.page)}`);
		const path = join(await writableFolder(), `plumbline-demo.plumb`);
		await writeCapture(path, capture, context.signal);
		process.stdout.write(`\nThe capture is in ${path}\nplumbline diagnose --from ${path}\n`);
		return true;
	} catch (error) {
		if (!(error instanceof NoServiceError)) throw error;
		progress.note(`The service cannot be built here (${error.message}).`);
		return false;
	}
}

async function replay(context: CliContext): Promise<void> {
	const path = join(CAPTURES_FOLDER, `${SCENARIO}.plumb`);
	const { diagnosis } = verdictOf(decodeCapture(await readCapture(path, context.signal)), {});
	context.progress.note("This is its recorded capture, diagnosed now:");
	context.process.stdout.write(`\n${renderAs("text", diagnosis, context.page)}`);
	context.process.stdout.write(`\nThe recorded capture is in ${path}\nplumbline diagnose --from ${path}\n`);
}

async function writableFolder(): Promise<string> {
	const here = process.cwd();
	try {
		await access(here, constants.W_OK);
		return here;
	} catch {
		return tmpdir();
	}
}
