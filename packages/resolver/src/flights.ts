/**
 * Questions under way. Whoever asks what is already asked waits for the same answer: one name that everybody wants
 * costs one ask, and a forger gets one chance to guess an id, not thousands (RFC 5452 section 5).
 *
 *     waiter ─┐
 *     waiter ─┼─▶ flight ──▶ servers        each waiter leaves alone, by its signal or its timer;
 *     waiter ─┘                             the ask is given up when the last one left, unless it refreshes the cache
 */
import type { Timers } from "./timers.ts";

/** Different questions under way at once. */
const FLIGHTS_MAX = 2_048;
/** Of them, such as nobody waits for. */
const REFRESHES_MAX = 256;
/** Who waits for any of them. */
const WAITING_MAX = 10_000;
/** No question takes longer, whatever the servers' own limits are. */
const FLIGHT_MS_MAX = 30_000;

export type Waited<T> =
	| { readonly kind: "ended"; readonly value: T }
	| { readonly kind: "aborted" }
	/** The waiter's time was over; the ask goes on. */
	| { readonly kind: "late" }
	| { readonly kind: "too-many-waiting" };

/** How a flight ends that has no result. */
export type Lost =
	/** Nobody waits any more. */
	| { readonly kind: "given-up" }
	| { readonly kind: "overdue"; readonly detail: string }
	/** Asking threw. */
	| { readonly kind: "broken"; readonly detail: string };

export interface Flight<T> {
	readonly key: string;
	readonly controller: AbortController;
	readonly waiters: Set<(waited: Waited<T>) => void>;
	/** It goes on though nobody waits. */
	isRefresh: boolean;
	/** A waiter's time was over: it is known to be slow. */
	isLate: boolean;
}

export class Flights<T> {
	readonly #timers: Timers;
	readonly #byKey = new Map<string, Flight<T>>();
	#waiting = 0;
	#refreshes = 0;

	constructor(timers: Timers) {
		this.#timers = timers;
	}

	get(key: string): Flight<T> | undefined {
		return this.#byKey.get(key);
	}

	/** Undefined: too many are under way. `settle` is called once, with what came or with what `lost` makes of its end. */
	start<R>(
		key: string,
		why: "wanted" | "refresh",
		work: {
			readonly run: (signal: AbortSignal) => Promise<R>;
			readonly lost: (why: Lost) => R;
			readonly settle: (result: R) => T;
		},
	): Flight<T> | undefined {
		if (this.#byKey.size >= FLIGHTS_MAX) return undefined;
		if (why === "refresh" && this.#refreshes >= REFRESHES_MAX) return undefined;
		const controller = new AbortController();
		const flight: Flight<T> = {
			key,
			controller,
			waiters: new Set(),
			isRefresh: false,
			isLate: false,
		};
		this.#byKey.set(key, flight);
		if (why === "refresh") this.#keep(flight);
		const stop = this.#timers.after(FLIGHT_MS_MAX, () => {
			end(work.lost({ kind: "overdue", detail: `no answer in ${FLIGHT_MS_MAX} ms` }));
			controller.abort();
		});
		let hasEnded = false;
		const end = (result: R) => {
			if (hasEnded) return;
			hasEnded = true;
			stop();
			this.#byKey.delete(key);
			if (flight.isRefresh) this.#refreshes--;
			const value = work.settle(result);
			for (const waiter of flight.waiters) waiter({ kind: "ended", value });
		};
		controller.signal.addEventListener("abort", () => end(work.lost({ kind: "given-up" })));
		work
			.run(controller.signal)
			.then(end, (error: unknown) => end(work.lost({ kind: "broken", detail: String(error) })));
		return flight;
	}

	wait(flight: Flight<T>, signal: AbortSignal | undefined, lateMs: number | undefined): Promise<Waited<T>> {
		if (this.#waiting >= WAITING_MAX) return Promise.resolve({ kind: "too-many-waiting" });
		this.#waiting++;
		return new Promise((done) => {
			const leave = (waited: Waited<T>) => {
				if (!flight.waiters.delete(leave)) return;
				this.#waiting--;
				signal?.removeEventListener("abort", aborted);
				stop?.();
				if (waited.kind === "late") {
					flight.isLate = true;
					this.#keep(flight);
				} else if (waited.kind === "aborted" && flight.waiters.size === 0 && !flight.isRefresh)
					flight.controller.abort();
				done(waited);
			};
			const aborted = () => leave({ kind: "aborted" });
			const stop =
				lateMs === undefined ? undefined : this.#timers.after(lateMs, () => leave({ kind: "late" }));
			signal?.addEventListener("abort", aborted, { once: true });
			flight.waiters.add(leave);
		});
	}

	/** All of them end now. */
	giveUp(): void {
		for (const { controller } of [...this.#byKey.values()]) controller.abort();
	}

	#keep(flight: Flight<T>): void {
		if (flight.isRefresh) return;
		flight.isRefresh = true;
		this.#refreshes++;
	}
}
