/**
 * From ring to ring without scattering users: what has a key now, and what becomes of its sessions.
 *
 *   members change ──▶ a new stage (ring-stages.ts): keys without sessions cross, at once or by and by
 *                      keys with open exchanges, streams, WebSockets stay where they are (policy's RingMigration),
 *                      until these have ended, or keepMs after the last key has crossed
 *   an endpoint is out ──▶ no new stage: its keys walk on along the ring until it is back; sessions it had are `lost`
 *
 * During the dual phase the newest ring and the one before are both asked for every request, and the differences told.
 */
import { RingMigration, type Session } from "@plumbline/policy/ring-migration";
import type { Observe } from "./observer.ts";
import { agreedStages } from "./ring-agreement.ts";
import type { RingControl, RingMember, RingSnapshot, RingStage, RingStatus } from "./ring-control.ts";
import { EPOCH_GRID_MS, RingStages, sameMembers } from "./ring-stages.ts";
import type { BalanceSettings } from "./settings.ts";

export type HashSettings = Extract<BalanceSettings, { kind: "hash" }>;

/** Of policy's RingMigration: it does not take less or more. */
const KEEP_MS_MIN = 1;
const KEEP_MS_MAX = 7 * 86_400_000;
/** A process that was told of a ring before it began has resolved its own names by then, or walks past their keys. */
const SETTLE_MS = 5_000;
/** An operator's word that comes to every process is one word. */
const ROLL_BACK_ONCE_MS = 10_000;

export class RingTransition implements RingControl {
	readonly #upstream: string;
	readonly #settings: HashSettings;
	readonly #wallNow: () => number;
	readonly #observe: Observe;
	readonly #stages: RingStages;
	#migration: RingMigration | undefined;
	/** Of the group, as far as a stage was begun for it. */
	#known: readonly RingMember[] = [];
	/** Nobody has been given an endpoint: rings may still come and go. */
	#isFresh = true;
	#settlesAtMs = -Infinity;
	#movedShare = 0;
	#asked = 0;
	#differed = 0;
	#told = "";

	constructor(upstream: string, settings: HashSettings, wallNow: () => number, observe: Observe) {
		this.#upstream = upstream;
		this.#settings = settings;
		this.#wallNow = wallNow;
		this.#observe = observe;
		this.#stages = new RingStages(settings.ring, shiftMsOf(settings));
	}

