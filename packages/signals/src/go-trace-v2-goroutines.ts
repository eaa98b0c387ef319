/**
 * Follows goroutines through the events of all threads.
 *
 *     thread 1:   GoStart g7 #3   GoCreate g9   GoBlock "select"
 *     thread 2:   GoUnblock g7 #4   GoStart g9 #1   GoDestroy
 *
 * An event of a thread is about the goroutine that runs on it, which its last GoStart told; so each thread is read by
 * itself, in order. What happens to one goroutine on several threads is ordered by its sequence number (#), which
 * begins at 0 in each generation with its creation or status and rises with each GoStart and GoUnblock: what follows
 * the highest number is where it ended up. No clock is needed for that, and none would do: those of two cores differ.
 *
 * It can mislead in the times: `since` and `born` are read from the clock of the core it ran on. And where events
 * are missing (a trace that is cut, a thread whose last buffer did not come), a goroutine is taken to be where it was
 * seen last.
 */
import type { Flaws } from "./flaws.ts";
import type { Batch, Generation } from "./go-trace-v2-batches.ts";
import { TraceBytes } from "./go-trace-v2-bytes.ts";
import * as ev from "./go-trace-v2-events.ts";
import type { Site, Sites } from "./go-trace-v2-sites.ts";
import type { TraceTables } from "./go-trace-v2-tables.ts";

/** Followed at once: all that are alive, and those born in the running generation. */
const GOROUTINES_MAX = 2_000_000;
/** Far more threads than a process can have: the kernel's own bound is 2^22. */
const THREADS_MAX = 100_000;

const SYSCALL = "syscall";
const SWITCHED = "coroutine";
/** Where the trace tells that it waits, but not for what: it did when the trace began. */
const WAITING = "waiting";

type State = "runs" | "blocked" | "ended";

/** Times in units of the trace's clock. */
export interface Followed {
	readonly goid: number;
	readonly offset: number;
	/** Undefined: it was there before. */
	born: number | undefined;
	creatorGoid: number | undefined;
	site: Site | undefined;
	/** What is known goes up to this sequence number of this generation. */
	generation: number;
	sequence: number;
	state: State;
	/** When it came into this state; undefined: before the trace. */
	since: number | undefined;
	/** Of a blocked one. */
	reason: string | number;
	stack: number | undefined;
	/** Of this generation, not looked up yet; so is a reason that is a number. */
	stackId: number;
	/** The last generation in which it blocked or ended. */
	touched: number;
}

interface Thread {
	runs: Followed | undefined;
	/** Sequence number that the goroutine came with. */
	sequence: number;
	generation: number;
}

export class GoroutineFollower {
	readonly #bytes: Uint8Array;
	readonly #sites: Sites;
	readonly #flaws: Flaws;
	readonly #threads = new Map<number, Thread>();
	readonly alive = new Map<number, Followed>();
	/** Those that ended, of those kept: the first `endedMax`. */
	readonly ended: Followed[] = [];
	readonly #endedMax: number;
	#generation = 0;
	/** Blocked or ended in this generation; each once. */
	#touched: Followed[] = [];
	bornCount = 0;
	endedCount = 0;
	notFollowed = 0;
	/** Of all events. */
	first = Number.POSITIVE_INFINITY;
	last = 0;

	constructor(bytes: Uint8Array, sites: Sites, flaws: Flaws, endedMax: number) {
		this.#bytes = bytes;
		this.#sites = sites;
		this.#flaws = flaws;
		this.#endedMax = endedMax;
	}

	follow(generation: Generation, tables: TraceTables): void {
		this.#generation++;
		this.#sites.begin(tables);
		const inKernel: (readonly [thread: number, goroutine: Followed])[] = [];
		for (const batch of generation.events) this.#readBatch(batch, inKernel);
		// In the kernel through all of this generation: the thread's next event is about it.
		for (const [id, goroutine] of inKernel) {
			const thread = this.#thread(id);
			if (thread.runs === undefined) this.#run(thread, goroutine, 0);
		}
		this.#settle(tables);
	}

