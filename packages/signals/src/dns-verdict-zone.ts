/**
 * Which names belong to one owner, as far as names tell. Without the public suffix list the last two labels stand for
 * the owner: `a.co.uk.` and `b.co.uk.` look like one then, which hides a forgery but never makes one up.
 */
import { dnsLabels, isBelow } from "./dns-name.ts";

/** Names that the internet does not have: somebody's own (RFC 6761, RFC 6762, RFC 8375, and custom). */
const INSIDE = [
	"corp.",
	"home.",
	"home.arpa.",
	"internal.",
	"intranet.",
	"lan.",
	"local.",
	"localdomain.",
	"localhost.",
	"private.",
];

/** `www.shop.example.com.` to `example.com.`; in lower case. */
export function zoneOf(name: string): string {
	return `${dnsLabels(name.toLowerCase()).slice(-2).join(".")}.`;
}

export function isInside(name: string): boolean {
	return dnsLabels(name).length < 2 || INSIDE.some((zone) => isBelow(name, zone));
}
