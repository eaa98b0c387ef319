/** The work of `plumbline goroutines`: files or a running service to clusters, or to what grew between two. */
import { systemClock } from "@plumbline/capture/clock";
import { applicationTest, type IsApplication } from "@plumbline/diagnosis/application";
import { diffGroups } from "@plumbline/diagnosis/cluster-diff";
import { clustersOf } from "@plumbline/diagnosis/clusters";
import { type GoroutineDiffTold, renderGoroutineDiff } from "@plumbline/report/goroutines-diff-text";
import { renderGoroutineDiffJson, renderGoroutinesJson } from "@plumbline/report/goroutines-json";
import { renderGoroutines } from "@plumbline/report/goroutines-text";
import type { GoroutinesTold } from "@plumbline/report/goroutines-words";
import type { Capture } from "@plumbline/signals/capture";
import { decodeCapture } from "@plumbline/signals/decode";
import type { CliContext } from "./context.ts";
import { usageError } from "./exit-code.ts";
import { firstAndLast, lastMoment, type Moment } from "./goroutines-moments.ts";
import type { LiveFlags } from "./live-flags.ts";
import { captureLoose } from "./loose-files.ts";
import { STDIN } from "./loose-read.ts";

export interface GoroutinesFlags extends Pick<LiveFlags, "pid" | "pprof" | "goroutinesMax"> {
	readonly diff?: boolean;
	readonly top: number;
	readonly json?: boolean;
	readonly color?: boolean;
}

const COMMAND = "goroutines";
/** Files of one call. */
const FILES_MAX = 64;
/** The shortest window that a capture has; goroutines are read at its end. */
const LIVE_WINDOW_MS = 1_000;

export async function goroutinesService(
	this: CliContext,
	flags: GoroutinesFlags,
	...files: readonly string[]
): Promise<void> {
	checkUsage(flags, files);
	const page = { ...this.page, color: this.page.color && flags.color !== false };
	const { json } = flags;
	const live = files.length === 0 ? await liveCapture(this, flags) : undefined;
	const text = await this.endsAtOnce(async () => {
		if (flags.diff) {
			const told = await differenceOf(this, files);
			return json ? renderGoroutineDiffJson(told) : renderGoroutineDiff(told, flags, page);
		}
		const told = live === undefined ? await eachFile(this, files) : [liveMoment(live, flags)];
		return json ? renderGoroutinesJson(told) : renderGoroutines(told, flags, page);
	});
	this.process.stdout.write(text);
}

function checkUsage({ pid, pprof, diff }: GoroutinesFlags, files: readonly string[]): void {
	const live = pid !== undefined || pprof !== undefined;
	if (diff && live) throw usageError("--diff compares files: it goes with no live flag", COMMAND);
	if (diff && (files.length === 0 || files.length > 2)) {
		throw usageError(`--diff wants two FILEs, or one capture, not ${files.length}`, COMMAND);
	}
	if (live && files.length > 0) throw usageError("give FILEs, or --pid N or --pprof URL, not both", COMMAND);
	if (!live && files.length === 0) {
		throw usageError("say what to look at: FILE, --pid N or --pprof URL", COMMAND);
	}
	if (files.filter((file) => file === STDIN).length > 1) {
		throw usageError("standard input (-) can be read once", COMMAND);
	}
	if (files.length > FILES_MAX) throw usageError(`at most ${FILES_MAX} FILEs, not ${files.length}`, COMMAND);
}

async function eachFile(context: CliContext, files: readonly string[]): Promise<readonly GoroutinesTold[]> {
	const told: GoroutinesTold[] = [];
	// One after the other: dumps are large, and of each only its groups are kept.
	for (const file of files) {
		const signals = decodeCapture(await captureOfFile(context, file));
		told.push(picture(lastMoment(signals, file), applicationTest(signals.build?.value)));
	}
	return told;
}

async function liveCapture(context: CliContext, flags: GoroutinesFlags): Promise<Capture> {
	const { pid, pprof, goroutinesMax } = flags;
	const { captureLive } = await import("./live-capture.ts");
	return await captureLive(context, {
		windowMs: LIVE_WINDOW_MS,
		ledger: false,
		...(pid === undefined ? {} : { pid }),
		...(pprof === undefined ? {} : { pprof }),
		...(goroutinesMax === undefined ? {} : { goroutinesMax }),
	});
}

function liveMoment(capture: Capture, { pid }: GoroutinesFlags): GoroutinesTold {
	const signals = decodeCapture(capture);
	const name = pid === undefined ? (signals.target.pprof ?? "service") : `pid ${pid}`;
	return picture(lastMoment(signals, name), applicationTest(signals.build?.value));
}

/** A capture of plumbline, or one made of what the file holds: a dump, a profile, a text with one in it. */
async function captureOfFile({ signal, progress }: CliContext, path: string): Promise<Capture> {
	const reading = { clock: systemClock, signal, stdin: process.stdin, progress: progress.step };
	try {
		return (await captureLoose([{ path }], reading)).capture;
	} finally {
		progress.done();
	}
}

function picture(moment: Moment, isApplication: IsApplication): GoroutinesTold {
	const { name, source, groups, notes, quote } = moment;
	const clusters = clustersOf(groups, isApplication);
	return { name, source, clusters, isApplication, notes, ...(quote === undefined ? {} : { quote }) };
}

async function differenceOf(context: CliContext, files: readonly string[]): Promise<GoroutineDiffTold> {
	const [first = "", second] = files;
	const signals = decodeCapture(await captureOfFile(context, first));
	if (second === undefined) {
		const [before, after] = firstAndLast(signals, first);
		return told(before, after, applicationTest(signals.build?.value));
	}
	const before = lastMoment(signals, first);
	const later = decodeCapture(await captureOfFile(context, second));
	return told(before, lastMoment(later, second), applicationTest((later.build ?? signals.build)?.value));
}

function told(before: Moment, after: Moment, isApplication: IsApplication): GoroutineDiffTold {
	const other = before.groups.full === after.groups.full;
	const unlike = `a ${before.source} beside a ${after.source}: deep stacks may be cut differently`;
	return {
		before: before.name,
		after: after.name,
		diff: diffGroups(before.groups, after.groups, isApplication),
		isApplication,
		notes: [...(other ? [] : [unlike]), ...before.notes, ...after.notes],
	};
}
