/** The flaws of one part as a decoder finds them: a list that stays short whatever the input does. */
import { FLAWS_MAX, type Flaw } from "./decoded.ts";

export class Flaws {
	readonly #malformed: Flaw[] = [];
	#count = 0;
	#truncated: Flaw | undefined;

	malformed(why: string, at: number): void {
		this.#count++;
		if (this.#malformed.length < FLAWS_MAX) this.#malformed.push({ kind: "malformed", why, at });
	}

	/** Only the first cut counts: an input has one end. */
	truncated(why: string, at: number): void {
		this.#truncated ??= { kind: "truncated", why, at };
	}

	/** The first FLAWS_MAX of them; the last malformed one tells how many more there were, the cut stands at the end. */
	list(): readonly Flaw[] {
		const cut = this.#truncated === undefined ? [] : [this.#truncated];
		const kept = this.#malformed.slice(0, FLAWS_MAX - cut.length);
		const last = kept.pop();
		if (last === undefined) return cut;
		const more = this.#count - kept.length - 1;
		return [...kept, more === 0 ? last : { ...last, why: `${last.why} (and ${more} more flaws)` }, ...cut];
	}
}
