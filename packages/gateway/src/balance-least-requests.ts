/**
 * The endpoint with the least under way for its weight; of equals the one whose turn is due, as round robin has it, with
 * first turns where chance says. So an idle group is shared by weight too.
 *
 * A heap of (under way / weight, turn due). What is under way changes outside: an endpoint that has more than the heap
 * thinks is put right when it comes up, one that has less by `ended`. An endpoint whose circuit refuses sinks to the
 * bottom for HELD_MS, or it would stand at the top, idle as it is.
 */
import { type Admission, anyOf, type Picker } from "./balance-picker.ts";
import type { Endpoint } from "./endpoint.ts";

const HELD_MS = 100;
/** Circuits that are asked before all endpoints are looked at in their order. */
const REFUSALS_MAX = 8;
/** Endpoints at the top that are put right in one pick; then the top is taken as it is. */
const CORRECTIONS_MAX = 64;

export class LeastRequests implements Picker {
	readonly #random: () => number;
	#endpoints: readonly Endpoint[] = [];
	#weights: Float64Array = new Float64Array();
	#load = new Float64Array();
	#due = new Float64Array();
	#heap = new Uint32Array();
	/** Where in the heap each is. */
	#place = new Uint32Array();
	#numbers = new Map<Endpoint, number>();
	/** When those that sank may come up again. */
	readonly #held = new Map<number, number>();
	#heldUntilMs = Infinity;

	constructor(random: () => number) {
		this.#random = random;
	}

	use(endpoints: readonly Endpoint[], weights: Float64Array): void {
		const { length } = endpoints;
		let base = Infinity;
		for (const due of this.#due) base = Math.min(base, due);
		const due = new Float64Array(length);
		const load = new Float64Array(length);
		for (const [at, endpoint] of endpoints.entries()) {
			const turn = 1 / (weights[at] ?? 1);
			const before = this.#numbers.get(endpoint);
			due[at] =
				before === undefined ? turn * this.#random() : Math.min((this.#due[before] ?? base) - base, turn);
			load[at] = endpoint.inFlight * turn;
		}
		this.#endpoints = endpoints;
		this.#weights = weights;
		this.#due = due;
		this.#load = load;
		this.#numbers = new Map(endpoints.map((endpoint, at) => [endpoint, at]));
		this.#held.clear();
		this.#heldUntilMs = Infinity;
		this.#heap = new Uint32Array(due.keys());
		this.#heap.sort((a, b) => (this.#before(a, b) ? -1 : 1));
		this.#place = new Uint32Array(length);
		for (const [place, number] of this.#heap.entries()) this.#place[number] = place;
	}

	pick(tried: readonly Endpoint[] | undefined, admission: Admission, nowMs: number): Endpoint | undefined {
		const { length } = this.#endpoints;
		if (length === 0) return undefined;
		if (nowMs >= this.#heldUntilMs) this.#letUp(nowMs);
		for (let nth = 0; nth < REFUSALS_MAX; nth++) {
			const number = this.#top();
			if (this.#load[number] === Infinity) break;
			const endpoint = this.#endpoints[number] as Endpoint;
			if (tried?.includes(endpoint) === true) return this.#leastOf(tried, admission);
			if (admission.admits(endpoint)) {
				this.#took(number);
				return endpoint;
			}
			this.#held.set(number, nowMs + HELD_MS);
			this.#heldUntilMs = Math.min(this.#heldUntilMs, nowMs + HELD_MS);
			this.#load[number] = Infinity;
			this.#sink(number);
		}
		return anyOf(this.#endpoints, Math.floor(this.#random() * length), tried, admission);
	}

	ended(endpoint: Endpoint): void {
		const number = this.#numbers.get(endpoint);
		if (number === undefined || this.#load[number] === Infinity) return;
		this.#weigh(number);
		this.#rise(number);
		this.#sink(number);
	}

	/** Second tries only: looks at all. */
	#leastOf(tried: readonly Endpoint[], admission: Admission): Endpoint | undefined {
		let least = -1;
		for (let number = 0; number < this.#endpoints.length; number++) {
			if (tried.includes(this.#endpoints[number] as Endpoint)) continue;
			if (least < 0 || this.#before(number, least)) least = number;
		}
		const endpoint = this.#endpoints[least];
		if (endpoint !== undefined && admission.admits(endpoint)) {
			if (this.#load[least] !== Infinity) this.#took(least);
			return endpoint;
		}
		return anyOf(this.#endpoints, Math.floor(this.#random() * this.#endpoints.length), tried, admission);
	}

	#took(number: number): void {
		this.#due[number] = (this.#due[number] as number) + 1 / (this.#weights[number] as number);
		this.#weigh(number);
		this.#sink(number);
	}

	#letUp(nowMs: number): void {
		this.#heldUntilMs = Infinity;
		for (const [number, untilMs] of this.#held) {
			if (untilMs > nowMs) {
				this.#heldUntilMs = Math.min(this.#heldUntilMs, untilMs);
				continue;
			}
			this.#held.delete(number);
			this.#weigh(number);
			this.#rise(number);
		}
	}

	#top(): number {
		let number = this.#heap[0] as number;
		for (let nth = 0; nth < CORRECTIONS_MAX; nth++) {
			const known = this.#load[number] as number;
			if (known === Infinity) break;
			this.#weigh(number);
			if (this.#load[number] === known) break;
			this.#sink(number);
			number = this.#heap[0] as number;
		}
		return number;
	}

	#weigh(number: number): void {
		this.#load[number] = (this.#endpoints[number] as Endpoint).inFlight / (this.#weights[number] as number);
	}

	#before(a: number, b: number): boolean {
		const difference = (this.#load[a] as number) - (this.#load[b] as number);
		// Two at the bottom: Infinity less Infinity is not a number.
		return difference < 0 || (!(difference > 0) && (this.#due[a] as number) < (this.#due[b] as number));
	}

	#sink(number: number): void {
		const heap = this.#heap;
		let at = this.#place[number] as number;
		for (;;) {
			let below = 2 * at + 1;
			if (below >= heap.length) break;
			if (below + 1 < heap.length && this.#before(heap[below + 1] as number, heap[below] as number)) below++;
			const lower = heap[below] as number;
			if (!this.#before(lower, number)) break;
			this.#put(lower, at);
			at = below;
		}
		this.#put(number, at);
	}

	#rise(number: number): void {
		const heap = this.#heap;
		let at = this.#place[number] as number;
		while (at > 0) {
			const above = (at - 1) >> 1;
			const upper = heap[above] as number;
			if (!this.#before(number, upper)) break;
			this.#put(upper, at);
			at = above;
		}
		this.#put(number, at);
	}

	#put(number: number, at: number): void {
		this.#heap[at] = number;
		this.#place[number] = at;
	}
}
