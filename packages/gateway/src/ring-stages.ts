/**
 * Rings one after another, and which of them has a key at this time of day.
 *
 *   stages      [10.0.0.1, 10.0.0.2]  ──▶  [10.0.0.1, 10.0.0.2, 10.0.0.3] since 12:00:05
 *   shiftMs     60,000, and it is 12:00:20: a quarter of the keys has crossed, those whose own place is below 0.25
 *
 * A key's place comes from its hash alone, and time from the wall clock that all processes of a machine share. So
 * whoever has the same stages gives a key to the same ring at the same moment, however late it was told of them. A
 * stage that begins before the last one is done lets each key cross one after the other, in the same order.
 *
 * How they come to the same stages: every process begins a stage when it sees the members change, by itself, at the next
 * full EPOCH_GRID_MS; processes that see it on the same side of a full second agree at once. If not, their epochs differ
 * by that, and until they have laid their snapshots together (ring-agreement.ts) they disagree about no more than
 * EPOCH_GRID_MS / shiftMs of the keys that move; without shift about all that move, for that second.
 */
import { hashRing } from "@plumbline/policy/hash-ring";
import { avalanche32, hash32 } from "@plumbline/policy/key-hash";
import { maglev } from "@plumbline/policy/maglev";
import type { Member, Ring } from "@plumbline/policy/ring";
import type { RingMember, RingStage } from "./ring-control.ts";

export const EPOCH_GRID_MS = 1_000;
/** When members change faster, the keys of the oldest ring cross to the next at once. */
export const STAGES_MAX = 4;
const CROSSING_SALT = 0x2545f491;
const WHOLE = 2 ** 32;

interface Stage extends RingStage {
	readonly ring: Ring;
	/** How far it has come, as far as was seen: a clock that is set back moves no key back. */
	share: number;
}

export class RingStages {
	readonly #shape: "ketama" | "maglev";
	readonly #shiftMs: number;
	#stages: Stage[] = [];
	#moving = false;

	constructor(shape: "ketama" | "maglev", shiftMs: number) {
		this.#shape = shape;
		this.#shiftMs = shiftMs;
	}

	/** Told again, those that are known keep their ring. Milliseconds for each new one, with a thousand members. */
	use(stages: readonly RingStage[], wallMs: number): void {
		const before = this.#stages;
		this.#stages = stages.slice(-STAGES_MAX).map(({ members, epochMs, byHand }) => {
			const known = before.filter((stage) => sameMembers(stage.members, members));
			const ring = known[0]?.ring ?? this.#ringOf(members);
			const share = known.find((stage) => stage.epochMs === epochMs)?.share ?? 0;
			return { members, epochMs, byHand, ring, share };
		});
		this.moveTo(wallMs);
	}

	get all(): readonly RingStage[] {
		return this.#stages.map(({ members, epochMs, byHand }) => ({ members, epochMs, byHand }));
	}

	/** The ring that has every key in the end; the one before it. */
	get newest(): Stage | undefined {
		return this.#stages.at(-1);
	}

	get before(): Stage | undefined {
		return this.#stages.at(-2);
	}

	/** Keys are on their way. */
	get isMoving(): boolean {
		return this.#moving;
	}

	/** When the newest stage has every key. */
	get doneAtMs(): number {
		const epochMs = this.newest?.epochMs;
		return epochMs === undefined ? -Infinity : epochMs + this.#shiftMs;
	}

	moveTo(wallMs: number): void {
		const stages = this.#stages;
		this.#moving = false;
		for (let at = 1; at < stages.length; at++) {
			const stage = stages[at] as Stage;
			stage.share = Math.max(stage.share, this.#shareAt(wallMs - (stage.epochMs ?? -Infinity)));
			this.#moving ||= stage.share < 1;
			if (stage.share < 1) continue;
			// Whoever is before the one before a full stage has no key left, and nobody goes back to it.
			this.#moving = false;
			stages.splice(0, at - 1);
			at = 1;
		}
	}

	ringFor(hash: number): Ring | undefined {
		const stages = this.#stages;
		let at = stages.length - 1;
		if (this.#moving) {
			const place = avalanche32(hash ^ CROSSING_SALT) / WHOLE;
			while (at > 0 && place >= (stages[at] as Stage).share) at--;
		}
		return stages[at]?.ring;
	}

	/** Both rings are asked. */
	differs(hash: number): boolean {
		const { newest, before } = this;
		return (
			newest !== undefined &&
			before !== undefined &&
			nameOf(newest.ring.owner(hash)) !== nameOf(before.ring.owner(hash))
		);
	}

	#shareAt(elapsedMs: number): number {
		if (elapsedMs < 0) return 0;
		return this.#shiftMs === 0 ? 1 : Math.min(1, elapsedMs / this.#shiftMs);
	}

	#ringOf(members: readonly RingMember[]): Ring {
		return this.#shape === "ketama" ? hashRing(members) : maglev(members);
	}
}

/** Of a key; both kinds of rings have the same seed. */
export function hashOfKey(key: string): number {
	return hash32(key, 0);
}

/** Both by name. */
export function sameMembers(one: readonly RingMember[], other: readonly RingMember[]): boolean {
	return (
		one.length === other.length &&
		one.every(({ name, weight }, at) => other[at]?.name === name && other[at]?.weight === weight)
	);
}

function nameOf(member: Member | undefined): string | undefined {
	return member?.name;
}
