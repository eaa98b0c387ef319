/** Collects the flaws of one part, and keeps the list short whatever the input does. */
import { FLAWS_MAX, type Flaw } from "./decoded.ts";

export class FlawList {
	readonly #kept: Flaw[] = [];
	#truncated: Flaw | undefined;
	#further = 0;

	malformed(at: number, why: string): void {
		// One place is kept for the truncation, which is only known at the end.
		if (this.#kept.length < FLAWS_MAX - 1) this.#kept.push({ kind: "malformed", why, at });
		else this.#further++;
	}

	/** Only the first cut counts: an input has one end. */
	truncated(at: number, why: string): void {
		this.#truncated ??= { kind: "truncated", why, at };
	}

	get isTruncated(): boolean {
		return this.#truncated !== undefined;
	}

	finish(): readonly Flaw[] {
		const flaws = [...this.#kept];
		const last = flaws.at(-1);
		if (last !== undefined && this.#further > 0) {
			flaws[flaws.length - 1] = { ...last, why: `${last.why} (and ${this.#further} further flaws)` };
		}
		if (this.#truncated !== undefined) flaws.push(this.#truncated);
		return flaws;
	}
}