	#readBatch(batch: Batch, inKernel: (readonly [number, Followed])[]): void {
		const cursor = new TraceBytes(this.#bytes, batch.start, batch.end);
		const thread = this.#thread(batch.thread);
		if (thread.generation !== this.#generation) {
			thread.generation = this.#generation;
			thread.sequence = 0;
		}
		// One object for all events of the batch: there may be tens of millions.
		const at: EventPlace = { cursor, thread, time: batch.time, offset: 0, batch, inKernel };
		this.first = Math.min(this.first, batch.time);
		while (cursor.at < batch.end) {
			const offset = cursor.at;
			const kind = cursor.byte();
			const count = ev.ARGUMENTS_OF[kind] ?? ev.NO_EVENT;
			if (count === ev.NO_EVENT) {
				const why = `expected an event, found byte ${kind}; the rest of its batch is left out`;
				this.#flaws.malformed(why, offset);
				// Whatever ran here may have gone on to anything.
				thread.runs = undefined;
				break;
			}
			at.offset = offset;
			at.time += cursor.number();
			if (!this.#readEvent(kind, at)) cursor.skip(count);
			if (cursor.broken) break;
		}
		this.last = Math.max(this.last, at.time);
	}

	/** False when its arguments are still to be passed over. */
	#readEvent(kind: number, at: EventPlace): boolean {
		const { cursor, thread, time } = at;
		switch (kind) {
			case ev.GO_START: {
				const goroutine = this.#find(cursor.number(), at);
				this.#start(thread, goroutine, cursor.number(), at);
				return true;
			}
			case ev.GO_BLOCK:
				this.#block(thread, time, cursor.number(), cursor.number());
				thread.runs = undefined;
				return true;
			case ev.GO_UNBLOCK: {
				const goroutine = this.#find(cursor.number(), at);
				this.#move(goroutine, cursor.number(), "runs", time);
				cursor.number();
				return true;
			}
			case ev.GO_SYSCALL_BEGIN:
				cursor.number();
				this.#block(thread, time, SYSCALL, cursor.number());
				return true;
			case ev.GO_SYSCALL_END:
				if (thread.runs !== undefined) this.#move(thread.runs, thread.sequence, "runs", time);
				return true;
			case ev.GO_SYSCALL_END_BLOCKED:
			case ev.GO_STOP:
				if (thread.runs !== undefined) this.#move(thread.runs, thread.sequence, "runs", time);
				thread.runs = undefined;
				return false;
			case ev.GO_DESTROY:
			case ev.GO_DESTROY_SYSCALL:
				this.#end(thread, time);
				return true;
			case ev.GO_CREATE:
			case ev.GO_CREATE_BLOCKED:
				this.#create(kind, at);
				return true;
			case ev.GO_CREATE_SYSCALL:
				this.#createInKernel(at);
				return true;
			case ev.GO_STATUS:
			case ev.GO_STATUS_STACK:
				this.#status(kind, at);
				return true;
			case ev.GO_SWITCH:
			case ev.GO_SWITCH_DESTROY: {
				const next = this.#find(cursor.number(), at);
				const sequence = cursor.number();
				if (cursor.broken) return true;
				if (kind === ev.GO_SWITCH) this.#block(thread, time, SWITCHED, 0);
				else this.#end(thread, time);
				this.#start(thread, next, sequence, at);
				return true;
			}
			default:
				return false;
		}
	}

	#thread(id: number): Thread {
		const known = this.#threads.get(id);
		if (known !== undefined) return known;
		const thread: Thread = { runs: undefined, sequence: 0, generation: this.#generation };
		if (this.#threads.size < THREADS_MAX) this.#threads.set(id, thread);
		return thread;
	}

	/** Undefined when there are too many, or the id was cut off. */
	#find(goid: number, { cursor, offset }: EventPlace): Followed | undefined {
		if (cursor.broken) return undefined;
		const known = this.alive.get(goid);
		if (known !== undefined) return known;
		if (this.alive.size >= GOROUTINES_MAX) {
			this.notFollowed++;
			return undefined;
		}
		const goroutine: Followed = {
			goid,
			offset,
			born: undefined,
			creatorGoid: undefined,
			site: undefined,
			generation: 0,
			sequence: 0,
			state: "runs",
			since: undefined,
			reason: "",
			stack: undefined,
			stackId: 0,
			touched: 0,
		};
		this.alive.set(goid, goroutine);
		return goroutine;
	}

