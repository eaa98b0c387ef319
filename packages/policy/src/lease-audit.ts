/**
 * What was borrowed and not given back. A lease is judged by its last activity, never by the time of the borrow: a long
 * report that still reads rows is at work, and to take its connection away would be the fault.
 *
 *            touch (idle 0 again)
 *              ┌──┐
 *   borrow ──▶ open ──idle warnAfterMs──▶ warned ──idle overdueAfterMs──▶ overdue ──reclaim──▶ reclaimed
 *               │                            │                              │                     │
 *               └──────────return────────────┴────────── return, told late ─┘        return: "reclaimed-before"
 *
 * Each level is told once for a lease, whatever it does between; a sweep that comes late tells the higher one only.
 * The audit judges and the owner acts: it alone knows how to take a connection back without handing it to two. A
 * reclaimed lease's holder may still return it, or return twice; both are told, and neither throws.
 *
 * Numbers of leases only ever rise, so "returned before" needs no memory: it is a number given out and not open.
 */
import { countOption, numberOption, OptionError } from "./option-check.ts";

export interface LeaseAuditOptions {
	/** Idle so long is worth a line in the log; default 30 s. */
	readonly warnAfterMs?: number | undefined;
	/** Idle so long is lost; default 5 minutes, as pools that take connections back have it. */
	readonly overdueAfterMs?: number | undefined;
	/** Open at a time; default 100,000. What is borrowed beyond is counted and not followed. */
	readonly leasesMax?: number | undefined;
}

/** A lease as it stands. `Tags` is whatever the borrower left: who, from which line, a stack. */
export interface Lease<Tags> {
	readonly id: number;
	readonly tags: Tags;
	readonly borrowedAtMs: number;
	readonly heldMs: number;
	readonly idleMs: number;
}

export type LeaseLevel = "warn" | "overdue";

export interface Escalation<Tags> {
	readonly level: LeaseLevel;
	readonly lease: Lease<Tags>;
}

export type Returned<Tags> =
	| {
			readonly kind: "returned";
			readonly lease: Lease<Tags>;
			/** The highest level that was told of it: it was a false alarm, or a slow holder. */
			readonly told: LeaseLevel | undefined;
	  }
	| { readonly kind: "returned-before" }
	/** Among the last RECLAIMED_MAX that were; older ones count as returned. */
	| { readonly kind: "reclaimed-before" }
	/** A number that was never given out. */
	| { readonly kind: "unknown" };

export interface LeaseReport<Tags> {
	readonly open: number;
	/** Open and idle past overdueAfterMs. */
	readonly overdue: number;
	/** The first REPORTED_MAX of them, the longest idle first. */
	readonly worst: readonly Lease<Tags>[];
	readonly borrowed: number;
	readonly returned: number;
	readonly reclaimed: number;
	/** Borrowed while leasesMax were open. */
	readonly untracked: number;
	/** Returned again, after it was reclaimed, or never borrowed. */
	readonly wrongReturns: number;
}

const WAIT_MS_MAX = 7 * 86_400_000;
const LEASES_MAX = 10_000_000;
export const RECLAIMED_MAX = 1_000;
export const REPORTED_MAX = 100;

interface Open<Tags> {
	readonly id: number;
	readonly tags: Tags;
	readonly borrowedAtMs: number;
	activeAtMs: number;
	told: LeaseLevel | undefined;
}

export class LeaseAudit<Tags> {
	readonly #warnAfterMs: number;
	readonly #overdueAfterMs: number;
	readonly #leasesMax: number;
	readonly #open = new Map<number, Open<Tags>>();
	readonly #reclaimedLast = new Set<number>();
	#nextId = 1;
	#returned = 0;
	#reclaimed = 0;
	#untracked = 0;
	#wrongReturns = 0;

