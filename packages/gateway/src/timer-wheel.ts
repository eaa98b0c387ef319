/**
 * Many coarse timers for the price of one: every request and connection has some, and nearly none ever falls due.
 *
 *   slots[k]  a ring list of timers that are looked at when the hand passes k
 *
 * A timer that is set again for later stays where it is: when the hand comes to it, it is moved on. So starting again,
 * which every read of a connection does, costs one comparison. A timer falls due up to TICK_MS late, never early.
 *
 * Node runs timers before it reads sockets. In a process that was busy for longer than a time limit, that would end
 * connections whose bytes have come in time and lie in the kernel. So the hand moves when sockets have been read.
 */
import { realTimers, type Timers } from "@plumbline/resolver/timers";

const TICK_MS = 50;
/** Of a lap of 12.8 s; whatever is due later is passed by until its lap has come. */
const SLOTS = 256;

/** Belongs to whoever starts it; `due` is called when it falls due, and it may be started again from there. */
export class WheelTimer {
	readonly due: () => void;
	/** Monotonic; Infinity when it is not running. */
	dueMs = Infinity;
	/** When the hand comes to it: never after dueMs by more than a tick. */
	lookAtMs = 0;
	before: WheelTimer | undefined;
	after: WheelTimer | undefined;

	constructor(due: () => void) {
		this.due = due;
	}
}

export class TimerWheel {
	readonly #now: () => number;
	readonly #timers: Timers;
	/** Heads of the lists: they are no timers themselves. */
	readonly #slots = Array.from({ length: SLOTS }, () => ringHead());
	#running = 0;
	#handMs: number;
	#called: (() => void) | undefined;

	constructor(now: () => number = () => performance.now(), timers: Timers = realTimers) {
		this.#now = now;
		this.#timers = timers;
		this.#handMs = Math.floor(now() / TICK_MS) * TICK_MS;
	}

	/** Timers that are running, or were stopped and not yet passed by the hand. */
	get size(): number {
		return this.#running;
	}

	/** From now on, instead of whatever it was started for before. Infinity stops it. */
	start(timer: WheelTimer, ms: number): void {
		if (ms === Infinity) {
			this.stop(timer);
			return;
		}
		const dueMs = this.#now() + ms;
		timer.dueMs = dueMs;
		if (timer.before !== undefined) {
			if (timer.lookAtMs <= dueMs) return;
			this.#unlink(timer);
		}
		this.#link(timer);
	}

	stop(timer: WheelTimer): void {
		timer.dueMs = Infinity;
		if (timer.before !== undefined) this.#unlink(timer);
	}

	/** Nothing falls due any more; for the end of the process. */
	close(): void {
		this.#called?.();
		this.#called = undefined;
		for (const slot of this.#slots) {
			slot.before = slot;
			slot.after = slot;
		}
		this.#running = 0;
	}

	#link(timer: WheelTimer): void {
		if (this.#running++ === 0) {
			this.#handMs = Math.floor(this.#now() / TICK_MS) * TICK_MS;
			this.#wake();
		}
		// The end of the tick in which it is due: late, never early.
		const endOfTickMs = Math.ceil(timer.dueMs / TICK_MS) * TICK_MS;
		timer.lookAtMs = Math.max(this.#handMs + TICK_MS, endOfTickMs);
		const head = this.#slots[(timer.lookAtMs / TICK_MS) % SLOTS] as WheelTimer;
		const last = head.before as WheelTimer;
		timer.before = last;
		timer.after = head;
		last.after = timer;
		head.before = timer;
	}

	#unlink(timer: WheelTimer): void {
		(timer.before as WheelTimer).after = timer.after;
		(timer.after as WheelTimer).before = timer.before;
		timer.before = undefined;
		timer.after = undefined;
		if (--this.#running === 0) {
			this.#called?.();
			this.#called = undefined;
		}
	}

	#wake(): void {
		this.#called = this.#timers.after(TICK_MS, () => {
			this.#called = undefined;
			setImmediate(() => {
				this.#turn();
				if (this.#running > 0 && this.#called === undefined) this.#wake();
			});
		});
	}

	/** Moves the hand to now. After a long stop of the loop it goes round once at most: that passes everybody. */
	#turn(): void {
		const nowMs = this.#now();
		const untilMs = Math.floor(nowMs / TICK_MS) * TICK_MS;
		const fromMs = Math.max(this.#handMs, untilMs - SLOTS * TICK_MS);
		this.#handMs = untilMs;
		for (let atMs = fromMs + TICK_MS; atMs <= untilMs; atMs += TICK_MS) {
			this.#pass(this.#slots[(atMs / TICK_MS) % SLOTS] as WheelTimer, untilMs, nowMs);
		}
	}

	#pass(head: WheelTimer, untilMs: number, nowMs: number): void {
		// A list of its own: `due` may stop and start any other timer.
		const passed: WheelTimer[] = [];
		for (let timer = head.after as WheelTimer; timer !== head; timer = timer.after as WheelTimer) {
			if (timer.lookAtMs <= untilMs) passed.push(timer);
		}
		for (const timer of passed) {
			if (timer.before !== undefined && timer.lookAtMs <= untilMs) this.#lookAt(timer, nowMs);
		}
	}

	#lookAt(timer: WheelTimer, nowMs: number): void {
		const isDue = timer.dueMs <= nowMs;
		this.#unlink(timer);
		if (isDue) {
			timer.dueMs = Infinity;
			timer.due();
		} else this.#link(timer);
	}
}

function ringHead(): WheelTimer {
	const head = new WheelTimer(() => undefined);
	head.before = head;
	head.after = head;
	return head;
}
