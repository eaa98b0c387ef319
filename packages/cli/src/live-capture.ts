/** A live capture on behalf of a command: the real clock, the user's Ctrl-C, the status line. */
import { systemClock } from "@plumbline/capture/clock";
import { type CaptureRequest, takeCapture } from "@plumbline/capture/take-capture";
import type { Capture } from "@plumbline/signals/capture";
import type { CliContext } from "./context.ts";
import { VERSION } from "./version.ts";

export async function captureLive(context: CliContext, request: CaptureRequest): Promise<Capture> {
	const { signal, progress } = context;
	try {
		return await takeCapture(request, {
			clock: systemClock,
			signal,
			progress: progress.step,
			takenBy: VERSION,
		});
	} finally {
		progress.done();
	}
}
