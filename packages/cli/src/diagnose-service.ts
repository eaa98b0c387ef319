/** The work of `plumbline diagnose`: a capture, live or from a file, to a verdict. */
import { readCapture, writeCapture } from "@plumbline/capture/file";
import type { CaptureRequest } from "@plumbline/capture/take-capture";
import type { Capture } from "@plumbline/signals/capture";
import { decodeCapture } from "@plumbline/signals/decode";
import type { CliContext } from "./context.ts";
import { usageError } from "./exit-code.ts";
import { captureLive } from "./live-capture.ts";
import { captureRequest, type LiveFlags, namesTarget } from "./live-flags.ts";
import { type Form, renderAs } from "./result.ts";
import { verdictOf } from "./verdict.ts";

export interface DiagnoseFlags extends LiveFlags {
	readonly from?: string;
	readonly save?: string;
	readonly json?: boolean;
	readonly markdown?: boolean;
	readonly color?: boolean;
}

export async function diagnoseService(this: CliContext, flags: DiagnoseFlags): Promise<void> {
	const form = formOf(flags);
	const { capture, asked } = await obtain(this, flags);
	this.progress.step("laying the lines over each other");
	const { diagnosis, exitCode } = verdictOf(decodeCapture(capture), asked);
	this.progress.done();
	const page = { ...this.page, color: this.page.color && flags.color !== false };
	this.process.stdout.write(renderAs(form, diagnosis, page));
	if (flags.save !== undefined) {
		// After the verdict: a full disk must not cost the answer.
		await writeCapture(flags.save, capture, this.signal);
		this.progress.note(`capture saved in ${flags.save}`);
	}
	this.process.exitCode = exitCode;
}

function formOf({ json, markdown }: DiagnoseFlags): Form {
	if (json && markdown) throw usageError("--json and --markdown exclude each other", "diagnose");
	if (json) return "json";
	return markdown ? "markdown" : "text";
}

interface Obtained {
	readonly capture: Capture;
	/** What the user named; nothing for a capture already taken. */
	readonly asked: Partial<CaptureRequest>;
}

async function obtain(context: CliContext, flags: DiagnoseFlags): Promise<Obtained> {
	const { from, pid, pprof, metrics, db } = flags;
	if (from !== undefined) {
		if ([pid, pprof, metrics, db].some((flag) => flag !== undefined)) {
			throw usageError("--from is a capture already taken: it goes with no live flag", "diagnose");
		}
		return { capture: await readCapture(from, context.signal), asked: {} };
	}
	const request = captureRequest(flags, context.process.env);
	if (!namesTarget(request)) {
		throw usageError("say what to diagnose: --pid N, --pprof URL, or --from FILE.plumb", "diagnose");
	}
	return { capture: await captureLive(context, request), asked: request };
}
