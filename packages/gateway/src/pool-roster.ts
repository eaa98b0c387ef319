/**
 * All connections of a pool and where each is in its life (pool-member.ts); it knows nothing of who waits for one.
 *
 * An idle connection is not used after `idleMs`, because the server may be closing it while we write. We do not close
 * it then either: for `lingerMs` it waits for the server to do so, whose TIME_WAIT it then is. What is above `maxIdle`,
 * too old or worn closes at once. Every change here is complete before a connection is told of it: it may answer
 * `closed` before the call returns.
 */
import type { PoolCounts } from "./endpoint.ts";
import { type LeaveReason, type MemberOwner, PoolMember } from "./pool-member.ts";
import { PoolShelf } from "./pool-shelf.ts";
import type { PoolSettings } from "./settings.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

/** A connection that was told to close, or whose peer takes no more, has so long to do it. */
const LEAVING_MS_MAX = 5_000;
/** The same where its place is wanted: whoever closes does it within a round trip, or never. */
const WANTED_MS_MAX = 300;

export class PoolRoster {
	settings: PoolSettings;
	isDraining = false;
	connecting = 0;
	readonly shelf = new PoolShelf();
	readonly closedBy = { idle: 0, lifetime: 0, requests: 0, server: 0, broken: 0, drain: 0 };
	readonly #multiplexes: boolean;
	readonly #members = new Set<PoolMember>();
	#idle = 0;
	#lingering = 0;
	#leaving = 0;
	#freeing = 0;
	#ending = 0;

	constructor(settings: PoolSettings, multiplexes: boolean) {
		this.settings = settings;
		this.#multiplexes = multiplexes;
	}

	get size(): number {
		return this.#members.size;
	}

	/** On the shelf, with nothing on them. */
	get idle(): number {
		return this.#idle;
	}

	/** About to free their place: nothing is on them, and they were told to close. */
	get freeing(): number {
		return this.#freeing;
	}

	/** Open, and taking exchanges now or when those on them have ended. */
	get serving(): number {
		return this.#members.size - this.connecting - this.#lingering - this.#leaving - this.#ending;
	}

	get counts(): Pick<PoolCounts, "open" | "connecting" | "idle" | "inUse"> {
		const open = this.#members.size - this.connecting;
		const idle = this.#idle + this.#lingering + this.#freeing + this.#ending;
		return { open, connecting: this.connecting, idle, inUse: open - idle };
	}

	/** One more is dialled. */
	add(owner: MemberOwner): PoolMember {
		const member = new PoolMember(owner);
		this.#members.add(member);
		this.connecting++;
		return member;
	}

	opened(member: PoolMember, connection: UpstreamConnection, expiresAtMs: number): void {
		this.connecting--;
		member.dialling = undefined;
		member.connection = connection;
		member.expiresAtMs = expiresAtMs;
	}

	/** Its dial failed or was abandoned. */
	notOpened(member: PoolMember): void {
		this.connecting--;
		member.isGone = true;
		this.#members.delete(member);
	}

	/** `broken`: while an exchange was on it, whoever ended that. */
	closed(member: PoolMember): void {
		const isServers = member.isIdle || member.isLingering || member.isEnding;
		this.closedBy[member.leaving ?? (isServers ? "server" : "broken")]++;
		this.#unshelve(member);
		this.#endsNot(member);
		if (member.isLingering) this.#lingering--;
		if (member.leaving !== undefined) this.#leaving--;
		if (member.isFreeing) this.#freeing--;
		member.isGone = true;
		this.#members.delete(member);
	}

