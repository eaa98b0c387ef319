/** `plumbline diagnose`: a capture, live or from a file, to a verdict. */
import { readCapture, writeCapture } from "@plumbline/capture/file";
import type { Capture } from "@plumbline/signals/capture";
import { decodeCapture } from "@plumbline/signals/decode";
import { buildCommand } from "@stricli/core";
import type { CliContext } from "../context.ts";
import { usageError } from "../exit-code.ts";
import { captureLive } from "../live-capture.ts";
import { captureRequest, LIVE_FLAGS, type LiveFlags, namesTarget } from "../live-flags.ts";
import { type Form, renderAs } from "../result.ts";
import { verdictOf } from "../verdict.ts";

interface DiagnoseFlags extends LiveFlags {
	readonly from?: string;
	readonly save?: string;
	readonly json?: boolean;
	readonly markdown?: boolean;
	readonly color?: boolean;
}

export const diagnoseCommand = buildCommand<DiagnoseFlags, [], CliContext>({
	docs: {
		brief: "Find the connection leak of a running Go service and name the line that leaks",
		fullDescription: [
			"Reads the service's sockets, goroutines, pool counters and database sessions at both ends of a",
			"window of 10 seconds, lays them over each other and says what leaks, where, how sure, and what to do.",
			"It changes nothing in the service. A full goroutine dump pauses it for some milliseconds.",
			"",
			"EXIT STATUS",
			"  0 nothing found   1 findings of warning or worse   2 wrong usage",
			"  3 could not examine what was asked   130 interrupted",
		].join("\n"),
		customUsage: [
			{ input: "--pid 4711", brief: "A service on this host; its pprof and metrics ports are found" },
			{
				input: "--pid 4711 --db postgres://app@127.0.0.1/orders --save leak.plumb",
				brief: "With its database's own view; keep the capture. Password: by PLUMBLINE_DB or PGPASSWORD",
			},
			{
				input: "--pprof 10.0.0.7:6060 --metrics 10.0.0.7:9090",
				brief: "A service on another host, without its sockets",
			},
			{ input: "--from leak.plumb --markdown", brief: "The same verdict again, offline, for a ticket" },
		],
	},
	parameters: {
		flags: {
			...LIVE_FLAGS,
			from: {
				kind: "parsed",
				parse: String,
				optional: true,
				brief: "Diagnose this capture file instead of a running service",
				placeholder: "FILE.plumb",
			},
			save: {
				kind: "parsed",
				parse: String,
				optional: true,
				brief: "Keep the capture in this file",
				placeholder: "FILE.plumb",
			},
			json: {
				kind: "boolean",
				optional: true,
				withNegated: false,
				brief: "Print JSON (docs/diagnosis.schema.json)",
			},
			markdown: { kind: "boolean", optional: true, withNegated: false, brief: "Print Markdown for a ticket" },
			color: { kind: "boolean", optional: true, brief: "Colour on a terminal; NO_COLOR is honoured" },
		},
	},
	func: diagnoseService,
});

async function diagnoseService(this: CliContext, flags: DiagnoseFlags): Promise<void> {
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
