/** What the ways of balancing have alike: endpoints with their weights of the moment, one of which is let through. */
import type { AdmittedCall } from "@plumbline/policy/circuit-breaker";
import type { Endpoint } from "./endpoint.ts";
import type { UpstreamGroup } from "./upstream-group.ts";

export interface Picker {
	/** From now on these; what is known of those it had stays. Weights are above 0, one for each. */
	use(endpoints: readonly Endpoint[], weights: Float64Array): void;
	/** One that is not among `tried`, and whose circuit has let this call through. */
	pick(tried: readonly Endpoint[] | undefined, admission: Admission, nowMs: number): Endpoint | undefined;
	/** It has one exchange less. It need not be one of ours. */
	ended(endpoint: Endpoint): void;
}

const NO_CALL: AdmittedCall = { kind: "admitted", beganAtMs: 0, under: undefined };

/** Asks circuits. To ask takes a probe's place, so only whoever would be taken is asked. */
export class Admission {
	readonly #group: Pick<UpstreamGroup, "began">;
	/** Of the last one that was let through. */
	call = NO_CALL;
	/** Since it was set to 0. */
	refused = 0;

	constructor(group: Pick<UpstreamGroup, "began">) {
		this.#group = group;
	}

	admits(endpoint: Endpoint): boolean {
		const answer = this.#group.began(endpoint);
		if (answer.kind === "refused") {
			this.refused++;
			return false;
		}
		this.call = answer;
		return true;
	}
}

/** The first that will do, from a place on and around. For when drawing had no luck: most are tried or refuse. */
export function anyOf(
	endpoints: readonly Endpoint[],
	from: number,
	tried: readonly Endpoint[] | undefined,
	admission: Admission,
): Endpoint | undefined {
	const { length } = endpoints;
	for (let nth = 0; nth < length; nth++) {
		const endpoint = endpoints[(from + nth) % length] as Endpoint;
		if (tried?.includes(endpoint) !== true && admission.admits(endpoint)) return endpoint;
	}
	return undefined;
}
