/**
 * The events tcp-life-events.ts counts by, through whichever way into the kernel is open: changes of TCP state are
 * fetched ten times a second, and sorted into those before and after the first look.
 *
 * The ways, best first: BPF by the kernel's types (CAP_BPF and CAP_PERFMON, nothing to mount; a third less work for
 * us: 120 against 190 ms of processor for 20,000 connections, both ends on this host); tracefs (root); BPF without
 * types, which knows less (tcp-life-program.ts).
 */
import { type Reading, type Refusal, read, refused } from "./reading.ts";
import { openBpfSource } from "./tcp-life-bpf.ts";
import { ConnectionEvents, type StateChangeSource } from "./tcp-life-events.ts";
import { openTracefsSource } from "./tcp-life-tracefs.ts";

const DRAIN_MS = 100;
/** Later than any time of the kernel. */
const NEVER_NS = 1n << 64n;
const NS_PER_MS = 1e6;

const UNTYPED_NOTE =
	"connections of MPTCP and SCTP, and now and then one of another network namespace, may be among those counted: this kernel tells no types (BTF) and tracefs is closed";

const WAYS = {
	bpf: (pid: number) => openBpfSource(pid, "typed"),
	tracefs: (pid: number) => openTracefsSource(pid),
	"bpf-untyped": (pid: number) => openBpfSource(pid, "untyped"),
} as const;

export type TraceWay = keyof typeof WAYS;

/** In this order they are tried. */
export const TRACE_WAYS: readonly TraceWay[] = ["bpf", "tracefs", "bpf-untyped"];

export interface TcpTrace {
	readonly events: ConnectionEvents;
	/** Counts what happened until now. Answers for how long it has been counted, in milliseconds. */
	readonly drain: () => number;
	/** From now on what happens is counted. */
	readonly startCounting: () => void;
	/** So many events were lost, or forgotten for lack of room. */
	readonly lost: () => number;
	/** What this way cannot tell apart. */
	readonly note: string | undefined;
	readonly close: () => void;
}

/** By the first of `ways` that is open. Refused with the reasons of all of them, each once. */
export async function traceTcpLife(pid: number, ways = TRACE_WAYS): Promise<Reading<TcpTrace>> {
	const refusals: Refusal[] = [];
	for (const way of ways) {
		const source = await WAYS[way](pid);
		if (source.kind === "read") return read(new Trace(source.value, way));
		refusals.push(source);
	}
	const reasons = new Set(refusals.map(({ why }) => why));
	return refused(refusals[0]?.code ?? "failed", [...reasons].join("; "));
}

class Trace implements TcpTrace {
	readonly events = new ConnectionEvents();
	readonly note: string | undefined;
	readonly #source: StateChangeSource;
	readonly #timer: NodeJS.Timeout;
	#countFromNs = NEVER_NS;
	#lost = 0;

	constructor(source: StateChangeSource, way: TraceWay) {
		this.#source = source;
		this.note = way === "bpf-untyped" ? UNTYPED_NOTE : undefined;
		this.#timer = setInterval(() => this.drain(), DRAIN_MS);
		this.#timer.unref();
	}

	startCounting(): void {
		this.#countFromNs = process.hrtime.bigint();
	}

	lost(): number {
		return this.#lost + this.events.forgotten;
	}

	drain(): number {
		const untilNs = process.hrtime.bigint();
		this.#lost += this.#source.drain(untilNs, (change) =>
			this.events.apply(change, change.timeNs < this.#countFromNs),
		);
		return Number(untilNs - this.#countFromNs) / NS_PER_MS;
	}

	close(): void {
		clearInterval(this.#timer);
		this.#source.close();
	}
}
