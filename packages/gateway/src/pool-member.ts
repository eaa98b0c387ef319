/**
 * One connection of a pool, from the start of its dial to its end, with what the pool knows of it.
 *
 *   dialling ─▶ shelved (room for more; idle when nothing is on it) ◀─▶ busy
 *                  │ too long idle                │ old, worn, not wanted
 *                  ▼                              ▼
 *              lingering ──(the server did not close it)──▶ leaving ─▶ gone
 */
import type { PoolCounts } from "./endpoint.ts";
import type { Failure } from "./stream.ts";
import type { ConnectionOwner, Dialling, UpstreamConnection } from "./upstream-connection.ts";

export type LeaveReason = Exclude<keyof PoolCounts["closedBy"], "broken">;

/** What a member tells its pool. */
export interface MemberOwner {
	ready(member: PoolMember, connection: UpstreamConnection): void;
	failed(member: PoolMember, failure: Failure): void;
	settle(member: PoolMember): void;
	gone(member: PoolMember): void;
}

/** Its fields are the pool's to write; the links and `isShelved` the shelf's. */
export class PoolMember implements ConnectionOwner {
	readonly #pool: MemberOwner;
	/** Undefined while it is dialled. */
	connection: UpstreamConnection | undefined = undefined;
	dialling: Dialling | undefined = undefined;
	newer: PoolMember | undefined = undefined;
	older: PoolMember | undefined = undefined;
	isShelved = false;
	/** Shelved when nothing had been on it yet. */
	isUnused = false;
	/** Shelved, and nothing is on it. */
	isIdle = false;
	/** The peer takes no more, and nothing is on it: it is about to close. */
	isEnding = false;
	isGone = false;
	leaving: LeaveReason | undefined = undefined;
	/** Leaving, with nothing on it that it would wait for. */
	isFreeing = false;
	/** Since it was idle, or began to linger, to end or to leave. */
	sinceMs = 0;
	isLingering = false;
	expiresAtMs = Infinity;

	constructor(pool: MemberOwner) {
		this.#pool = pool;
	}

	ready(connection: UpstreamConnection): void {
		if (!this.isGone) this.#pool.ready(this, connection);
	}

	failed(failure: Failure): void {
		if (!this.isGone) this.#pool.failed(this, failure);
	}

	roomChanged(): void {
		this.#pool.settle(this);
	}

	closed(): void {
		if (!this.isGone) this.#pool.gone(this);
	}
}
