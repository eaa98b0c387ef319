/** `plumbline capture`: the first step of diagnose alone, into a file. */
import { writeCapture } from "@plumbline/capture/file";
import { buildCommand } from "@stricli/core";
import type { CliContext } from "../context.ts";
import { EXIT_NOTHING_FOUND, EXIT_UNEXAMINED, usageError } from "../exit-code.ts";
import { captureLive } from "../live-capture.ts";
import { captureRequest, LIVE_FLAGS, type LiveFlags, namesTarget } from "../live-flags.ts";

interface CaptureFlags extends LiveFlags {
	readonly output: string;
}

export const captureCommand = buildCommand<CaptureFlags, [], CliContext>({
	docs: {
		brief: "Take a capture of a running service, to diagnose elsewhere or later",
		fullDescription: [
			"Writes what `plumbline diagnose` would look at into one file: a gzip'd tar, readable by its owner",
			"only, secrets taken out. Diagnose it with `plumbline diagnose --from FILE`.",
		].join("\n"),
		customUsage: [
			{ input: "--pid 4711 -o orders.plumb", brief: "A service on this host" },
			{
				input: "--pprof 10.0.0.7:6060 --window 30s -o orders.plumb",
				brief: "A service on another host, over half a minute",
			},
		],
	},
	parameters: {
		flags: {
			...LIVE_FLAGS,
			output: { kind: "parsed", parse: String, brief: "File to write", placeholder: "FILE.plumb" },
		},
		aliases: { o: "output" },
	},
	async func(flags) {
		const request = captureRequest(flags, this.process.env);
		if (!namesTarget(request)) throw usageError("say what to capture: --pid N or --pprof URL", "capture");
		const capture = await captureLive(this, request);
		await writeCapture(flags.output, capture, this.signal);
		for (const { what, why } of capture.gaps) this.progress.note(`not read: ${what} (${why})`);
		const { length } = capture.parts;
		this.process.stdout.write(`${flags.output}: ${length} parts, ${capture.gaps.length} gaps\n`);
		this.process.exitCode = length > 0 ? EXIT_NOTHING_FOUND : EXIT_UNEXAMINED;
	},
});
