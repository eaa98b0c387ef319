/** The work of `plumbline capture`: a live capture into a file, and what it lacks. */
import { writeCapture } from "@plumbline/capture/file";
import { gapInWords } from "@plumbline/report/phrases";
import { visibleLine } from "@plumbline/report/visible";
import type { CliContext } from "./context.ts";
import { EXIT_NOTHING_FOUND, EXIT_UNEXAMINED, usageError } from "./exit-code.ts";
import { captureLive } from "./live-capture.ts";
import { captureRequest, type LiveFlags, namesTarget } from "./live-flags.ts";
import { checkPlaces } from "./output-place.ts";

export interface CaptureFlags extends LiveFlags {
	readonly output: string;
}

export async function captureService(this: CliContext, flags: CaptureFlags): Promise<void> {
	const request = captureRequest(flags, this.process.env);
	if (!namesTarget(request)) throw usageError("say what to capture: --pid N or --pprof URL", "capture");
	checkPlaces([{ flag: "--output", path: flags.output, holds: "capture" }], []);
	const capture = await captureLive(this, request);
	await writeCapture(flags.output, capture, this.signal);
	for (const gap of capture.gaps) this.progress.note(visibleLine(gapInWords(gap)));
	const { length } = capture.parts;
	this.process.stdout.write(`${flags.output}: ${length} parts, ${capture.gaps.length} gaps\n`);
	this.process.exitCode = length > 0 ? EXIT_NOTHING_FOUND : EXIT_UNEXAMINED;
}
