/** Which name servers are on the list: whoever else stands in a resolv.conf is a stranger. */
import { BlockList, isIP } from "node:net";
import { canonicalAddress, isLoopback } from "./server-address.ts";

export interface Trust {
	/** False for what is no address. */
	trusts(address: string): boolean;
}

export type TrustList =
	| { readonly kind: "trust"; readonly trust: Trust }
	| { readonly kind: "refused"; readonly faults: readonly string[] };

const ENTRIES_MAX = 1024;
const QUOTED_CHARS_MAX = 80;

/**
 * `entries` are addresses (`10.96.0.10`) and networks (`10.0.0.0/8`, `2001:db8::/32`). Loopback is on the list unless
 * told otherwise: what runs there was started on this host.
 */
export function trustList(entries: readonly string[], { loopback = true } = {}): TrustList {
	if (entries.length > ENTRIES_MAX)
		return { kind: "refused", faults: [`${entries.length} entries: at most ${ENTRIES_MAX} are taken`] };
	const list = new BlockList();
	const faults = entries.filter((entry) => !addEntry(list, entry)).map(faultOf);
	if (faults.length > 0) return { kind: "refused", faults };
	return {
		kind: "trust",
		trust: {
			trusts(address) {
				// A link-local server is known by its address; on which link it is, this host decides.
				const canonical = canonicalAddress(address)?.split("%")[0];
				if (canonical === undefined) return false;
				return (loopback && isLoopback(canonical)) || list.check(canonical, family(canonical));
			},
		},
	};
}

function addEntry(list: BlockList, entry: string): boolean {
	const [, text = "", digits] = /^([^/]+?)(?:\/(\d{1,3}))?$/.exec(entry.trim()) ?? [];
	const address = canonicalAddress(text)?.split("%")[0];
	if (address === undefined) return false;
	if (digits === undefined) {
		list.addAddress(address, family(address));
		return true;
	}
	const prefix = Number(digits);
	// A prefix counts the bits of the form it was written in.
	if (isIP(text) !== isIP(address) || prefix > (isIP(address) === 4 ? 32 : 128)) return false;
	list.addSubnet(address, prefix, family(address));
	return true;
}

function family(address: string): "ipv4" | "ipv6" {
	return isIP(address) === 4 ? "ipv4" : "ipv6";
}

function faultOf(entry: string): string {
	return `${JSON.stringify(entry.slice(0, QUOTED_CHARS_MAX))} is neither an IP address nor a network such as 10.0.0.0/8`;
}
