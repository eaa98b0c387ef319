/**
 * How much one socket may bring in one turn of the event loop.
 *
 * libuv reads a socket up to 32 times in a row while there is more: 2 MiB. Some hundred clients that ask for large
 * bodies then make a turn of a second, and whoever wants a small answer waits several of them. So after SHARE_BYTES a
 * socket is not read before the others have had theirs.
 *
 *   data ─▶ counted ─▶ under its share: goes on          over it: paused ─▶ (the next turn) ─▶ resumed
 */
const SHARE_BYTES = 256 * 1024;

/** Of this process's loop; it only has to be another number in another turn. */
let turn = 0;
let isCounting = false;

function nextTurn(): void {
	turn++;
	isCounting = false;
}

export class TurnShare {
	#turn = -1;
	#bytes = 0;

	/** True: it has brought its share of this turn. */
	isSpent(bytes: number): boolean {
		if (!isCounting) {
			isCounting = true;
			setImmediate(nextTurn);
		}
		if (this.#turn !== turn) {
			this.#turn = turn;
			this.#bytes = 0;
		}
		this.#bytes += bytes;
		return this.#bytes >= SHARE_BYTES;
	}
}
