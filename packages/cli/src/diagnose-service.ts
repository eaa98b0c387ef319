/** The work of `plumbline diagnose`: a capture, live or from a file, to a verdict. */
import { systemClock } from "@plumbline/capture/clock";
import { readCapture, writeCapture } from "@plumbline/capture/file";
import type { CaptureRequest } from "@plumbline/capture/take-capture";
import { writeWhole } from "@plumbline/capture/write-file";
import type { Diagnosis } from "@plumbline/diagnosis/finding";
import type { Capture } from "@plumbline/signals/capture";
import { decodeCapture } from "@plumbline/signals/decode";
import type { Signals } from "@plumbline/signals/signals";
import type { CliContext } from "./context.ts";
import { EXIT_NOTHING_FOUND, EXIT_UNEXAMINED, usageError } from "./exit-code.ts";
import { captureRequest, type LiveFlags, namesTarget, onlyLive } from "./live-flags.ts";
import { captureLoose } from "./loose-files.ts";
import { type LooseFlags, looseFilesOf, metricsAddress } from "./loose-flags.ts";
import { checkPlaces, type Place } from "./output-place.ts";
import { type Form, renderAs } from "./result.ts";
import { verdictOf } from "./verdict.ts";

export interface DiagnoseFlags extends Omit<LiveFlags, "metrics">, LooseFlags {
	readonly from?: string;
	readonly save?: string;
	readonly json?: boolean;
	readonly markdown?: boolean;
	/** A file for the HTML report; `-` prints it instead of the verdict. */
	readonly html?: string;
	readonly color?: boolean;
}

export async function diagnoseService(
	this: CliContext,
	flags: DiagnoseFlags,
	...files: readonly string[]
): Promise<void> {
	const form = formOf(flags);
	checkPlaces(placesOf(flags), inputsOf(flags, files));
	const { capture, asked, unread = 0 } = await obtain(this, flags, files);
	const { signals, diagnosis, exitCode, printed } = await this.endsAtOnce(async () => {
		this.progress.step("laying the lines over each other");
		const signals = decodeCapture(capture);
		const { diagnosis, exitCode } = verdictOf(signals, asked);
		const page = { ...this.page, color: this.page.color && flags.color !== false };
		const printed =
			flags.html === STDOUT ? htmlReport(diagnosis, signals, capture) : renderAs(form, diagnosis, page);
		return { signals, diagnosis, exitCode, printed: await printed };
	});
	this.progress.done();
	this.process.stdout.write(printed);
	if (flags.save !== undefined) {
		// After the verdict: a full disk must not cost the answer.
		await writeCapture(flags.save, capture, this.signal);
		this.progress.note(`capture saved in ${flags.save}`);
	}
	if (flags.html !== undefined && flags.html !== STDOUT) {
		const report = await this.endsAtOnce(() => htmlReport(diagnosis, signals, capture));
		await writeWhole(flags.html, [report], { signal: this.signal });
		this.progress.note(`report written to ${flags.html}`);
	}
	// A file of which nothing could be read was asked for, and is no health.
	this.process.exitCode = exitCode === EXIT_NOTHING_FOUND && unread > 0 ? EXIT_UNEXAMINED : exitCode;
}

/** In the place of a file name. */
const STDOUT = "-";

/** Loaded when asked for, as is what takes live captures: beside a large dump every megabyte counts. */
async function htmlReport(diagnosis: Diagnosis, signals: Signals, capture: Capture): Promise<string> {
	const { renderHtml } = await import("@plumbline/report/html");
	const { reportView } = await import("@plumbline/report/view-report");
	return renderHtml(diagnosis, reportView(diagnosis, signals, capture));
}

function placesOf({ save, html }: DiagnoseFlags): readonly Place[] {
	return [
		...(save === undefined ? [] : [{ flag: "--save", path: save, holds: "capture" } as const]),
		...(html === undefined || html === STDOUT
			? []
			: [{ flag: "--html", path: html, holds: "report" } as const]),
	];
}

function inputsOf({ from, ...flags }: DiagnoseFlags, files: readonly string[]): readonly string[] {
	const named = looseFilesOf(flags, files).map(({ path }) => path);
	return from === undefined ? named : [from, ...named];
}

function formOf({ json, markdown, html }: DiagnoseFlags): Form {
	if (html === STDOUT && (json || markdown))
		throw usageError("--html - prints to the same place as --json and --markdown", "diagnose");
	if (json && markdown) throw usageError("--json and --markdown exclude each other", "diagnose");
	if (json) return "json";
	return markdown ? "markdown" : "text";
}

interface Obtained {
	readonly capture: Capture;
	/** What the user named; nothing for a capture already taken. */
	readonly asked: Partial<CaptureRequest>;
	/** Files that were named and could not be read. */
	readonly unread?: number;
}

async function obtain(
	context: CliContext,
	flags: DiagnoseFlags,
	files: readonly string[],
): Promise<Obtained> {
	const { from, pid, pprof, metrics, db } = flags;
	if (from !== undefined) {
		if ([pid, pprof, metrics, db, ...onlyLive(flags)].some((flag) => flag !== undefined)) {
			throw usageError("--from is a capture already taken: it goes with no live flag", "diagnose");
		}
		if (looseFilesOf(flags, files).length > 0) {
			throw usageError("--from is a capture already taken: it goes with no other file", "diagnose");
		}
		return { capture: await context.endsAtOnce(() => readCapture(from, context.signal)), asked: {} };
	}
	const loose = looseFilesOf(flags, files);
	if (loose.length > 0) {
		const { signal, progress } = context;
		const reading = { clock: systemClock, signal, stdin: process.stdin, progress: progress.step };
		return { ...(await context.endsAtOnce(() => captureLoose(loose, reading))), asked: {} };
	}
	const { metrics: _, ...live } = flags;
	const request = captureRequest({ ...live, ...metricsAddress(metrics) }, context.process.env);
	if (!namesTarget(request)) {
		const also = "or name files: pasted dumps, ss, a metrics page";
		throw usageError(`say what to diagnose: --pid N, --pprof URL, or --from FILE.plumb; ${also}`, "diagnose");
	}
	const { captureLive } = await import("./live-capture.ts");
	return { capture: await captureLive(context, request), asked: request };
}
