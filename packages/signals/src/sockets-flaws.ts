/** The bounded list of flaws that the socket decoders keep while they read. */
import { FLAWS_MAX, type Flaw } from "./decoded.ts";

/** Keeps the first flaws, counts the rest into the last one's text. */
export class Flaws {
	readonly #kept: Flaw[] = [];
	#dropped = 0;

	malformed(why: string, at: number): void {
		this.#add({ kind: "malformed", why, at });
	}

	truncated(why: string, at: number): void {
		this.#add({ kind: "truncated", why, at });
	}

	list(): readonly Flaw[] {
		const last = this.#kept.at(-1);
		if (last === undefined || this.#dropped === 0) return this.#kept;
		return [...this.#kept.slice(0, -1), { ...last, why: `${last.why} (and ${this.#dropped} more flaws)` }];
	}

	#add(flaw: Flaw): void {
		if (this.#kept.length < FLAWS_MAX) this.#kept.push(flaw);
		else this.#dropped++;
	}
}
