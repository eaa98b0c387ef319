/**
 * Takes one capture of a running service: every line at both ends of a window, and what is cheap also in
 * between.
 *
 *   find     start                         window                           end
 *   |--------|0 sockets fds process        :                                |n sockets fds process
 *            |0 goroutines debug=1,2       :1  :2  :3  debug=1 ...          |n goroutines debug=1,2
 *            |0 metrics                    :1  :2  :3 ...                    |n metrics
 *            |0 database sessions          :1     :2     :3 ...             |n database sessions
 *
 * All lines of one end are read side by side, close together in time, so that they can be joined; only the
 * borrow ledger, which is watched in between, is read after them. Each part has a bound on its time, and so has the whole: what hangs becomes a gap. Sample numbers count the
 * rounds of one line; the end has the same number n in all of them.
 */
import type { Capture, Target } from "@plumbline/signals/capture";
import { redactUrl } from "@plumbline/signals/redact-url";
import type { DnsCheckTask } from "./dns-check.ts";
import { findTarget } from "./find-target.ts";
import type { Clock } from "./recorder.ts";
import { Recorder } from "./recorder.ts";
import { whyNotRunning } from "./target.ts";
import { closeTracks, type Track, tracksOf } from "./tracks.ts";
import { within } from "./within.ts";

/** For one collector at one end of the window. */
const SAMPLE_MS_MAX = 3000;
/** For all that is not the window: finding the target, the end's samples. Then what is missing is a gap. */
const OVERHEAD_MS_MAX = 4500;
/** Of which finding the target may take. */
const FIND_MS_MAX = 1500;
/** How long after the end of the window a sample begun before it may still take. */
const BETWEEN_LATE_MS_MAX = 1300;
/** Collectors stop by themselves this long before they are stopped, to hand over what they have. */
const MARGIN_MS = 300;
/** Whatever the others took, the last gets as long. */
const LAST_MS_MIN = 600;
const PROGRESS_MS = 500;

/** Addresses may hold credentials; only their redacted form is kept. */
export interface CaptureRequest {
	readonly pid?: number;
	/** Base URL ending in `/debug/pprof/`: see pprofBase in target.ts. */
	readonly pprof?: string;
	readonly metrics?: string;
	/** `postgres://…` or `mysql://…`. */
	readonly db?: string;
	readonly windowMs: number;
	/** Full dumps are taken up to this many goroutines. */
	readonly goroutinesMax?: number;
	/** Follow the connections by the kernel's trace events too; takes root. */
	readonly trace?: boolean;
	/** Default true: the borrow ledger, where rights allow, unless no pool is in use. */
	readonly ledger?: boolean;
	/** Of a CPU profile within the window, beside which other profiles are read at both ends; none by default. */
	readonly profileSeconds?: number;
	/** Read the goroutineleak profile at the end; the service collects garbage for it. */
	readonly leakProfile?: boolean;
	/** Of a Go execution trace within the window: dear, and so none by default. */
	readonly traceSeconds?: number;
	/** The service's name servers beside trusted ones; not by default, for the trusted ones are told the names. */
	readonly dnsCheck?: DnsCheckTask;
}

export interface CaptureContext {
	readonly clock: Clock;
	/** Rejects the capture with an AbortError; what was opened is closed first. */
	readonly signal: AbortSignal;
	/** Told what is being done, in words for a status line. */
	readonly progress: (text: string) => void;
	/** Version of Plumbline. */
	readonly takenBy: string;
}

