/**
 * The memory heads and small bodies are put together in before they leave: one slab for all connections of a process.
 *
 *   [ held by a slow socket | held by another | put down by the owner → | free ]
 *                                             ^ at
 *
 * What the kernel took at once leaves its place free again, so a busy gateway writes the same few warm lines for ever.
 * What a socket still holds stays where it is; when the slab is full a new one begins, and the old one goes when the
 * last socket has let go of it.
 */

/** Whoever has put something down that has not left yet. */
export interface ScratchOwner {
	/** Lets it leave, or moves it away: somebody else wants to write. */
	flush(): void;
}

const SLAB_BYTES = 128 * 1024;

export class Scratch {
	bytes: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
	/** Where whoever comes next begins. */
	at = 0;
	owner: ScratchOwner | undefined = undefined;

	/** A new slab with room for so many bytes. */
	renew(bytesMin: number): void {
		this.bytes = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytesMin));
		this.at = 0;
	}
}
