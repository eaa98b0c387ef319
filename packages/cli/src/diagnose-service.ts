/** The work of `plumbline diagnose`: a capture, live or from a file, to a verdict. */
import { readCapture, writeCapture } from "@plumbline/capture/file";
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
	if (flags.json && flags.markdown) throw usageError("--json and --markdown exclude each other", "diagnose");
	const form: Form = flags.json ? "json" : flags.markdown ? "markdown" : "text";
	const request = captureRequest(flags, this.process.env);
	const capture = await obtain(this, flags, request);
	if (flags.save !== undefined) {
		await writeCapture(flags.save, capture, this.signal);
		this.progress.note(`capture saved in ${flags.save}`);
	}
	this.progress.step("laying the lines over each other");
	const signals = decodeCapture(capture);
	const verdict = verdictOf(signals, flags.from === undefined ? request : {});
	this.progress.done();
	const page = { ...this.page, color: this.page.color && flags.color !== false };
	this.process.stdout.write(renderAs(form, verdict.diagnosis, page));
	this.process.exitCode = verdict.exitCode;
}

async function obtain(
	context: CliContext,
	{ from, pid, pprof, metrics, db }: DiagnoseFlags,
	request: ReturnType<typeof captureRequest>,
): Promise<Capture> {
	if (from !== undefined) {
		if ([pid, pprof, metrics, db].some((flag) => flag !== undefined)) {
			throw usageError("--from is a capture already taken: it goes with no live flag", "diagnose");
		}
		return readCapture(from, context.signal);
	}
	if (!namesTarget(request)) {
		throw usageError("say what to diagnose: --pid N, --pprof URL, or --from FILE.plumb", "diagnose");
	}
	return captureLive(context, request);
}
