/** Addresses of servers compared as addresses, not as text: `::ffff:192.0.2.1`, `192.0.2.1` and `::FFFF:c000:201` are one. */
import { BlockList, isIP, SocketAddress } from "node:net";
import { networkInterfaces } from "node:os";
import type { UpstreamServer } from "./upstream.ts";

export interface ListenPlace {
	/** An IP address; `0.0.0.0` and `::` are every address of this host. */
	readonly address: string;
	readonly port: number;
}

const MAPPED = "::ffff:";
/** What a connection to them reaches is this host (Linux takes 0.0.0.0 and :: for loopback). */
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("0.0.0.0", "ipv4");
LOOPBACK.addAddress("::1", "ipv6");
LOOPBACK.addAddress("::", "ipv6");

/** Undefined if it is no IP address. A zone (`%eth0`) stays: the same link-local address on two links is two hosts. */
export function canonicalAddress(text: string): string | undefined {
	const family = isIP(text);
	if (family === 0) return undefined;
	if (family === 4) return text;
	const [, zone] = text.split("%");
	const { address } = new SocketAddress({ address: text, family: "ipv6" });
	if (address.startsWith(MAPPED) && address.includes(".")) return address.slice(MAPPED.length);
	return zone === undefined ? address : `${address}%${zone}`;
}

export function isLoopback(address: string): boolean {
	const canonical = canonicalAddress(address)?.split("%")[0];
	return canonical !== undefined && LOOPBACK.check(canonical, isIP(canonical) === 4 ? "ipv4" : "ipv6");
}

/**
 * Why a server may not be asked: it is where we listen ourselves, so every question would come back to us. Undefined if
 * it is somewhere else. The protocol does not matter: one of ours is on that port.
 *
 * It sees only what the addresses tell. A loop over a forwarder elsewhere that asks us is not seen here; such an ask
 * ends by its time limit, and the bounds on retries keep it from growing.
 */
export function refusesOwnAddress(
	server: UpstreamServer,
	listen: readonly ListenPlace[],
	ownAddresses: readonly string[] = addressesOfThisHost(),
): string | undefined {
	const asked = canonicalAddress(server.address);
	if (asked === undefined) return undefined;
	const isOurs = isLoopback(asked) || ownAddresses.some((own) => sameHost(own, asked));
	for (const place of listen) {
		if (place.port !== server.port) continue;
		const bound = canonicalAddress(place.address);
		const everywhere = bound === "0.0.0.0" || bound === "::";
		const meetsLoopback = bound !== undefined && isLoopback(bound) && isUnspecified(asked);
		if (bound === asked || meetsLoopback || (everywhere && isOurs))
			return `${server.address} port ${server.port} is where this resolver listens itself (${place.address}): it would ask itself for ever`;
	}
	return undefined;
}

function isUnspecified(address: string): boolean {
	return address === "0.0.0.0" || address === "::";
}

function sameHost(left: string, right: string): boolean {
	return canonicalAddress(left)?.split("%")[0] === right.split("%")[0];
}

function addressesOfThisHost(): string[] {
	return Object.values(networkInterfaces()).flatMap((places) => (places ?? []).map(({ address }) => address));
}