/** Rejects with a TargetError when there is nothing to examine, with an AbortError on `signal`. */
export async function takeCapture(request: CaptureRequest, context: CaptureContext): Promise<Capture> {
	const { clock, signal, progress, takenBy } = context;
	const recorder = new Recorder(clock);
	const deadlineMs = clock.now().monoMs + request.windowMs + OVERHEAD_MS_MAX;
	progress("looking for the service's ports");
	const { reach, ...target } = await findTarget(recorder, request, { ms: FIND_MS_MAX, signal });
	const tracks = tracksOf(recorder, { ...request, ...target, reach });
	try {
		const start = clock.now();
		const rounds = await throughWindow(recorder, tracks, request.windowMs, context);
		progress("last sample");
		const [last, others] = [tracks.filter((track) => track.last), tracks.filter((track) => !track.last)];
		for (const group of [others, last]) {
			const leftMs = Math.round(deadlineMs - clock.now().monoMs);
			const ms = Math.max(LAST_MS_MIN, Math.min(SAMPLE_MS_MAX, leftMs));
			await sampleAll(recorder, group, Math.max(0, ...rounds) + 1, { ms, signal });
		}
		noteEnd(recorder, target.pid);
		const end = clock.now();
		signal.throwIfAborted();
		return { takenBy, target: withoutSecrets(target), window: { start, end }, ...recorder.collected() };
	} finally {
		await closeTracks(tracks);
	}
}

/** The addresses were needed with their credentials until here; from here on they are only shown. */
function withoutSecrets({ pid, pprof, metrics, db }: Target): Target {
	return {
		...(pid === undefined ? {} : { pid }),
		...(pprof === undefined ? {} : { pprof: redactUrl(pprof) }),
		...(metrics === undefined ? {} : { metrics: redactUrl(metrics) }),
		...(db === undefined ? {} : { db: redactUrl(db) }),
	};
}

/** Sample 0 of every line, then those in between until the window ends. Answers the last round of each. */
async function throughWindow(
	recorder: Recorder,
	tracks: readonly Track[],
	windowMs: number,
	{ clock, signal, progress }: CaptureContext,
): Promise<readonly number[]> {
	const endMs = clock.now().monoMs + windowMs;
	const windowEnd = new AbortController();
	const timer = setTimeout(() => windowEnd.abort(), windowMs);
	const until = AbortSignal.any([signal, windowEnd.signal]);
	progress("first sample");
	const ticking = setInterval(() => {
		const leftS = Math.max(0, Math.ceil((endMs - clock.now().monoMs) / 1000));
		progress(`watching the service, ${leftS} s left`);
	}, PROGRESS_MS);
	try {
		const limits = { ms: SAMPLE_MS_MAX, signal };
		const rounds = await Promise.all(
			tracks.map(async (track) => {
				await sampleOne(recorder, track, 0, limits);
				if (!track.between || until.aborted) return 0;
				const task = { ...track.names, ms: windowMs + BETWEEN_LATE_MS_MAX, signal };
				return (
					(await within(recorder, task, async (stop) =>
						track.between?.({ until, signal: stop, windowMs }),
					)) ?? 0
				);
			}),
		);
		await aborted(until);
		signal.throwIfAborted();
		return rounds;
	} finally {
		clearTimeout(timer);
		clearInterval(ticking);
	}
}

interface Limits {
	readonly ms: number;
	readonly signal: AbortSignal;
}

async function sampleAll(recorder: Recorder, tracks: readonly Track[], sample: number, limits: Limits) {
	await Promise.all(tracks.map((track) => sampleOne(recorder, track, sample, limits)));
}

async function sampleOne(recorder: Recorder, track: Track, sample: number, { ms, signal }: Limits) {
	const timeoutMs = ms - MARGIN_MS;
	await within(recorder, { ...track.names, ms, signal }, (stop) =>
		track.sample({ sample, timeoutMs, signal: stop }),
	);
}

/** A process that ended explains the gaps its end left. */
function noteEnd(recorder: Recorder, pid: number | undefined): void {
	if (pid === undefined || whyNotRunning(pid) === undefined) return;
	recorder.gap({
		line: "process",
		what: "target",
		why: `process ${pid} ended during the window`,
		weight: "loss",
	});
}

function aborted(signal: AbortSignal): Promise<void> {
	if (signal.aborted) return Promise.resolve();
	return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
