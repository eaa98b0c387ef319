/**
 * Whether a connection still lives. After a path was cut (a NAT that forgot, a line that flapped) nothing tells it:
 * what is sent is lost without a word, and each query would wait its whole time.
 *
 *     idle ──sent──▶ awaited ──silence of stallMs──▶ probed ──as long again──▶ suspect, for good
 *      ▲                │ ▲                             │
 *      └─all answered───┘ └──────anything heard─────────┘
 *
 * A slow server is no dead path: it answers the probe meanwhile. One that answers strictly in turn does not, and is
 * suspected wrongly; the price is a second connection, for what the first one carries is not taken off it.
 */
import type { LinkOptions } from "./transport-link.ts";

export interface WatchActions {
	/** Sends something that a living server answers at once. */
	probe(): void;
	suspect(): void;
	/** Nobody has used it for `idleMs`. */
	idle(): void;
}

export class LinkWatch {
	readonly #options: LinkOptions;
	readonly #actions: WatchActions;
	#awaited = 0;
	/** Monotonic ms; since when something is awaited and nothing is heard. */
	#quietSinceMs: number | undefined;
	#isProbed = false;
	/** A connection that never answered is not one whose path was cut: the caller's time limit ends the wait. */
	#hasHeard = false;
	#stopTimer: (() => void) | undefined;
	#stopIdle: (() => void) | undefined;

	constructor(options: LinkOptions, actions: WatchActions) {
		this.#options = options;
		this.#actions = actions;
		this.#startIdle();
	}

	sent(): void {
		this.#awaited++;
		this.#stopIdle?.();
		this.#stopIdle = undefined;
		this.#quietSinceMs ??= this.#options.now();
		if (this.#hasHeard) this.#startTimer(this.#options.stallMs);
	}

	/** An answer came, or is not waited for any more. */
	settled(): void {
		if (--this.#awaited > 0) return;
		this.#quietSinceMs = undefined;
		this.#stopTimer?.();
		this.#stopTimer = undefined;
		this.#startIdle();
	}

	/** Octets came, whatever they are. */
	heard(): void {
		this.#hasHeard = true;
		this.#isProbed = false;
		if (this.#awaited === 0) return;
		this.#quietSinceMs = this.#options.now();
		this.#startTimer(this.#options.stallMs);
	}

	/** Whether nothing was heard for so long that a query given up now speaks against it. */
	isQuiet(): boolean {
		const since = this.#quietSinceMs;
		return since !== undefined && this.#options.now() - since >= this.#options.stallMs;
	}

	stop(): void {
		this.#stopTimer?.();
		this.#stopIdle?.();
		this.#stopTimer = undefined;
		this.#stopIdle = undefined;
	}

	/** One timer at a time: it looks at the clock when it ends, so that octets need not touch it. */
	#startTimer(ms: number): void {
		this.#stopTimer ??= this.#options.timers.after(ms, () => {
			this.#stopTimer = undefined;
			this.#look();
		});
	}

	#look(): void {
		const since = this.#quietSinceMs;
		if (since === undefined) return;
		const { stallMs, now } = this.#options;
		const leftMs = (this.#isProbed ? 2 : 1) * stallMs - (now() - since);
		if (leftMs > 0) {
			this.#startTimer(leftMs);
			return;
		}
		if (this.#isProbed) {
			this.#actions.suspect();
			return;
		}
		this.#isProbed = true;
		this.#actions.probe();
		this.#startTimer(stallMs);
	}

	#startIdle(): void {
		this.#stopIdle ??= this.#options.timers.after(this.#options.idleMs, () => this.#actions.idle());
	}
}
