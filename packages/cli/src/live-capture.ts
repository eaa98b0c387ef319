/** A live capture on behalf of a command: the real clock, the user's Ctrl-C, the status line. */

import { systemClock } from "@plumbline/capture/clock";
import { TRACE_BYTES_MAX } from "@plumbline/capture/go-trace";
import { type CaptureRequest, takeCapture } from "@plumbline/capture/take-capture";
import type { Capture } from "@plumbline/signals/capture";
import type { CliContext } from "./context.ts";
import { VERSION } from "./version.ts";

export async function captureLive(context: CliContext, request: CaptureRequest): Promise<Capture> {
	const { signal, progress } = context;
	const { traceSeconds } = request;
	if (traceSeconds !== undefined) progress.note(traceCost(traceSeconds));
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

/** Said before it is begun, while Ctrl-C still spares the service. */
function traceCost(seconds: number): string {
	const most = `${TRACE_BYTES_MAX >> 20} MiB`;
	return (
		`--trace-seconds ${seconds}: for ${seconds} s the service writes down every step of its scheduler; ` +
		`a busy one loses some of its speed meanwhile (docs/traces.md), and at ${most} the trace is broken off`
	);
}
