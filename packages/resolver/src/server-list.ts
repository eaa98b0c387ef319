/**
 * Servers as people write them:
 *
 * ```
 *   https://1.1.1.1/dns-query#cloudflare-dns.com        DoH; after # the name that the certificate must have
 *   https://1.1.1.1#cloudflare-dns.com&method=GET       the path is /dns-query unless it is given
 *   tls://9.9.9.9:853#dns.quad9.net                     DoT
 *   tls://192.0.2.4#pin=sha256/BASE64&pin=sha256/BASE64 DoT, known by its key (RFC 7858 section 4.2)
 *   tcp://192.0.2.4:53   udp://[2001:db8::1]:53         without any proof of who answers
 *   192.0.2.4   192.0.2.4:5353   2001:db8::1            UDP
 * ```
 * The place is always an IP address. A name would have to be looked up before there is anything to look it up with, and
 * whoever answers that first question over plain UDP chooses every answer after it.
 *
 * Read by a grammar of its own: a URL parser would take `1.1` and `0x7f000001` for addresses.
 */
import { isIP } from "node:net";
import type { Protocol, UpstreamServer } from "./upstream.ts";

export type ServerNotation =
	| { readonly kind: "server"; readonly server: UpstreamServer }
	/** What was found, and the right form. */
	| { readonly kind: "refused"; readonly why: string };

export type ServerList =
	| { readonly kind: "servers"; readonly servers: readonly UpstreamServer[] }
	| { readonly kind: "refused"; readonly faults: readonly string[] };

/** More are a mistake: nobody waits for the seventeenth. */
export const SERVERS_MAX = 16;
const NOTATION_CHARS_MAX = 2048;
const PINS_MAX = 8;
const PROTOCOLS = new Map<string, Protocol>([
	["https", "doh"],
	["tls", "dot"],
	["tcp", "tcp"],
	["udp", "udp"],
]);
const PORTS: Readonly<Record<Protocol, number>> = { doh: 443, dot: 853, tcp: 53, udp: 53 };
const HOST_NAME =
	/^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i;
const PIN = /^[A-Za-z0-9+/]{43}=$/;

/** All of them, or everything that is wrong with any of them. */
export function parseServerList(texts: readonly string[]): ServerList {
	if (texts.length > SERVERS_MAX)
		return { kind: "refused", faults: [`${texts.length} servers: at most ${SERVERS_MAX} are taken`] };
	const servers: UpstreamServer[] = [];
	const faults: string[] = [];
	for (const text of texts) {
		const notation = parseServer(text);
		if (notation.kind === "server") servers.push(notation.server);
		else faults.push(notation.why);
	}
	return faults.length > 0 ? { kind: "refused", faults } : { kind: "servers", servers };
}

