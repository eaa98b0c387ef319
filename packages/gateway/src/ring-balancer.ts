/**
 * Consistent hashing: a key's own endpoint, and when that is out, full or refuses, the next ones along the ring.
 *
 *   key ──▶ where its open sessions are ──▶ its slot in the ring of the moment, and on from there ──▶ any, by name
 *
 * As an endpoint that is out is walked past, its keys go where they would go without it, everybody else's stay, and
 * they come back when it does: a flap of its health scatters nobody. Only other members make another ring
 * (ring-transition.ts).
 *
 * With a bound no endpoint has more than that times its share of what is under way, as policy's bounded-load.ts has it.
 * Requests without a key are given out by two choices. Zones and slow start are not looked at: processes would differ.
 */
import type { AdmittedCall, CallOutcome } from "@plumbline/policy/circuit-breaker";
import type { Ring } from "@plumbline/policy/ring";
import type { Session } from "@plumbline/policy/ring-migration";
import { Admission, anyOf } from "./balance-picker.ts";
import { TwoChoices } from "./balance-two-choices.ts";
import type { BalancedGroup, Balancer, BalancerParts } from "./balancer.ts";
import type { Endpoint } from "./endpoint.ts";
import { type KeyedRequest, keyOf } from "./key-source.ts";
import type { RingMember } from "./ring-control.ts";
import { hashOfKey } from "./ring-stages.ts";
import { type HashSettings, RingTransition } from "./ring-transition.ts";

/** Slots that are looked at; after them all endpoints by name, from a place of the key's own. */
const WALK_MAX = 256;
/** Of policy's rings. */
const WEIGHT_MAX = 1_000;

export class RingBalancer implements Balancer {
	session: Session | undefined;
	readonly ring: RingTransition;
	readonly #settings: HashSettings;
	readonly #group: BalancedGroup;
	readonly #admission: Admission;
	readonly #keyless: TwoChoices;
	#version: number | undefined;
	/** By name, so that processes walk alike. */
	#usable: readonly Endpoint[] = [];
	#byName = new Map<string, Endpoint>();
	#weightTotal = 0;
	#inFlight = 0;
	/** In the present pick: full, tried, or refusing. */
	readonly #passedOver: Endpoint[] = [];

	constructor(settings: HashSettings, group: BalancedGroup, parts: BalancerParts, nowMs: number) {
		this.#settings = settings;
		this.#group = group;
		this.#admission = new Admission(group);
		this.#keyless = new TwoChoices(parts.random);
		this.ring = new RingTransition(group.name, settings, parts.wallNow, parts.observe);
		this.#look(nowMs);
	}

	get call(): AdmittedCall {
		return this.#admission.call;
	}

	get refused(): number {
		return this.#admission.refused;
	}

	pick(request: KeyedRequest, tried: readonly Endpoint[] | undefined, nowMs: number): Endpoint | undefined {
		this.session = undefined;
		this.#admission.refused = 0;
		if (this.#group.version !== this.#version) this.#look(nowMs);
		const { by } = this.#settings;
		const key = keyOf(by, request);
		const isKeyless = key === "" && by.kind !== "route";
		const hash = isKeyless ? 0 : hashOfKey(key);
		const endpoint = isKeyless ? this.#ofNoKey(tried) : this.#ofKey(key, hash, tried);
		if (endpoint === undefined) return undefined;
		this.#inFlight++;
		if (!isKeyless) this.session = this.ring.open(key, endpoint.id, nowMs);
		return endpoint;
	}

	ended(
		endpoint: Endpoint,
		call: AdmittedCall,
		outcome: CallOutcome,
		session: Session | undefined,
		nowMs: number,
	): void {
		this.#inFlight--;
		this.#group.ended(endpoint, call, outcome);
		if (session !== undefined) this.ring.close(session, nowMs);
	}

	/** What is under way is counted anew: exchanges of a balancer before this one are seen so. */
	tick(nowMs: number): void {
		this.#look(nowMs);
		this.#inFlight = this.#usable.reduce((sum, { inFlight }) => sum + inFlight, 0);
		this.ring.tick(nowMs);
	}

	#ofNoKey(tried: readonly Endpoint[] | undefined): Endpoint | undefined {
		const endpoint = this.#keyless.pick(tried, this.#admission);
		return endpoint === undefined && tried !== undefined
			? this.#keyless.pick(undefined, this.#admission)
			: endpoint;
	}

	#ofKey(key: string, hash: number, tried: readonly Endpoint[] | undefined): Endpoint | undefined {
		const ring = this.ring.ringFor(hash);
		const endpoint = this.#along(ring, key, hash, tried);
		return endpoint === undefined && tried !== undefined ? this.#along(ring, key, hash, undefined) : endpoint;
	}

	#along(
		ring: Ring | undefined,
		key: string,
		hash: number,
		tried: readonly Endpoint[] | undefined,
	): Endpoint | undefined {
		this.#passedOver.length = 0;
		const kept = this.ring.kept(key);
		const keeper = kept === undefined ? undefined : this.#byName.get(kept);
		if (keeper !== undefined && this.#takes(keeper, tried)) return keeper;
		let before: string | undefined;
		for (let nth = 0; nth < WALK_MAX; nth++) {
			const name = ring?.owner(hash, nth)?.name;
			if (name === undefined) break;
			if (name === before) continue;
			before = name;
			const endpoint = this.#byName.get(name);
			if (endpoint !== undefined && this.#takes(endpoint, tried)) return endpoint;
		}
		return anyOf(this.#usable, hash % this.#usable.length, tried, this.#admission);
	}

	#takes(endpoint: Endpoint, tried: readonly Endpoint[] | undefined): boolean {
		if (this.#passedOver.includes(endpoint)) return false;
		if (tried?.includes(endpoint) !== true && this.#hasRoom(endpoint) && this.#admission.admits(endpoint))
			return true;
		this.#passedOver.push(endpoint);
		return false;
	}

	#hasRoom({ inFlight, weight }: Endpoint): boolean {
		const { bound } = this.#settings;
		return (
			bound === undefined || inFlight < Math.ceil((bound * (this.#inFlight + 1) * weight) / this.#weightTotal)
		);
	}

	#look(nowMs: number): void {
		const { endpoints, version } = this.#group;
		if (version !== this.#version) {
			const before = this.#byName;
			this.#version = version;
			this.#usable = this.#group
				.usable()
				.filter(({ weight }) => weight > 0)
				.toSorted(byName);
			this.#byName = new Map(this.#usable.map((endpoint) => [endpoint.id, endpoint]));
			this.#weightTotal = this.#usable.reduce((sum, { weight }) => sum + weight, 0);
			this.#keyless.use(
				this.#usable,
				Float64Array.from(this.#usable, ({ weight }) => weight),
			);
			const lost = new Set([...before.keys()].filter((id) => !this.#byName.has(id)));
			if (lost.size > 0) this.ring.lost(lost, nowMs);
		}
		this.ring.become(membersOf(endpoints), nowMs);
	}
}

function byName(a: { readonly id: string }, b: { readonly id: string }): number {
	return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

function membersOf(endpoints: readonly Endpoint[]): readonly RingMember[] {
	const sorted = endpoints.toSorted(byName).filter(({ id }, at, all) => id !== all[at - 1]?.id);
	return sorted.map(({ id, weight }) => ({ name: id, weight: Math.min(Math.max(weight, 0), WEIGHT_MAX) }));
}
