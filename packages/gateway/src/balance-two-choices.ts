/**
 * The power of two choices: of two drawn by chance the one with less under way for its weight. Nearly as even as asking
 * for the least of all, and many gateways that know nothing of each other do not fall upon the same endpoint.
 *
 * Drawn by weight with Walker's alias method, after Vose (1991): every place of a table holds one endpoint up to a
 * threshold and another above it, so a draw costs one random number whatever the weights.
 */
import { type Admission, anyOf, type Picker } from "./balance-picker.ts";
import type { Endpoint } from "./endpoint.ts";

/** Pairs that are drawn in vain, before all are looked at. */
const DRAWS_MAX = 4;
/** Draws for a second endpoint that is not the first; a heavy one may come again and again. */
const SECOND_DRAWS_MAX = 3;

export class TwoChoices implements Picker {
	readonly #random: () => number;
	#endpoints: readonly Endpoint[] = [];
	#weights: Float64Array = new Float64Array();
	#threshold = new Float64Array();
	#alias = new Uint32Array();

	constructor(random: () => number) {
		this.#random = random;
	}

	use(endpoints: readonly Endpoint[], weights: Float64Array): void {
		this.#endpoints = endpoints;
		this.#weights = weights;
		const { length } = endpoints;
		const mean = weights.reduce((sum, weight) => sum + weight, 0) / length;
		const threshold = Float64Array.from(weights, (weight) => weight / mean);
		const alias = new Uint32Array(threshold.keys());
		const light: number[] = [];
		const heavy: number[] = [];
		for (const [at, share] of threshold.entries()) (share < 1 ? light : heavy).push(at);
		for (let at = light.pop(), giver = heavy.at(-1); at !== undefined && giver !== undefined; ) {
			alias[at] = giver;
			const left = (threshold[giver] ?? 0) + (threshold[at] ?? 0) - 1;
			threshold[giver] = left;
			if (left < 1) light.push(heavy.pop() ?? giver);
			at = light.pop();
			giver = heavy.at(-1);
		}
		this.#threshold = threshold;
		this.#alias = alias;
	}

	pick(tried: readonly Endpoint[] | undefined, admission: Admission): Endpoint | undefined {
		const { length } = this.#endpoints;
		if (length === 0) return undefined;
		for (let nth = 0; nth < DRAWS_MAX; nth++) {
			const one = this.#draw();
			const other = this.#otherThan(one);
			const oneIsBetter = this.#load(one) <= this.#load(other);
			const better = this.#endpoints[oneIsBetter ? one : other] as Endpoint;
			if (tried?.includes(better) !== true && admission.admits(better)) return better;
			const second = this.#endpoints[oneIsBetter ? other : one] as Endpoint;
			if (second !== better && tried?.includes(second) !== true && admission.admits(second)) return second;
		}
		return anyOf(this.#endpoints, Math.floor(this.#random() * length), tried, admission);
	}

	ended(): void {
		// What is under way is asked of the endpoint.
	}

	#draw(): number {
		const place = this.#random() * this.#endpoints.length;
		const at = Math.floor(place);
		return place - at < (this.#threshold[at] as number) ? at : (this.#alias[at] as number);
	}

	#otherThan(one: number): number {
		for (let nth = 0; nth < SECOND_DRAWS_MAX; nth++) {
			const other = this.#draw();
			if (other !== one) return other;
		}
		return (one + 1) % this.#endpoints.length;
	}

	/** Without the one that is to come: of two that are idle the first drawn has it, so that weights hold then too. */
	#load(at: number): number {
		return (this.#endpoints[at] as Endpoint).inFlight / (this.#weights[at] as number);
	}
}
