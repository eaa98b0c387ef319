/**
 * A private trace buffer: events are switched on with a filter the kernel applies, and read raw, page by
 * page, without ever waiting. Another tracer of this machine sees nothing of it, and we nothing of it.
 *
 * Times are CLOCK_MONOTONIC in ns, the clock of `process.hrtime` and of a BPF program's ktime_get_ns. Within
 * one processor records come in order; between processors the caller sorts, if it matters.
 */
import {
	closeSync,
	constants,
	existsSync,
	openSync,
	readdirSync,
	readFileSync,
	readSync,
	rmdirSync,
	writeFileSync,
} from "node:fs";
import { errnoCode, type Reading, type Refusal, read, refused } from "./reading.ts";
import { explainTraceError, makeInstanceFolder, type Tracefs } from "./tracefs.ts";
import { parseTraceFormat, readTracePage, type TraceFormat } from "./tracefs-records.ts";

export interface TraceDrain {
	readonly records: number;
	/** Events the kernel dropped because its buffer was full, since the drain before. */
	readonly lost: bigint;
	/** Some more were lost that nobody counted, or a page was not understood. */
	readonly isPartial: boolean;
	/** The bound ended it: there may be more. */
	readonly isCut: boolean;
}

export interface TraceInstance {
	/**
	 * Switches an event on: `enable("sock/inet_sock_set_state", "protocol == 6 && newstate == 8")`. The
	 * filter is the kernel's (Documentation/trace/events.rst); refused when it does not parse.
	 */
	readonly enable: (event: string, filter?: string) => Reading<TraceFormat>;
	/**
	 * Takes at most `pagesMax` pages (4 kB each as a rule) off every processor's buffer. `visit` gets the
	 * record's bytes, valid only within it; `readUInt16LE(0)` is its event's id.
	 */
	readonly drain: (pagesMax: number, visit: (record: Buffer, timeNs: bigint) => void) => Reading<TraceDrain>;
	/** Switches all off and removes the buffer. */
	readonly close: () => void;
}

/** Processors read; the largest machines Linux names have this many. */
const PROCESSORS_MAX = 8192;
/** A page with its header may be made larger than the machine's pages, by 6.8 and later: up to so much. */
const PAGE_BYTES_MAX = 1 << 19;

/** `bufferKb` is for each processor. The folder's instance is ours until `close`. */
export function openTraceInstance(tracefs: Tracefs, bufferKb: number): Reading<TraceInstance> {
	const made = makeInstanceFolder(tracefs);
	if (made.kind === "refused") return made;
	const folder = made.value;
	const pipes: number[] = [];
	let open = true;
	const close = () => {
		if (!open) return;
		open = false;
		for (const fd of pipes.splice(0)) closeSync(fd);
		try {
			// With its buffer every event of it goes off.
			rmdirSync(folder);
		} catch {
			// Already gone; or busy, then a start after our end removes it.
		}
	};
	try {
		writeFileSync(`${folder}/trace_clock`, "mono");
		writeFileSync(`${folder}/buffer_size_kb`, String(bufferKb));
		const processors = readdirSync(`${folder}/per_cpu`).slice(0, PROCESSORS_MAX);
		for (const processor of processors) {
			const path = `${folder}/per_cpu/${processor}/trace_pipe_raw`;
			pipes.push(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
		}
	} catch (error) {
		close();
		return explainTraceError(error, folder);
	}
	const page = Buffer.allocUnsafe(PAGE_BYTES_MAX);
	return read({
		enable: (event, filter) => enable(folder, event, filter),
		drain: (pagesMax, visit) => drain(pipes, page, pagesMax, visit),
		close,
	});
}

function enable(folder: string, event: string, filter: string | undefined): Reading<TraceFormat> {
	const path = `${folder}/events/${event}`;
	if (!existsSync(path)) return refused("unsupported", `this kernel has no tracepoint ${event}`);
	try {
		const format = parseTraceFormat(readFileSync(`${path}/format`, "utf8"));
		if (format === undefined) return refused("failed", `${path}/format is not understood`);
		const refusal = filter === undefined ? undefined : setFilter(`${path}/filter`, filter);
		if (refusal !== undefined) return refusal;
		writeFileSync(`${path}/enable`, "1");
		return read(format);
	} catch (error) {
		return explainTraceError(error, path);
	}
}

function setFilter(path: string, filter: string): Refusal | undefined {
	try {
		writeFileSync(path, filter);
		return undefined;
	} catch (error) {
		return refused("failed", `tracing does not take the filter "${filter}" (${errnoCode(error)})`);
	}
}

function drain(
	pipes: readonly number[],
	page: Buffer,
	pagesMax: number,
	visit: (record: Buffer, timeNs: bigint) => void,
): Reading<TraceDrain> {
	let records = 0;
	let lost = 0n;
	let isPartial = false;
	let isCut = false;
	for (const fd of pipes) {
		for (let pages = 0; ; pages++) {
			if (pages === pagesMax) {
				isCut = true;
				break;
			}
			const size = readOrNothing(fd, page);
			if (typeof size !== "number") return size;
			if (size === 0) break;
			const seen = readTracePage(page.subarray(0, size), visit);
			records += seen.records;
			if (seen.lost !== undefined && seen.lost >= 0n) lost += seen.lost;
			isPartial ||= seen.malformed || seen.lost === -1n;
		}
	}
	return read({ records, lost, isPartial, isCut });
}

/** One page, or 0 when there is none just now. */
function readOrNothing(fd: number, page: Buffer): number | Reading<never> {
	try {
		return readSync(fd, page, 0, page.length, null);
	} catch (error) {
		if (errnoCode(error) === "EAGAIN") return 0;
		return explainTraceError(error, "trace_pipe_raw");
	}
}
