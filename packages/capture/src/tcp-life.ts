/**
 * How the process's connections come and go: looks at the socket table through the window, counted on the
 * spot and written as one part at its end. The looks themselves are not kept: ten of a busy host would be
 * larger than all the rest.
 */
import { type ProcessStat, readProcessStat, whyGone } from "@plumbline/kernel/process-stat";
import { TRACE_WAYS } from "@plumbline/kernel/tcp-life-trace";
import { type WatchedLife, watchTcpLife } from "@plumbline/kernel/tcp-life-watch";
import { encodeTcpLife } from "@plumbline/signals/tcp-life-json";
import type { Recorder } from "./recorder.ts";
import { paused, type Watch } from "./watch.ts";

const LOOK_PAUSE_MS_MIN = 1000;
/** Of looking and pausing, looking takes at most one part in so many. */
const LOOK_PAUSE_FACTOR = 20;

const MISSING = { line: "sockets", what: "life of connections" } as const;

/** What one capture's window needs of it; the first sample begins, the one at the end writes. */
export class ConnectionLife {
	readonly #recorder: Recorder;
	readonly #pid: number;
	readonly #trace: boolean;
	#watched: { readonly life: WatchedLife; readonly known: ProcessStat } | undefined;
	#tookMs = 0;
	#isWarm = false;
	#isClosed = false;

	constructor(recorder: Recorder, { pid, trace }: { readonly pid: number; readonly trace: boolean }) {
		this.#recorder = recorder;
		this.#pid = pid;
		this.#trace = trace;
	}

	async begin(signal: AbortSignal): Promise<void> {
		const known = readProcessStat(this.#pid);
		if (known.kind === "refused") return this.#giveUp(known.why);
		const life = await watchTcpLife(this.#pid, {
			now: () => this.#recorder.now().monoMs,
			trace: this.#trace ? TRACE_WAYS : [],
		});
		if (life.kind === "refused") return this.#giveUp(life.why);
		if (this.#isClosed) return life.value.close();
		this.#watched = { life: life.value, known: known.value };
		const { untraced, traceNote } = life.value;
		if (untraced !== undefined) {
			const why = `--trace: ${untraced}; connections were followed by looks once a second instead`;
			this.#recorder.gap({ ...MISSING, why, weight: "note" });
		}
		if (traceNote !== undefined) {
			this.#recorder.gap({ ...MISSING, why: `--trace: ${traceNote}`, weight: "note" });
		}
		await this.#look(signal);
	}

	async between({ until, signal }: Watch): Promise<void> {
		while (this.#watched !== undefined) {
			const pauseMs = Math.max(LOOK_PAUSE_MS_MIN, LOOK_PAUSE_FACTOR * this.#tookMs);
			if (!(await paused(pauseMs, until))) return;
			await this.#look(signal);
		}
	}

	/** Connections that the program was seen to open in this window, to the peer to which it opened most. */
	openedSoFar(): number {
		const peers = this.#watched?.life.result().peers ?? [];
		const dialled = peers.filter(({ direction }) => direction === "out");
		return Math.max(0, ...dialled.map(({ opens }) => opens));
	}

	async end(sample: number, signal: AbortSignal): Promise<void> {
		await this.#look(signal);
		const life = this.#watched?.life;
		if (life === undefined) return;
		const plan = {
			name: "tcp-life.json",
			format: "tcp-life",
			sample,
			source: `NETLINK_SOCK_DIAG in /proc/${this.#pid}/ns/net`,
			...MISSING,
		} as const;
		await this.#recorder.record(plan, () => ({ bytes: encodeTcpLife(life.result()) }));
	}

	/** Takes the trace out of the kernel; safe at any time. */
	async close(): Promise<void> {
		this.#isClosed = true;
		this.#watched?.life.close();
		this.#watched = undefined;
	}

	async #look(signal: AbortSignal): Promise<void> {
		if (this.#watched === undefined) return;
		const { life, known } = this.#watched;
		const looked = await life.look(signal);
		const gone = whyGone(known);
		if (gone !== undefined) return this.#giveUp(gone);
		if (looked.kind === "refused") return this.#giveUp(looked.why);
		// The first one also pays for cold code of ours; later ones tell what looking at this host costs.
		this.#tookMs = this.#isWarm ? looked.value.tookMs : 0;
		this.#isWarm = true;
	}

	/** A note: both socket tables at the ends of the window are there without it. */
	#giveUp(why: string): void {
		this.#watched?.life.close();
		this.#watched = undefined;
		this.#recorder.gap({ ...MISSING, why, weight: "note" });
	}
}