	/** Whether news with this number are newer than what is known; then they are what is known. */
	#isNews(goroutine: Followed, sequence: number): boolean {
		const isNews = goroutine.generation !== this.#generation || sequence >= goroutine.sequence;
		if (!isNews) return false;
		goroutine.generation = this.#generation;
		goroutine.sequence = sequence;
		return true;
	}

	#move(goroutine: Followed | undefined, sequence: number, state: State, time: number): void {
		if (goroutine === undefined || !this.#isNews(goroutine, sequence)) return;
		goroutine.state = state;
		goroutine.since = time;
	}

	#run(thread: Thread, goroutine: Followed | undefined, sequence: number): void {
		thread.runs = goroutine;
		thread.sequence = sequence;
	}

	#start(thread: Thread, goroutine: Followed | undefined, sequence: number, at: EventPlace): void {
		if (at.cursor.broken) return;
		this.#move(goroutine, sequence, "runs", at.time);
		this.#run(thread, goroutine, sequence);
	}

	/** A reason is a text, or the id of one in this generation. */
	#block({ runs, sequence }: Thread, time: number, reason: string | number, stackId: number): void {
		if (runs === undefined || !this.#isNews(runs, sequence)) return;
		runs.state = "blocked";
		runs.since = time;
		runs.reason = reason;
		runs.stackId = stackId;
		runs.stack = undefined;
		this.#touch(runs);
	}

	#touch(goroutine: Followed): void {
		if (goroutine.touched === this.#generation) return;
		goroutine.touched = this.#generation;
		this.#touched.push(goroutine);
	}

	#end(thread: Thread, time: number): void {
		this.endedCount++;
		const { runs } = thread;
		thread.runs = undefined;
		if (runs === undefined || runs.state === "ended") return;
		this.#move(runs, thread.sequence, "ended", time);
		if (runs.site !== undefined) runs.site.ended++;
		this.#touch(runs);
	}

	#create(kind: number, at: EventPlace): void {
		const { cursor, thread, time, offset } = at;
		const goid = cursor.number();
		const entry = cursor.number();
		const stack = cursor.number();
		if (cursor.broken) return;
		this.bornCount++;
		const site = this.#sites.of(stack, entry, offset);
		if (site !== undefined) site.born++;
		const goroutine = this.#find(goid, at);
		if (goroutine === undefined) return;
		goroutine.born = time;
		goroutine.creatorGoid = thread.runs?.goid;
		goroutine.site = site;
		// The end of its life may have been read before, on another thread.
		if (goroutine.state === "ended" && site !== undefined) site.ended++;
		if (!this.#isNews(goroutine, 0)) return;
		goroutine.state = kind === ev.GO_CREATE ? "runs" : "blocked";
		goroutine.since = time;
		goroutine.reason = SWITCHED;
	}

	/** A thread of C calls into Go: the same goroutine may come and go many times. */
	#createInKernel(at: EventPlace): void {
		const goroutine = this.#find(at.cursor.number(), at);
		if (at.cursor.broken) return;
		this.bornCount++;
		if (goroutine === undefined) return;
		goroutine.born = at.time;
		goroutine.generation = this.#generation;
		goroutine.sequence = 0;
		goroutine.state = "runs";
		goroutine.since = at.time;
		this.#run(at.thread, goroutine, 0);
	}

	/** Where it is as a generation begins or, where it did nothing in it, ends. */
	#status(kind: number, at: EventPlace): void {
		const { cursor, thread, batch, inKernel } = at;
		const goid = cursor.number();
		const id = cursor.number();
		const status = cursor.number();
		const stackId = kind === ev.GO_STATUS_STACK ? cursor.number() : 0;
		const goroutine = this.#find(goid, at);
		if (goroutine === undefined || cursor.broken) return;
		if (status === ev.STATUS_RUNNING) this.#run(thread, goroutine, 0);
		if (status === ev.STATUS_SYSCALL) {
			if (id === batch.thread) this.#run(thread, goroutine, 0);
			else if (inKernel.length < THREADS_MAX) inKernel.push([id, goroutine]);
		}
		const isBlocked = status === ev.STATUS_WAITING || status === ev.STATUS_SYSCALL;
		const wasBlocked = goroutine.state === "blocked";
		if (!this.#isNews(goroutine, 0) || (isBlocked && wasBlocked)) return;
		// In the first generation it was so before the trace; later its last event was lost.
		goroutine.since = this.#generation === 1 ? undefined : at.time;
		goroutine.state = isBlocked ? "blocked" : "runs";
		if (!isBlocked) return;
		goroutine.reason = status === ev.STATUS_SYSCALL ? SYSCALL : WAITING;
		goroutine.stackId = stackId;
		goroutine.stack = undefined;
		this.#touch(goroutine);
	}

	/** Ids of texts and stacks mean something in their generation only. */
	#settle(tables: TraceTables): void {
		for (const goroutine of this.#touched) {
			if (goroutine.state === "ended") {
				this.alive.delete(goroutine.goid);
				if (this.ended.length < this.#endedMax) this.ended.push(goroutine);
				else this.notFollowed++;
				continue;
			}
			const { reason } = goroutine;
			if (typeof reason === "number") goroutine.reason = tables.text(reason) ?? WAITING;
			if (goroutine.stackId > 0) goroutine.stack = this.#sites.stack(goroutine.stackId);
			goroutine.stackId = 0;
		}
		this.#touched = [];
	}
}

/** Where an event is read, and on whom. */
interface EventPlace {
	readonly cursor: TraceBytes;
	readonly thread: Thread;
	time: number;
	offset: number;
	readonly batch: Batch;
	readonly inKernel: (readonly [thread: number, goroutine: Followed])[];
}
