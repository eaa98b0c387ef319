/**
 * From one ring to another without tearing keys from the nodes that hold their sessions.
 *
 *             begin(next)                 no pinned key left, cutOver, or the last pin's time is over
 *   stable ───────────────▶ dual ────────────────────────────────────────────────▶ stable (previous = old)
 *     ▲   same ring: nothing  │  ▲                                                    │
 *     │                       │  └─ begin(another): dual again, from the next ring    │
 *     └── as above, ◀─────────┴──── rollBack = begin(old) ◀────────────────────────────┘ rollBack = begin(previous)
 *
 * A key with open sessions has an affinity: the node they are on. When a ring begins, every affinity that it would move
 * is *pinned*: the key stays where it is until its sessions have ended, or for `keepMs`, and after that it is the new
 * ring's. Keys without sessions are the new ring's at once. So nothing depends on how the old ring would answer, and
 * migrations may follow each other before the last one is done.
 *
 * A new ring may come in by and by: who balances asks it for a growing share of the keys and the old ones for the rest,
 * and opens sessions where they really are. Then `begin` is told how long that takes (`shiftMs`): it is dual at least
 * as long, sessions opened on old nodes meanwhile are pinned too, and `keepMs` counts from its end.
 *
 * Affinities are bounded by `keysMax`. When they are full a session is opened without one: it goes where the ring in
 * force says, is counted as `unkept`, and a migration may part its key from it.
 *
 * A Session belongs to whoever opened it, who closes it once. It outlives its affinity: one that was cut off or lost
 * closes without a trace in what its key did since.
 */
import { countOption, numberOption } from "./option-check.ts";
import { type Ring, sameRing } from "./ring.ts";
import { type RingDifference, ringDifference } from "./ring-difference.ts";

export interface RingMigrationOptions {
	/** How long a pinned key may stay; default 10 minutes. */
	readonly keepMs?: number | undefined;
	/** Keys with open sessions that are followed at a time; default 100,000. */
	readonly keysMax?: number | undefined;
}

export type MigrationPhase =
	| { readonly kind: "stable"; readonly ring: Ring; readonly previous: Ring | undefined }
	| {
			readonly kind: "dual";
			readonly old: Ring;
			/** In force for every key that is not pinned. */
			readonly next: Ring;
			readonly startedAtMs: number;
			/** Until then keys without sessions may still be on their way. */
			readonly shiftsUntilMs: number;
			/** When the last pin ends at the latest. */
			readonly endsAtMs: number;
			readonly difference: RingDifference;
	  };

export type Begun =
	/** Same kind, size, seed, nodes and weights as the one in force. */
	| { readonly kind: "unchanged" }
	/** With nothing pinned the cut-over is done already. */
	| { readonly kind: "begun"; readonly difference: RingDifference; readonly pinned: number };

/** How keys stand now, and what became of pinned ones since the start. */
export interface MigrationCounts {
	readonly followed: number;
	readonly pinned: number;
	/** Left their old node because their sessions had ended. */
	readonly ended: number;
	/** Were cut over with sessions open: their time was over, or cutOver. */
	readonly cut: number;
	/** Were on a node that was lost; pinned or not. */
	readonly lost: number;
	/** Sessions opened without an affinity. */
	readonly unkept: number;
}

export interface Session {
	readonly key: string;
	readonly node: string;
}

const KEEP_MS_MAX = 7 * 86_400_000;
/** A Map ends at 2^24 entries. */
const KEYS_MAX = 10_000_000;

interface Affinity {
	readonly key: string;
	readonly node: string;
	sessions: number;
	/** When its pin ends; undefined: not pinned. */
	untilMs: number | undefined;
}

interface OpenSession extends Session {
	affinity: Affinity | undefined;
}

export class RingMigration {
	readonly #keepMs: number;
	readonly #keysMax: number;
	readonly #affinities = new Map<string, Affinity>();
	/** As every pin lasts equally long, the first pinned is the first to end. */
	readonly #pinned = new Set<Affinity>();
	readonly #counts = { ended: 0, cut: 0, lost: 0, unkept: 0 };
	#phase: MigrationPhase;

	/** Throws OptionError. */
	constructor(ring: Ring, { keepMs = 600_000, keysMax = 100_000 }: RingMigrationOptions = {}) {
		this.#keepMs = numberOption("keepMs", keepMs, 1, KEEP_MS_MAX);
		this.#keysMax = countOption("keysMax", keysMax, 1, KEYS_MAX);
		this.#phase = { kind: "stable", ring, previous: undefined };
	}

	get phase(): MigrationPhase {
		return this.#phase;
	}

