/**
 * Our own zone first: while ENOUGH_SHARE of its weight is usable it gets everything; below that only as much as is left
 * of it for its part, and the rest is spread over the other zones.
 *
 *   usable of our zone      100 %   70 %   35 %    0 %
 *   goes there              100 %  100 %   50 %    0 %
 *
 * It does not know how many gateways stand in each zone: where most of them are in one with few servers, leave the zone
 * out of the configuration.
 */
import type { Admission, Picker } from "./balance-picker.ts";
import type { Endpoint } from "./endpoint.ts";

/** The rest of a zone can bear what it had to before: servers are not planned at more than about 70 %. */
const ENOUGH_SHARE = 0.7;

export class Zones implements Picker {
	readonly #zone: string;
	readonly #ours: Picker;
	readonly #others: Picker;
	readonly #random: () => number;
	/** All of the group, also those that are out. */
	readonly #members: () => readonly Endpoint[];
	#oursShare = 0;

	constructor(zone: string, make: () => Picker, random: () => number, members: () => readonly Endpoint[]) {
		this.#zone = zone;
		this.#ours = make();
		this.#others = make();
		this.#random = random;
		this.#members = members;
	}

	use(endpoints: readonly Endpoint[], weights: Float64Array): void {
		const isOurs = ({ zone }: Endpoint) => zone === this.#zone;
		const ours = endpoints.filter(isOurs);
		const others = endpoints.filter((endpoint) => !isOurs(endpoint));
		this.#ours.use(
			ours,
			weights.filter((_, at) => endpoints[at]?.zone === this.#zone),
		);
		this.#others.use(
			others,
			weights.filter((_, at) => endpoints[at]?.zone !== this.#zone),
		);
		const planned = weightOf(this.#members().filter(isOurs));
		const usable = planned === 0 ? 0 : weightOf(ours) / planned;
		this.#oursShare = others.length === 0 ? 1 : Math.min(1, usable / ENOUGH_SHARE);
	}

	pick(tried: readonly Endpoint[] | undefined, admission: Admission, nowMs: number): Endpoint | undefined {
		const oursFirst = this.#oursShare === 1 || this.#random() < this.#oursShare;
		const first = oursFirst ? this.#ours : this.#others;
		const second = oursFirst ? this.#others : this.#ours;
		return first.pick(tried, admission, nowMs) ?? second.pick(tried, admission, nowMs);
	}

	ended(endpoint: Endpoint): void {
		if (endpoint.zone === this.#zone) this.#ours.ended(endpoint);
		else this.#others.ended(endpoint);
	}
}

function weightOf(endpoints: readonly Endpoint[]): number {
	return endpoints.reduce((sum, { weight }) => sum + weight, 0);
}