	/** Configured and in DNS, by name, whether they are usable or not. */
	become(members: readonly RingMember[], nowMs: number): void {
		// A group that has nobody for a while keeps its ring: they come back to their keys.
		if (members.length === 0 || nowMs < this.#settlesAtMs || sameMembers(members, this.#known)) return;
		this.#known = members;
		const { newest } = this.#stages;
		if (newest !== undefined && sameMembers(newest.members, members)) return;
		if (newest !== undefined && !(this.#isFresh && newest.epochMs === undefined)) {
			this.#begin({ members, epochMs: this.#nextEpochMs(), byHand: false }, nowMs);
		} else this.#start([{ members, epochMs: undefined, byHand: false }], nowMs);
	}

	/** The hash's slots belong to the ring that has it at this time of day. */
	ringFor(hash: number): ReturnType<RingStages["ringFor"]> {
		this.#isFresh = false;
		if (this.#stages.isMoving) this.#stages.moveTo(this.#wallNow());
		if (this.#isDual) {
			this.#asked++;
			if (this.#stages.differs(hash)) this.#differed++;
		}
		return this.#stages.ringFor(hash);
	}

	/** The endpoint that has the key's open sessions. */
	kept(key: string): string | undefined {
		return this.#migration?.kept(key);
	}

	open(key: string, endpoint: string, nowMs: number): Session | undefined {
		return this.#migration?.open(key, nowMs, endpoint);
	}

	close(session: Session, nowMs: number): void {
		this.#migration?.close(session, nowMs);
	}

	/** These get no requests any more, for now or for good. */
	lost(endpoints: ReadonlySet<string>, nowMs: number): void {
		this.#migration?.lost(endpoints, nowMs);
	}

	tick(nowMs: number): void {
		this.#stages.moveTo(this.#wallNow());
		this.#migration?.tick(nowMs);
		this.#tell();
	}

	status(nowMs: number): RingStatus {
		this.tick(nowMs);
		const counts = this.#migration?.counts;
		return {
			phase: this.#isDual ? "dual" : "stable",
			crossedShare: this.#stages.newest?.share ?? 1,
			movedShare: this.#movedShare,
			followed: counts?.followed ?? 0,
			pinned: counts?.pinned ?? 0,
			asked: this.#asked,
			differed: this.#differed,
			ended: counts?.ended ?? 0,
			cut: counts?.cut ?? 0,
			lost: counts?.lost ?? 0,
			unkept: counts?.unkept ?? 0,
			stages: this.#stages.all,
		};
	}

	snapshot(): RingSnapshot {
		return { stages: this.#stages.all, known: this.#known };
	}

	adopt(snapshot: RingSnapshot, nowMs: number): boolean {
		const ours = this.#stages.all;
		if (this.#isFresh) {
			// Of two that have no history each trusts its own eyes.
			if (snapshot.stages.length < 2 && ours.length > 0) return true;
			this.#known = snapshot.known;
			this.#settlesAtMs = nowMs + SETTLE_MS;
			this.#start(snapshot.stages, nowMs);
			return true;
		}
		const agreed = agreedStages(ours, snapshot.stages);
		if (agreed === undefined) return false;
		const end = this.#stages.newest;
		this.#stages.use(agreed, this.#wallNow());
		if (this.#stages.newest?.ring !== end?.ring) this.#migrate(nowMs);
		this.#tell();
		return true;
	}

	cutOver(nowMs: number): number {
		const wallMs = this.#wallNow();
		const stages = this.#stages.all;
		const fullSinceMs = wallMs - shiftMsOf(this.#settings);
		const cutStages = stages.map((stage) =>
			stage.epochMs === undefined ? stage : { ...stage, epochMs: Math.min(stage.epochMs, fullSinceMs) },
		);
		this.#stages.use(cutStages, wallMs);
		const cut = this.#migration?.cutOver() ?? 0;
		this.tick(nowMs);
		return cut;
	}

	rollBack(nowMs: number, epochMs = this.#nextEpochMs()): boolean {
		const { newest, before } = this.#stages;
		if (newest?.byHand === true && Math.abs(epochMs - (newest.epochMs ?? 0)) < ROLL_BACK_ONCE_MS) return true;
		if (before === undefined) return false;
		this.#begin({ members: before.members, epochMs, byHand: true }, nowMs);
		return true;
	}

	get #isDual(): boolean {
		return this.#stages.isMoving || this.#migration?.phase.kind === "dual";
	}

	#nextEpochMs(): number {
		return Math.ceil(this.#wallNow() / EPOCH_GRID_MS) * EPOCH_GRID_MS;
	}

	#start(stages: readonly RingStage[], nowMs: number): void {
		const { keepMs } = this.#settings;
		const wallMs = this.#wallNow();
		this.#migration = undefined;
		for (let count = 1; count <= stages.length; count++) {
			this.#stages.use(stages.slice(0, count), wallMs);
			const ring = this.#stages.newest?.ring;
			if (this.#migration !== undefined) this.#migrate(nowMs);
			else if (ring !== undefined) {
				const keptMs = Math.min(Math.max(keepMs, KEEP_MS_MIN), KEEP_MS_MAX);
				this.#migration = new RingMigration(ring, { keepMs: keptMs });
			}
		}
	}

	#begin(stage: RingStage, nowMs: number): void {
		this.#stages.use([...this.#stages.all, stage], this.#wallNow());
		this.#migrate(nowMs);
		this.#tell();
	}

	#migrate(nowMs: number): void {
		const ring = this.#stages.newest?.ring;
		if (ring === undefined) return;
		const shiftMs = Math.min(Math.max(0, this.#stages.doneAtMs - this.#wallNow()), KEEP_MS_MAX);
		const begun = this.#migration?.begin(ring, nowMs, shiftMs);
		if (begun?.kind !== "begun") return;
		this.#movedShare = begun.difference.movedShare;
		this.#asked = 0;
		this.#differed = 0;
	}

	#tell(): void {
		const phase = this.#isDual ? "dual" : "stable";
		const pinned = this.#migration?.counts.pinned ?? 0;
		const told = `${phase} ${pinned} ${this.#differed}`;
		if (told === this.#told || (this.#told === "" && phase === "stable")) return;
		this.#told = told;
		this.#observe({ kind: "ring", upstream: this.#upstream, phase, pinned, moved: this.#differed });
	}
}

function shiftMsOf({ shiftMs }: HashSettings): number {
	return Math.min(Math.max(shiftMs, 0), KEEP_MS_MAX);
}
