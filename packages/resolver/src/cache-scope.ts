/**
 * For whom an answer holds (RFC 7871 section 7.3). A server that is told the client's network says how much of it the
 * answer depends on:
 *
 *     asked with 192.0.2.0/24, answered with scope 20   →  holds for 192.0.0.0/20
 *     asked with 192.0.2.0/24, answered with scope 28   →  holds for 192.0.2.0/24: no more of it was told
 *     asked with 192.0.2.0/24, scope 0 or no option     →  holds for everybody
 *     asked without a network                           →  holds for whoever asks without one: the server may have
 *                                                          gone by the resolver's own address
 */
import { octetsOfAddress } from "@plumbline/signals/dns-address";
import type { ClientSubnet, DnsMessage } from "@plumbline/signals/dns-message";

export type Scope =
	| { readonly kind: "unasked" }
	| { readonly kind: "everybody" }
	| {
			readonly kind: "network";
			readonly family: ClientSubnet["family"];
			/** Bits that count. */
			readonly prefix: number;
			/** All beyond the prefix are 0. */
			readonly octets: Uint8Array;
	  };

const UNASKED: Scope = { kind: "unasked" };
const EVERYBODY: Scope = { kind: "everybody" };

/** Undefined: the option is not an answer to ours, so nobody knows for whom the message holds. */
export function scopeOfAnswer(subnet: ClientSubnet | undefined, message: DnsMessage): Scope | undefined {
	const asked = networkOf(subnet);
	if (asked.kind !== "network" || subnet === undefined) return UNASKED;
	const option = message.edns?.options.find((each) => each.kind === "client-subnet");
	if (option === undefined) return EVERYBODY;
	const { family, sourcePrefix, scopePrefix, address } = option.subnet;
	if (family !== subnet.family || sourcePrefix !== subnet.sourcePrefix) return undefined;
	const echoed = networkOf({ family, sourcePrefix, scopePrefix, address });
	if (echoed.kind !== "network" || !isWithin(echoed, asked)) return undefined;
	if (scopePrefix === 0) return EVERYBODY;
	const prefix = Math.min(scopePrefix, sourcePrefix);
	return { kind: "network", family, prefix, octets: masked(asked.octets, prefix) };
}

/** A source prefix of 0 tells no network: the same as no option, but for the server's promise to tell nobody. */
export function networkOf(subnet: ClientSubnet | undefined): Scope {
	if (subnet === undefined || !(subnet.sourcePrefix > 0)) return UNASKED;
	const octets = octetsOfAddress(subnet.address);
	const length = subnet.family === "ipv4" ? 4 : 16;
	if (octets?.length !== length || subnet.sourcePrefix > length * 8) return UNASKED;
	const prefix = subnet.sourcePrefix;
	return { kind: "network", family: subnet.family, prefix, octets: masked(octets, prefix) };
}

/** Whether what holds for `scope` may be told to who asks from `asker`. */
export function holdsFor(scope: Scope, asker: Scope): boolean {
	switch (scope.kind) {
		case "everybody":
			return true;
		case "unasked":
			return asker.kind === "unasked";
		case "network":
			return asker.kind === "network" && isWithin(asker, scope);
		default:
			return scope satisfies never;
	}
}

export function isSameScope(a: Scope, b: Scope): boolean {
	if (a.kind !== "network" || b.kind !== "network") return a.kind === b.kind;
	return a.prefix === b.prefix && isWithin(a, b);
}

/** For whom an answer in two parts holds. */
export function narrower(a: Scope | undefined, b: Scope | undefined): Scope | undefined {
	if (a === undefined || b === undefined) return undefined;
	if (a.kind === "network" && b.kind === "network") return a.prefix >= b.prefix ? a : b;
	return a.kind === "everybody" ? b : a;
}

type Network = Extract<Scope, { kind: "network" }>;

function isWithin(inner: Network, outer: Network): boolean {
	if (inner.family !== outer.family || inner.prefix < outer.prefix) return false;
	const whole = outer.prefix >> 3;
	for (let i = 0; i < whole; i++) if (inner.octets[i] !== outer.octets[i]) return false;
	const rest = outer.prefix & 7;
	if (rest === 0) return true;
	const differing = (inner.octets[whole] ?? 0) ^ (outer.octets[whole] ?? 0);
	return differing >> (8 - rest) === 0;
}

function masked(octets: Uint8Array, prefix: number): Uint8Array {
	return octets.map((octet, i) => {
		const bits = Math.min(8, Math.max(0, prefix - 8 * i));
		return octet & (0xff << (8 - bits));
	});
}