	/** So many exchanges could begin on it. */
	roomOf(connection: UpstreamConnection): number {
		const { room } = connection;
		if (!this.#multiplexes) return room;
		const { streamsMax, requestsMax } = this.settings;
		return Math.min(room, streamsMax - connection.open, requestsMax - connection.served);
	}

	/** What an exchange could begin on, or one that wants a fresh connection. */
	next(isFresh: boolean): PoolMember | undefined {
		for (;;) {
			const member = isFresh ? this.shelf.newestFresh(this.#multiplexes) : this.shelf.newest;
			if (member?.connection === undefined || this.roomOf(member.connection) > 0) return member;
			// It has not yet told us that it takes no more.
			this.#setAside(member, member.connection.open > 0, member.sinceMs);
		}
	}

	/** For one exchange more. */
	take(member: PoolMember, connection: UpstreamConnection): void {
		if (member.isIdle) {
			member.isIdle = false;
			this.#idle--;
		}
		if (!this.#multiplexes || this.roomOf(connection) <= 1) this.shelf.take(member);
	}

	/** Brings what is known of a connection in line with what it says of itself. */
	settle(member: PoolMember, connection: UpstreamConnection, nowMs: number): void {
		const isBusy = connection.open > 0;
		if (member.isGone || member.isLingering) return;
		if (member.leaving !== undefined) this.#markFreeing(member, nowMs);
		else if (connection.served >= this.settings.requestsMax) this.retire(member, "requests", nowMs);
		else if (!isBusy && nowMs >= member.expiresAtMs) this.retire(member, this.#ageReason(), nowMs);
		else if (this.roomOf(connection) > 0) this.#shelve(member, connection, isBusy, nowMs);
		else this.#setAside(member, isBusy, nowMs);
	}

	/** It closes when the last exchange on it has ended, at once if there is none. */
	retire(member: PoolMember, reason: LeaveReason, nowMs: number): void {
		if (member.isGone || member.leaving !== undefined) return;
		this.#unshelve(member);
		this.#endsNot(member);
		if (member.isLingering) {
			member.isLingering = false;
			this.#lingering--;
		}
		member.leaving = reason;
		this.#leaving++;
		this.#markFreeing(member, nowMs);
		member.connection?.retire();
	}

	/** One that lingers or else the oldest idle one leaves. False: there is none. */
	retireSpare(nowMs: number): boolean {
		const member = this.#lingering > 0 ? this.#firstLingering() : this.shelf.oldestIdle();
		if (member !== undefined) this.retire(member, "idle", nowMs);
		return member !== undefined;
	}

	/** Those on the shelf that must not be used any more begin to linger. */
	ageIdle(nowMs: number): void {
		let member = this.shelf.oldest;
		while (member !== undefined) {
			const { newer } = member;
			if (member.isIdle && nowMs - member.sinceMs >= this.settings.idleMs) this.#linger(member, nowMs);
			member = newer;
		}
	}

	/** What time alone changes, and limits that became smaller. */
	sweep(nowMs: number): void {
		this.ageIdle(nowMs);
		for (const member of this.#members) if (member.connection !== undefined) this.#look(member, nowMs);
		let above = Math.max(this.serving - this.settings.max, this.#idle - this.settings.maxIdle);
		for (; above > 0 && this.#idle > 0; above--) this.retireSpare(nowMs);
	}

	/** Idle ones go by then, each at a moment of its own. */
	drain(nowMs: number, overMs: number, random: () => number): void {
		this.isDraining = true;
		for (const member of this.#members)
			member.expiresAtMs = Math.min(member.expiresAtMs, nowMs + overMs * random());
	}

	destroy(nowMs: number): void {
		for (const member of [...this.#members]) {
			this.retire(member, "drain", nowMs);
			if (!member.isGone) member.connection?.destroy();
		}
	}

	/** The dial that began last; undefined: none is on its way. */
	lastDialled(): PoolMember | undefined {
		let last: PoolMember | undefined;
		for (const member of this.#members) if (member.connection === undefined) last = member;
		return last;
	}

	#look(member: PoolMember, nowMs: number): void {
		if (member.isFreeing || member.isEnding) {
			const closesInMs = this.size >= this.settings.max ? WANTED_MS_MAX : LEAVING_MS_MAX;
			if (nowMs - member.sinceMs >= closesInMs) member.connection?.destroy();
		} else if (member.isLingering) {
			if (this.isDraining || nowMs - member.sinceMs >= this.settings.lingerMs)
				this.retire(member, this.isDraining ? "drain" : "idle", nowMs);
		} else if (nowMs >= member.expiresAtMs && (member.isIdle || this.#multiplexes)) {
			this.retire(member, this.#ageReason(), nowMs);
		}
	}

	#ageReason(): LeaveReason {
		return this.isDraining ? "drain" : "lifetime";
	}

	#shelve(member: PoolMember, connection: UpstreamConnection, isBusy: boolean, nowMs: number): void {
		this.#endsNot(member);
		if (!member.isShelved) this.shelf.put(member, connection.served === 0);
		if (isBusy || member.isIdle) return;
		member.isIdle = true;
		member.sinceMs = nowMs;
		this.#idle++;
	}

	#unshelve(member: PoolMember): void {
		this.shelf.take(member);
		if (!member.isIdle) return;
		member.isIdle = false;
		this.#idle--;
	}

	#setAside(member: PoolMember, isBusy: boolean, nowMs: number): void {
		this.#unshelve(member);
		if (isBusy || member.isEnding) return;
		// After GOAWAY, servers wait for us to close.
		if (this.#multiplexes) {
			this.retire(member, "server", nowMs);
			return;
		}
		member.isEnding = true;
		member.sinceMs = nowMs;
		this.#ending++;
	}

	#endsNot(member: PoolMember): void {
		if (!member.isEnding) return;
		member.isEnding = false;
		this.#ending--;
	}

	#linger(member: PoolMember, nowMs: number): void {
		if (this.settings.lingerMs === 0) {
			this.retire(member, "idle", nowMs);
			return;
		}
		this.#unshelve(member);
		member.isLingering = true;
		member.sinceMs = nowMs;
		this.#lingering++;
	}

	#markFreeing(member: PoolMember, nowMs: number): void {
		if (member.isFreeing || (member.connection?.open ?? 0) > 0) return;
		member.isFreeing = true;
		member.sinceMs = nowMs;
		this.#freeing++;
	}

	#firstLingering(): PoolMember | undefined {
		for (const member of this.#members) if (member.isLingering) return member;
		return undefined;
	}
}
