/**
 * What kind of address an answer gives, and how near two addresses are.
 *
 *   public    a host on the internet may have it
 *   private   RFC 1918, ULA, carrier NAT: a company's own servers answer so from inside (split horizon)
 *   nowhere   no host that serves a name has it: 0.0.0.0, loopback, link-local, multicast, documentation, reserved
 */
import { parseV4, parseV6 } from "./sockets-address.ts";

export type AddressNature = "public" | "private" | "nowhere";

interface Block {
	readonly first: readonly [number, number, number, number] | number;
	readonly bits: number;
}

const v4 = (text: string, bits: number): Block => ({ first: parseV4(text) ?? 0, bits });
const v6 = (text: string, bits: number): Block => ({ first: parseV6(text) ?? [0, 0, 0, 0], bits });

/** RFC 6890 and its successors in the registries of IANA. */
const PRIVATE: readonly Block[] = [
	v4("10.0.0.0", 8),
	v4("172.16.0.0", 12),
	v4("192.168.0.0", 16),
	v4("100.64.0.0", 10),
	v6("fc00::", 7),
];
const NOWHERE: readonly Block[] = [
	v4("0.0.0.0", 8),
	v4("127.0.0.0", 8),
	v4("169.254.0.0", 16),
	v4("192.0.2.0", 24),
	v4("198.18.0.0", 15),
	v4("198.51.100.0", 24),
	v4("203.0.113.0", 24),
	v4("224.0.0.0", 4),
	v4("240.0.0.0", 4),
	v6("::", 127),
	v6("100::", 64),
	v6("2001:db8::", 32),
	v6("fe80::", 10),
	v6("ff00::", 8),
];

/** RFC 6052 and RFC 8215: addresses of IPv4 hosts as DNS64 writes them. */
const DNS64: readonly Block[] = [v6("64:ff9b::", 96), v6("64:ff9b:1::", 48)];

/** Networks of one owner are rarely smaller, and a forger rarely sits in one. */
const NETWORK_BITS_V4 = 16;
const NETWORK_BITS_V6 = 32;

export function natureOf(address: string): AddressNature {
	if (NOWHERE.some((block) => isWithin(address, block))) return "nowhere";
	return PRIVATE.some((block) => isWithin(address, block)) ? "private" : "public";
}

export function isSameNetwork(a: string, b: string): boolean {
	const four = parseV4(b);
	if (four !== undefined) return isWithin(a, { first: four, bits: NETWORK_BITS_V4 });
	const six = parseV6(b);
	return six !== undefined && isWithin(a, { first: six, bits: NETWORK_BITS_V6 });
}

/** In the prefix that stands for IPv4 hosts, or with one of `ipv4` in its last 32 bits. */
export function isFromDns64(address: string, ipv4: readonly string[]): boolean {
	if (DNS64.some((block) => isWithin(address, block))) return true;
	const last = parseV6(address)?.[3];
	return last !== undefined && ipv4.some((text) => parseV4(text) === last);
}

function isWithin(address: string, { first, bits }: Block): boolean {
	if (typeof first === "number") {
		const number = parseV4(address);
		return number !== undefined && number >>> (32 - bits) === first >>> (32 - bits);
	}
	const words = parseV6(address);
	if (words === undefined) return false;
	return words.every((word, index) => {
		const mine = Math.min(32, Math.max(0, bits - index * 32));
		return mine === 0 || word >>> (32 - mine) === (first[index] ?? 0) >>> (32 - mine);
	});
}