	get counts(): MigrationCounts {
		return { followed: this.#affinities.size, pinned: this.#pinned.size, ...this.#counts };
	}

	/** Where a key goes now, without a session; undefined if no node has weight. */
	pick(key: string, nowMs: number): string | undefined {
		this.tick(nowMs);
		return this.#affinities.get(key)?.node ?? this.#inForce().pick(key);
	}

	/** Where the open sessions of a key are; undefined: it has none. */
	kept(key: string): string | undefined {
		return this.#affinities.get(key)?.node;
	}

	/**
	 * Where a key goes now, and keeps going while a session of it is open. undefined if no node has weight. `on`: the
	 * node it was really given, where that is not what `pick` says; the sessions it has already decide all the same.
	 */
	open(key: string, nowMs: number, on?: string): Session | undefined {
		this.tick(nowMs);
		const node = on ?? this.pick(key, nowMs);
		if (node === undefined) return undefined;
		const session: OpenSession = { key, node, affinity: this.#followed(key, node) };
		if (session.affinity === undefined) this.#counts.unkept++;
		else session.affinity.sessions++;
		return session;
	}

	/** Closing it again does nothing. */
	close(session: Session, nowMs: number): void {
		this.tick(nowMs);
		const affinity = (session as OpenSession).affinity;
		(session as OpenSession).affinity = undefined;
		if (affinity !== undefined && --affinity.sessions === 0 && this.#forget(affinity)) this.#counts.ended++;
		this.tick(nowMs);
	}

	/** A new ring, from now on. Looks at every key that is followed, and a few milliseconds at both rings. */
	begin(ring: Ring, nowMs: number, shiftMs = 0): Begun {
		this.tick(nowMs);
		const old = this.#inForce();
		if (sameRing(old, ring)) return { kind: "unchanged" };
		const shiftsUntilMs = nowMs + numberOption("shiftMs", shiftMs, 0, KEEP_MS_MAX);
		// Never before those of the migration under way: pins end in the order they were made.
		const untilMs = Math.max(
			shiftsUntilMs + this.#keepMs,
			this.#phase.kind === "dual" ? this.#phase.endsAtMs : 0,
		);
		for (const affinity of this.#affinities.values()) {
			if (ring.pick(affinity.key) === affinity.node) this.#unpin(affinity);
			else if (affinity.untilMs === undefined) this.#pin(affinity, untilMs);
		}
		const difference = ringDifference(old, ring);
		this.#phase = {
			kind: "dual",
			old,
			next: ring,
			startedAtMs: nowMs,
			shiftsUntilMs,
			endsAtMs: untilMs,
			difference,
		};
		const pinned = this.#pinned.size;
		this.tick(nowMs);
		return { kind: "begun", difference, pinned };
	}

	/** Back to the ring before, with the same care. undefined: there is none. */
	rollBack(nowMs: number): Begun | undefined {
		this.tick(nowMs);
		const before = this.#phase.kind === "dual" ? this.#phase.old : this.#phase.previous;
		return before === undefined ? undefined : this.begin(before, nowMs);
	}

	/** Now, whatever is pinned or on its way. The keys that are cut off, or 0 if nothing was under way. */
	cutOver(): number {
		return this.#endPins(Number.POSITIVE_INFINITY);
	}

	/** Nodes are gone: keys are not kept on them. How many were. If it is for good, tell the ring without them as well. */
	lost(nodes: string | ReadonlySet<string>, nowMs: number): number {
		this.tick(nowMs);
		let keys = 0;
		for (const affinity of this.#affinities.values()) {
			if (typeof nodes === "string" ? affinity.node !== nodes : !nodes.has(affinity.node)) continue;
			this.#forget(affinity);
			keys++;
		}
		this.#counts.lost += keys;
		this.tick(nowMs);
		return keys;
	}

	/** Ends what is over. Every other call does it too; call it every few seconds when there may be none. */
	tick(nowMs: number): void {
		if (this.#phase.kind === "dual") this.#endPins(nowMs);
	}

	#endPins(nowMs: number): number {
		const { kind } = this.#phase;
		if (kind === "stable") return 0;
		let cut = 0;
		for (const affinity of this.#pinned) {
			if (affinity.untilMs === undefined || !(affinity.untilMs <= nowMs)) break;
			this.#forget(affinity);
			cut++;
		}
		this.#counts.cut += cut;
		if (this.#pinned.size === 0 && nowMs >= this.#phase.shiftsUntilMs) {
			this.#phase = { kind: "stable", ring: this.#phase.next, previous: this.#phase.old };
		}
		return cut;
	}

	#inForce(): Ring {
		return this.#phase.kind === "dual" ? this.#phase.next : this.#phase.ring;
	}

	#followed(key: string, node: string): Affinity | undefined {
		const known = this.#affinities.get(key);
		if (known !== undefined || this.#affinities.size >= this.#keysMax) return known;
		const affinity: Affinity = { key, node, sessions: 0, untilMs: undefined };
		this.#affinities.set(key, affinity);
		if (this.#phase.kind === "dual" && node !== this.#phase.next.pick(key))
			this.#pin(affinity, this.#phase.endsAtMs);
		return affinity;
	}

	#pin(affinity: Affinity, untilMs: number): void {
		affinity.untilMs = untilMs;
		this.#pinned.add(affinity);
	}

	#unpin(affinity: Affinity): void {
		affinity.untilMs = undefined;
		this.#pinned.delete(affinity);
	}

	/** True if it was pinned. One that was forgotten before may have a successor under its key: that one stays. */
	#forget(affinity: Affinity): boolean {
		if (this.#affinities.get(affinity.key) === affinity) this.#affinities.delete(affinity.key);
		return this.#pinned.delete(affinity);
	}
}
