/**
 * Weighted round robin, smooth: whoever has waited longest for its share is next, so a heavy endpoint's turns lie
 * between those of others and not in a row.
 *
 *   weights 2 and 1       turns due at   A: 0.5  1  1.5 …    B: 1  2  3 …       A B A  A B A
 *
 * A heap of when the next turn is due; a turn taken puts it off by 1 / weight. First turns lie where chance says, so that
 * many processes that start at once do not all begin with the same one. Who is passed over has had its turn.
 */
import { type Admission, anyOf, type Picker } from "./balance-picker.ts";
import type { Endpoint } from "./endpoint.ts";

/** More in vain, and all are looked at in their order. */
const TURNS_MAX = 8;

export class RoundRobin implements Picker {
	readonly #random: () => number;
	#endpoints: readonly Endpoint[] = [];
	#weights: Float64Array = new Float64Array();
	#due = new Float64Array();
	/** Numbers of endpoints; the one at 0 is due first. */
	#heap = new Uint32Array();

	constructor(random: () => number) {
		this.#random = random;
	}

	use(endpoints: readonly Endpoint[], weights: Float64Array): void {
		const base = this.#due[this.#heap[0] ?? 0] ?? 0;
		const before = new Map(this.#endpoints.map((endpoint, at) => [endpoint, (this.#due[at] ?? 0) - base]));
		const due = new Float64Array(endpoints.length);
		for (const [at, endpoint] of endpoints.entries()) {
			const turn = 1 / (weights[at] ?? 1);
			due[at] = Math.min(before.get(endpoint) ?? turn * this.#random(), turn);
		}
		this.#endpoints = endpoints;
		this.#weights = weights;
		this.#due = due;
		this.#heap = new Uint32Array(due.keys()).sort((a, b) => (due[a] ?? 0) - (due[b] ?? 0));
	}

	pick(tried: readonly Endpoint[] | undefined, admission: Admission): Endpoint | undefined {
		const { length } = this.#endpoints;
		if (length === 0) return undefined;
		for (let nth = 0; nth < TURNS_MAX; nth++) {
			const endpoint = this.#turn();
			if (tried?.includes(endpoint) !== true && admission.admits(endpoint)) return endpoint;
		}
		return anyOf(this.#endpoints, Math.floor(this.#random() * length), tried, admission);
	}

	ended(): void {
		// Turns do not ask what is under way.
	}

	#turn(): Endpoint {
		const heap = this.#heap;
		const due = this.#due;
		const first = heap[0] as number;
		const next = (due[first] as number) + 1 / (this.#weights[first] as number);
		due[first] = next;
		let at = 0;
		for (;;) {
			let below = 2 * at + 1;
			if (below >= heap.length) break;
			if (
				below + 1 < heap.length &&
				(due[heap[below + 1] as number] as number) < (due[heap[below] as number] as number)
			) {
				below++;
			}
			const lower = heap[below] as number;
			if ((due[lower] as number) > next) break;
			heap[at] = lower;
			at = below;
		}
		heap[at] = first;
		return this.#endpoints[first] as Endpoint;
	}
}
