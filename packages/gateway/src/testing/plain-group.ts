/** A group of endpoints without connections, whose members, health and circuits a test turns by hand. */
import {
	type AdmittedCall,
	type CallOutcome,
	CircuitBreaker,
	type RefusedCall,
} from "@plumbline/policy/circuit-breaker";
import type { BalancedGroup } from "../balancer.ts";
import type { Endpoint, OutReason } from "../endpoint.ts";

export class PlainEndpoint implements Endpoint {
	readonly id: string;
	readonly address: string;
	readonly port = 8080;
	readonly authority = "orders";
	readonly zone: string | undefined;
	readonly weight: number;
	readonly sinceMs: number;
	readonly out = new Set<OutReason>();
	readonly breaker = new CircuitBreaker({}, 0);
	inFlight = 0;
	/** Its circuit lets nothing through. */
	refuses = false;
	asked = 0;

	constructor(address: string, { weight = 1, zone, sinceMs = -1e9 }: PlainTold = {}) {
		this.id = `${address}:8080`;
		this.address = address;
		this.weight = weight;
		this.zone = zone;
		this.sinceMs = sinceMs;
	}

	get pool(): never {
		throw new TypeError("no connections here");
	}
}

interface PlainTold {
	readonly weight?: number;
	readonly zone?: string | undefined;
	readonly sinceMs?: number;
}

export class PlainGroup implements BalancedGroup {
	readonly name = "orders";
	endpoints: readonly PlainEndpoint[];
	version = 1;
	#usable: readonly PlainEndpoint[];

	constructor(endpoints: readonly PlainEndpoint[]) {
		this.endpoints = endpoints;
		this.#usable = endpoints;
	}

	usable(): readonly PlainEndpoint[] {
		return this.#usable;
	}

	become(endpoints: readonly PlainEndpoint[]): void {
		this.endpoints = endpoints;
		this.changed();
	}

	setOut(endpoint: PlainEndpoint, isOut: boolean): void {
		if (isOut) endpoint.out.add("unhealthy");
		else endpoint.out.delete("unhealthy");
		this.changed();
	}

	changed(): void {
		this.#usable = this.endpoints.filter(({ out }) => out.size === 0);
		this.version++;
	}

	began(endpoint: Endpoint): AdmittedCall | RefusedCall {
		const plain = endpoint as PlainEndpoint;
		plain.asked++;
		if (plain.refuses) return { kind: "refused", state: "open" };
		plain.inFlight++;
		return { kind: "admitted", beganAtMs: 0, under: undefined };
	}

	ended(endpoint: Endpoint, _call: AdmittedCall, _outcome: CallOutcome): void {
		(endpoint as PlainEndpoint).inFlight--;
	}
}

/** 10.0.0.0, 10.0.0.1 and so on. */
export function plainEndpoints(count: number, told: PlainTold = {}, from = 0): PlainEndpoint[] {
	return Array.from(
		{ length: count },
		(_, at) => new PlainEndpoint(`10.0.${(from + at) >> 8}.${(from + at) & 255}`, told),
	);
}

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
export function seededRandom(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}
