/**
 * The order in which a client tries the addresses of a name (RFC 8305 section 4): the two families in turn, beginning
 * with the one that is preferred, so that a family that does not work costs one try. IPv6 is preferred where this host
 * has an IPv6 address that leads beyond its own link (RFC 6724: a source must exist), IPv4 otherwise.
 *
 * `net` keeps to this order: its Happy Eyeballs begins with the family of the first address.
 */
import type { LookupAddress } from "node:dns";
import { networkInterfaces } from "node:os";

export type FamilyOrder = "ipv4first" | "ipv6first" | "in-turn-ipv4" | "in-turn-ipv6";

export function ordered(
	ipv4: readonly LookupAddress[],
	ipv6: readonly LookupAddress[],
	order: FamilyOrder,
): readonly LookupAddress[] {
	switch (order) {
		case "ipv4first":
			return [...ipv4, ...ipv6];
		case "ipv6first":
			return [...ipv6, ...ipv4];
		case "in-turn-ipv4":
			return inTurn(ipv4, ipv6);
		case "in-turn-ipv6":
			return inTurn(ipv6, ipv4);
		default:
			return order satisfies never;
	}
}

function inTurn(first: readonly LookupAddress[], second: readonly LookupAddress[]): readonly LookupAddress[] {
	return Array.from({ length: Math.max(first.length, second.length) }, (_, i) => [first[i], second[i]])
		.flat()
		.filter((address) => address !== undefined);
}

/** Families in which this host has an address other than loopback's and the link's own. */
export function familiesOfHost(): { readonly ipv4: boolean; readonly ipv6: boolean } {
	const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
	const leadsOut = ({ internal, address }: { internal: boolean; address: string }) =>
		!internal && !/^fe[89ab]/i.test(address) && !address.startsWith("169.254.");
	return {
		ipv4: addresses.some((each) => each.family === "IPv4" && leadsOut(each)),
		ipv6: addresses.some((each) => each.family === "IPv6" && leadsOut(each)),
	};
}