export function parseServer(text: string): ServerNotation {
	const refuse = (why: string) => ({ kind: "refused", why: `${quote(text)}: ${why}` }) as const;
	if (text.length > NOTATION_CHARS_MAX) return refuse(`longer than ${NOTATION_CHARS_MAX} characters`);
	const [, scheme, rest = ""] = /^(?:([^:/#[\]]*):\/\/)?(.*)$/s.exec(text.trim()) ?? [];
	const protocol = scheme === undefined ? "udp" : PROTOCOLS.get(scheme.toLowerCase());
	if (protocol === undefined)
		return refuse(`not a protocol: ${quote(scheme ?? "")}; https, tls, tcp and udp are`);
	const [, authority = "", path, fragment] = /^([^/#]*)(\/[^#]*)?(?:#(.*))?$/s.exec(rest) ?? [];
	const place = parsePlace(authority, PORTS[protocol]);
	if (typeof place === "string")
		return refuse(
			HOST_NAME.test(place) ? nameIsNoPlace(place, protocol) : `not an IP address: ${quote(place)}`,
		);
	if (place.port === undefined) return refuse("the port must be 1 to 65535");
	if (path !== undefined && protocol !== "doh") return refuse(`a path (${quote(path)}) is for https:// only`);
	if (path !== undefined && !/^\/[\x21-\x7e]*$/.test(path)) return refuse("the path must be plain ASCII");
	const proof = parseProof(fragment, protocol);
	if (typeof proof === "string") return refuse(proof);
	const server = { protocol, address: place.address, port: place.port, ...proof };
	const fault = proofFault(server);
	if (fault !== undefined) return refuse(fault);
	return { kind: "server", server: path === undefined ? server : { ...server, path } };
}

/** Why such a server proves nothing, or undefined. A TLS server that nobody could tell from another one is not asked. */
export function proofFault({ protocol, tlsName, keyPins }: UpstreamServer): string | undefined {
	if (protocol === "doh" && tlsName === undefined)
		return "DoH needs the name that the certificate must have: add #NAME, such as #dns.example";
	if (protocol === "dot" && tlsName === undefined && (keyPins ?? []).length === 0)
		return "DoT needs the name that the certificate must have, or its key: add #NAME or #pin=sha256/BASE64";
	return undefined;
}

/** What stands in the place of the address, as a text, if it is none. An impossible port is absent. */
function parsePlace(authority: string, portUsual: number): string | { address: string; port?: number } {
	if (isIP(authority) !== 0) return { address: authority, port: portUsual };
	const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*))(?::([^:]*))?$/s.exec(authority) ?? [];
	const address = bracketed ?? plain ?? authority;
	if (isIP(address) === 0 || (bracketed !== undefined && isIP(address) !== 6)) return address;
	if (digits === undefined) return { address, port: portUsual };
	const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
	return port >= 1 && port <= 65535 ? { address, port } : { address };
}

type Proof = Pick<UpstreamServer, "tlsName" | "keyPins" | "method">;

function parseProof(fragment: string | undefined, protocol: Protocol): string | Proof {
	if (fragment === undefined) return {};
	if (protocol === "udp" || protocol === "tcp")
		return `over ${protocol} nothing proves who answers, so ${quote(`#${fragment}`)} would not be checked: write tls:// or https://`;
	const proof: { tlsName?: string; method?: "GET" | "POST" } = {};
	const keyPins: string[] = [];
	for (const part of fragment.split("&")) {
		const [, key, value = ""] = /^([a-z]+)=(.*)$/s.exec(part) ?? [];
		if (key === "pin") {
			const pin = /^sha256\/(.*)$/s.exec(value)?.[1];
			if (pin === undefined || !PIN.test(pin))
				return `not a pin: ${quote(value)}; sha256/ and the 44 characters of base64 that hold 32 bytes are expected`;
			if (keyPins.push(pin) > PINS_MAX) return `at most ${PINS_MAX} pins are taken`;
		} else if (key === "method" && protocol === "doh") {
			if (value !== "GET" && value !== "POST") return `not a method: ${quote(value)}; GET and POST are`;
			proof.method = value;
		} else if (key !== undefined) return `not known after #: ${quote(key)}`;
		else if (proof.tlsName !== undefined)
			return "two names after #: a certificate must have one of them, which?";
		else if (!HOST_NAME.test(part) && isIP(part) === 0) return `not a name: ${quote(part)}`;
		else proof.tlsName = part;
	}
	return keyPins.length === 0 ? proof : { ...proof, keyPins };
}

const EXAMPLES: Readonly<Record<Protocol, string>> = {
	doh: "https://ADDRESS/dns-query#",
	dot: "tls://ADDRESS#",
	tcp: "tcp://ADDRESS",
	udp: "udp://ADDRESS",
};

function nameIsNoPlace(name: string, protocol: Protocol): string {
	const encrypted = protocol === "doh" || protocol === "dot";
	return `a server is given by its IP address, and ${quote(name)} is a name that would have to be looked up first: write ${EXAMPLES[protocol]}${encrypted ? name : ""}`;
}

const QUOTED_CHARS_MAX = 80;

/** As JSON shows it, so that no control character gets out. */
function quote(text: string): string {
	return JSON.stringify(text.length > QUOTED_CHARS_MAX ? `${text.slice(0, QUOTED_CHARS_MAX)}…` : text);
}
