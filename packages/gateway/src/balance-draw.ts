/** Balancing that asks no key: a picker kept in step with its group, and the last resort behind it. */
import type { AdmittedCall, CallOutcome } from "@plumbline/policy/circuit-breaker";
import { Admission, anyOf, type Picker } from "./balance-picker.ts";
import type { BalancedGroup, Balancer } from "./balancer.ts";
import type { Endpoint } from "./endpoint.ts";
import type { KeyedRequest } from "./key-source.ts";
import { nextWeightsMs, slowStartWeight } from "./slow-start.ts";

export class DrawBalancer implements Balancer {
	readonly session = undefined;
	readonly ring = undefined;
	readonly #picker: Picker;
	readonly #group: BalancedGroup;
	readonly #slowStartMs: number;
	readonly #random: () => number;
	readonly #admission: Admission;
	#usable: readonly Endpoint[] = [];
	#version: number | undefined;
	/** When somebody who warms up weighs more. */
	#weighAgainMs = Infinity;

	constructor(picker: Picker, group: BalancedGroup, slowStartMs: number, random: () => number) {
		this.#picker = picker;
		this.#group = group;
		this.#slowStartMs = slowStartMs;
		this.#random = random;
		this.#admission = new Admission(group);
	}

	get call(): AdmittedCall {
		return this.#admission.call;
	}

	get refused(): number {
		return this.#admission.refused;
	}

	pick(_request: KeyedRequest, tried: readonly Endpoint[] | undefined, nowMs: number): Endpoint | undefined {
		const admission = this.#admission;
		admission.refused = 0;
		if (this.#group.version !== this.#version || nowMs >= this.#weighAgainMs) this.#weigh(nowMs);
		const endpoint = this.#picker.pick(tried, admission, nowMs);
		return endpoint === undefined && tried !== undefined ? this.#triedBefore(tried) : endpoint;
	}

	ended(endpoint: Endpoint, call: AdmittedCall, outcome: CallOutcome): void {
		this.#group.ended(endpoint, call, outcome);
		this.#picker.ended(endpoint);
	}

	/** Weighed anew, so that what others did with these endpoints is seen. */
	tick(nowMs: number): void {
		this.#weigh(nowMs);
	}

	#weigh(nowMs: number): void {
		this.#version = this.#group.version;
		this.#usable = this.#group.usable().filter(({ weight }) => weight > 0);
		this.#weighAgainMs = nextWeightsMs(this.#usable, this.#slowStartMs, nowMs);
		const weights = this.#usable.map((endpoint) => slowStartWeight(endpoint, this.#slowStartMs, nowMs));
		this.#picker.use(this.#usable, Float64Array.from(weights));
	}

	#triedBefore(tried: readonly Endpoint[]): Endpoint | undefined {
		const again = tried.filter((endpoint) => this.#usable.includes(endpoint));
		return anyOf(again, Math.floor(this.#random() * again.length), undefined, this.#admission);
	}
}
