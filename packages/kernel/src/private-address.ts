/**
 * Which addresses the clean-up of TIME_WAIT may touch: those of networks where nobody but the owner's own
 * machines answers.
 *
 * Public ones are out: a late duplicate from across the internet is what TIME_WAIT is for (RFC 1337). So
 * are 100.64.0.0/10, which a carrier's NAT shares among strangers, and link-local: it names a host only
 * together with an interface, and 169.254.169.254 is the cloud's own.
 */
import { BlockList } from "node:net";

const PRIVATE = new BlockList();
// RFC 1918 and loopback (RFC 1122, 3.2.1.3).
PRIVATE.addSubnet("10.0.0.0", 8, "ipv4");
PRIVATE.addSubnet("172.16.0.0", 12, "ipv4");
PRIVATE.addSubnet("192.168.0.0", 16, "ipv4");
PRIVATE.addSubnet("127.0.0.0", 8, "ipv4");
// Unique local addresses (RFC 4193) and loopback.
PRIVATE.addSubnet("fc00::", 7, "ipv6");
PRIVATE.addAddress("::1", "ipv6");

/** `ip` as signals/src/sockets-address.ts writes it: an IPv4-mapped address is given as IPv4. */
export function isPrivateAddress(ip: string): boolean {
	return PRIVATE.check(ip, ip.includes(":") ? "ipv6" : "ipv4");
}