	/** Throws OptionError. */
	constructor({
		warnAfterMs = 30_000,
		overdueAfterMs = 300_000,
		leasesMax = 100_000,
	}: LeaseAuditOptions = {}) {
		this.#warnAfterMs = numberOption("warnAfterMs", warnAfterMs, 1, WAIT_MS_MAX);
		this.#overdueAfterMs = numberOption("overdueAfterMs", overdueAfterMs, 1, WAIT_MS_MAX);
		if (warnAfterMs > overdueAfterMs) {
			throw new OptionError("warnAfterMs", `no more than overdueAfterMs (${overdueAfterMs})`, warnAfterMs);
		}
		this.#leasesMax = countOption("leasesMax", leasesMax, 1, LEASES_MAX);
	}

	/** The lease's number; undefined if too many are open: then lend anyway, an audit must not be the outage. */
	borrow(tags: Tags, nowMs: number): number | undefined {
		if (this.#open.size >= this.#leasesMax) {
			this.#untracked++;
			return undefined;
		}
		const id = this.#nextId++;
		this.#open.set(id, { id, tags, borrowedAtMs: nowMs, activeAtMs: nowMs, told: undefined });
		return id;
	}

	/** The holder did something with it. False: it is not open. */
	touch(id: number, nowMs: number): boolean {
		const lease = this.#open.get(id);
		if (lease === undefined) return false;
		if (nowMs > lease.activeAtMs) lease.activeAtMs = nowMs;
		return true;
	}

	giveBack(id: number, nowMs: number): Returned<Tags> {
		const lease = this.#open.get(id);
		if (lease !== undefined) {
			this.#open.delete(id);
			this.#returned++;
			return { kind: "returned", lease: seen(lease, nowMs), told: lease.told };
		}
		this.#wrongReturns++;
		if (this.#reclaimedLast.delete(id)) return { kind: "reclaimed-before" };
		const givenOut = Number.isInteger(id) && id >= 1 && id < this.#nextId;
		return { kind: givenOut ? "returned-before" : "unknown" };
	}

	/** The owner took it back by force. undefined: it is not open, so leave its connection alone. */
	reclaim(id: number, nowMs: number): Lease<Tags> | undefined {
		const lease = this.#open.get(id);
		if (lease === undefined) return undefined;
		this.#open.delete(id);
		this.#reclaimed++;
		this.#reclaimedLast.add(id);
		for (const oldest of this.#reclaimedLast) {
			if (this.#reclaimedLast.size <= RECLAIMED_MAX) break;
			this.#reclaimedLast.delete(oldest);
		}
		return seen(lease, nowMs);
	}

	/** Looks at all open leases, the first borrowed first. Call it every few seconds. */
	sweep(nowMs: number): readonly Escalation<Tags>[] {
		const told: Escalation<Tags>[] = [];
		for (const lease of this.#open.values()) {
			if (lease.told === "overdue") continue;
			const level = this.#levelAfter(nowMs - lease.activeAtMs);
			if (level === undefined || level === lease.told) continue;
			lease.told = level;
			told.push({ level, lease: seen(lease, nowMs) });
		}
		return told;
	}

	report(nowMs: number): LeaseReport<Tags> {
		const overdue: Lease<Tags>[] = [];
		for (const lease of this.#open.values()) {
			if (this.#levelAfter(nowMs - lease.activeAtMs) === "overdue") overdue.push(seen(lease, nowMs));
		}
		return {
			open: this.#open.size,
			overdue: overdue.length,
			worst: overdue.sort((a, b) => b.idleMs - a.idleMs || a.id - b.id).slice(0, REPORTED_MAX),
			borrowed: this.#nextId - 1,
			returned: this.#returned,
			reclaimed: this.#reclaimed,
			untracked: this.#untracked,
			wrongReturns: this.#wrongReturns,
		};
	}

	#levelAfter(idleMs: number): LeaseLevel | undefined {
		if (idleMs >= this.#overdueAfterMs) return "overdue";
		return idleMs >= this.#warnAfterMs ? "warn" : undefined;
	}
}

/** A clock that seems to run back counts as standing still. */
function seen<Tags>({ id, tags, borrowedAtMs, activeAtMs }: Open<Tags>, nowMs: number): Lease<Tags> {
	const heldMs = Math.max(0, nowMs - borrowedAtMs);
	return { id, tags, borrowedAtMs, heldMs, idleMs: Math.max(0, nowMs - activeAtMs) };
}
