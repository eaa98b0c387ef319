/**
 * A bound on the time of one collector. A target that hangs must cost one gap, not the capture.
 */
import type { GapLine } from "@plumbline/signals/capture";
import type { Recorder } from "./recorder.ts";

/** The loser of a race gets this long to hand over what it has, once told to stop. */
const GRACE_MS = 100;

interface Task {
	readonly line: GapLine;
	/** As the user knows it, for the gap. */
	readonly what: string;
	readonly ms: number;
	/** The user's: rejects with an AbortError, since an interrupted capture is no capture. */
	readonly signal: AbortSignal;
}

/**
 * Runs a collector, tells it to stop after `ms`, and stops waiting for it soon after that.
 * A failure of the collector itself becomes a gap as well, so that one line cannot take down the others.
 */
export async function within<T>(
	recorder: Recorder,
	{ line, what, ms, signal }: Task,
	run: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
	signal.throwIfAborted();
	const stop = new AbortController();
	const onAbort = () => stop.abort(signal.reason);
	signal.addEventListener("abort", onAbort, { once: true });
	const { promise: late, resolve: giveUp } = Promise.withResolvers<"late">();
	const timer = setTimeout(() => {
		stop.abort(new DOMException(`no answer within ${ms} ms`, "AbortError"));
		grace = setTimeout(giveUp, GRACE_MS, "late");
	}, ms);
	let grace: NodeJS.Timeout | undefined;
	try {
		const result = await Promise.race([run(stop.signal), late]);
		if (result !== "late") return result;
		signal.throwIfAborted();
		recorder.gap({ line, what, why: `no answer within ${ms} ms`, weight: "loss" });
		return undefined;
	} catch (error) {
		signal.throwIfAborted();
		const why = stop.signal.aborted ? `no answer within ${ms} ms` : messageOf(error);
		recorder.gap({ line, what, why, weight: "loss" });
		return undefined;
	} finally {
		clearTimeout(timer);
		clearTimeout(grace);
		signal.removeEventListener("abort", onAbort);
	}
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
