/**
 * What limits count by and hashes take, out of a request.
 *
 *   client             192.0.2.7, or the first 64 bits of an IPv6 address: 2001:db8:0:1:: has one house behind it
 *   header:x-user      its first value          cookie:session     its value
 *   path               without query            route              "": limits belong to a route anyway
 */
import { hash32 } from "@plumbline/policy/key-hash";
import { requestCookie } from "./cookie-value.ts";
import type { GateRequest } from "./gate.ts";
import type { KeySource } from "./settings.ts";

/** What can be asked for a key; a TCP connection has no head. */
export interface KeyedRequest extends Pick<GateRequest, "clientAddress"> {
	readonly head: GateRequest["head"] | undefined;
}

/** Longer values are known by a hash of theirs, so that nobody fills tables with long ones. */
const KEY_LENGTH_MAX = 128;
const LONG_KEY_SEEDS = [0x1d872b41, 0x5bd1e995, 0x27d4eb2f, 0x165667b1] as const;

/** "" if the request has no such header or cookie, and for `route`: one key for all. */
export function keyOf(source: KeySource, request: KeyedRequest): string {
	const { head } = request;
	switch (source.kind) {
		case "client":
			return clientKey(request.clientAddress);
		case "route":
			return "";
		case "path":
			return head === undefined ? "" : shortKey(withoutQuery(head.path));
		case "header":
			return shortKey(head?.value(source.name) ?? "");
		case "cookie":
			return head === undefined ? "" : shortKey(requestCookie(head, source.name) ?? "");
		default:
			return source satisfies never;
	}
}

/** An address of IPv4 as it is, also one mapped into IPv6; of others the network of 64 bits. */
export function clientKey(address: string): string {
	if (!address.includes(":")) return address;
	const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
	if (mapped !== undefined) return mapped;
	const [before = "", after] = address.toLowerCase().split("::", 2);
	const groups = before === "" ? [] : before.split(":");
	// The last 64 bits may be written as two groups and an address of IPv4: one group stands for two.
	const behind = after === undefined || after === "" ? [] : after.split(":");
	const wide = behind.length + (behind.at(-1)?.includes(".") === true ? 1 : 0);
	if (after !== undefined) while (groups.length + wide < 8) groups.push("0");
	return `${[...groups, ...behind].slice(0, 4).map(withoutZeros).join(":")}::`;
}

function withoutZeros(group: string): string {
	return group.replace(/^0+(?=.)/, "");
}

function withoutQuery(path: string): string {
	const at = path.indexOf("?");
	return at < 0 ? path : path.slice(0, at);
}

/** 128 bits of a hash that is no secret: good enough to tell long keys apart, not to prove anything. */
function shortKey(value: string): string {
	if (value.length <= KEY_LENGTH_MAX) return value;
	return LONG_KEY_SEEDS.map((seed) => hash32(value, seed).toString(36)).join(".");
}
