/**
 * Whoever closes a connection first has its TIME_WAIT, and as we dialled it, that holds one of our ports. Servers close
 * first where they can; where it must be us, as with more idle connections than are kept, so many of a server's are
 * closed by FIN within the life of a TIME_WAIT. The others are reset: that leaves nothing behind, and a server that has
 * nothing left to do on a connection loses nothing by it.
 */
import type { DialTarget } from "./upstream-connection.ts";

/** Of one server and process, at any time. */
export const POLITE_MAX = 32;
/** TCP_TIMEWAIT_LEN of Linux is 60 s, and its timers may be an eighth late. */
const TIME_WAIT_MS = 67_500;

interface Recent {
	/** When the last ones were; the oldest is at `next`. */
	readonly atMs: Float64Array;
	next: number;
}

export class FirstCloses {
	readonly #now: () => number;
	readonly #recent = new WeakMap<DialTarget, Recent>();

	constructor(now: () => number) {
		this.#now = now;
	}

	/** Counts one close; false: by reset. */
	isPolite(target: DialTarget): boolean {
		const nowMs = this.#now();
		let recent = this.#recent.get(target);
		if (recent === undefined) {
			recent = { atMs: new Float64Array(POLITE_MAX).fill(-Infinity), next: 0 };
			this.#recent.set(target, recent);
		}
		const { atMs, next } = recent;
		if (nowMs - (atMs[next] as number) < TIME_WAIT_MS) return false;
		atMs[next] = nowMs;
		recent.next = (next + 1) % POLITE_MAX;
		return true;
	}
}
