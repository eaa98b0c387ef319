/**
 * A language for what happens to a resolver. One step a line; the clock stands still but for `pass`.
 *
 *     set staleMaxS=60 mode=immediate              rules and options; before all else
 *     ask 1 www.example. A do ecs=192.0.2.0/24     client 1 asks
 *     server www.example. A | 300 A 192.0.2.1      what a server was asked, and what it answers
 *     also host.example. A | 300 A 192.0.2.1       what it would answer to one that needs to ask more (unbound does)
 *     pending www.example. A                       what a server was asked, and does not answer yet
 *     told 1 upstream | 300 A 192.0.2.1            what client 1 has been told
 *     pass 301s                                    or ms
 *     waits 1                                      client 1 has been told nothing
 *     cached www.example. A ...                    what is told at once: words of `told` follow; `no` for nothing
 *     leave 1                                      client 1 gives up
 *     given-up www.example. A                      the ask to the server was called off
 *     quiet                                        no server is being asked anything but what is pending
 *
 * Words before the first `|`. Of `server`: an rcode, `ad`, `plain` (over no verified TLS), `scope=20`,
 * `echo=198.51.100.0/24` (another network than was sent), `fail=timeout`. Of `told`: `upstream`, `cache`, `stale` or
 * `failed=why`, an rcode, `ad`, `plain`, `ede=3`, `scope=20`.
 * After it records of the answer, `|` of the authority, `|` additional ones, `;` between them. An owner may be left out:
 * it is the name that was asked. `900 SOA 60` is a SOA with TTL 900 and minimum 60.
 */
import {
	type ClientSubnet,
	DNS_CLASS,
	DNS_TYPE,
	type DnsData,
	type DnsRecord,
} from "@plumbline/signals/dns-message";
import { wireFromDnsName } from "@plumbline/signals/dns-name";
import type { Ask } from "../upstream.ts";

export interface Line {
	readonly verb: string;
	readonly words: readonly string[];
	/** By section, as written. */
	readonly records: readonly (readonly string[])[];
	readonly text: string;
}

export function linesOf(script: string): Line[] {
	return script
		.split("\n")
		.map((line) => line.trim())
		.filter((line) => line !== "" && !line.startsWith("#"))
		.map((text) => {
			const [head = "", ...sections] = text.split("|");
			const [verb = "", ...words] = head.trim().split(/\s+/);
			const records = sections.map((section) =>
				section
					.split(";")
					.map((record) => record.trim())
					.filter((record) => record !== ""),
			);
			return { verb, words, records, text };
		});
}

/** `www.example. A do cd ecs=192.0.2.0/24` */
export function askOf(words: readonly string[]): Ask {
	const [name = "", type = ""] = words;
	const ecs = settingOf(words, "ecs");
	return {
		question: { name, type: typeOf(type), class: words.includes("CH") ? DNS_CLASS.CH : DNS_CLASS.IN },
		...(words.includes("do") ? { dnssecOk: true } : {}),
		...(words.includes("cd") ? { checkingDisabled: true } : {}),
		...(ecs === undefined ? {} : { clientSubnet: subnetOf(ecs) }),
	};
}

export function subnetOf(text: string): ClientSubnet {
	const [address = "", prefix = ""] = text.split("/");
	const family = address.includes(":") ? "ipv6" : "ipv4";
	return { family, sourcePrefix: Number(prefix), scopePrefix: 0, address };
}

export function settingOf(words: readonly string[], key: string): string | undefined {
	return words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);
}

function typeOf(text: string): number {
	const known = Object.entries(DNS_TYPE).find(([name]) => name === text);
	if (known === undefined) throw new Error(`no type: ${text}`);
	return known[1];
}

/** `www.example. 300 A 192.0.2.1`, or without the owner. */
export function recordOf(text: string, asked: string): DnsRecord {
	const words = text.split(/\s+/);
	const owner = /^\d+$/.test(words[0] ?? "") ? asked : (words.shift() ?? "");
	const [ttl = "", type = "", ...data] = words;
	return {
		name: owner,
		type: typeOf(type),
		class: DNS_CLASS.IN,
		ttl: Number(ttl),
		data: dataOf(type, data),
	};
}

function dataOf(type: string, [first = "", second = ""]: readonly string[]): DnsData {
	switch (type) {
		case "A":
		case "AAAA":
			return { kind: "address", address: first };
		case "CNAME":
		case "NS":
		case "PTR":
		case "DNAME":
			return { kind: "name", name: first };
		case "SOA":
			return { ...SOA, minimum: Number(first) };
		case "TXT":
			return { kind: "text", strings: [new TextEncoder().encode(first)] };
		case "RRSIG":
			return { kind: "opaque", bytes: signature(first, second) };
		default:
			return { kind: "opaque", bytes: new TextEncoder().encode(first) };
	}
}

const SOA = {
	kind: "soa",
	primary: "ns.example.",
	mailbox: "admin.example.",
	serial: 1,
	refresh: 7200,
	retry: 3600,
	expire: 86_400,
} as const;

/** Type covered, sixteen octets nobody looks at, the signer, one octet as the signature. */
function signature(covered: string, signer: string): Uint8Array {
	const name = wireFromDnsName(signer);
	if (name === undefined) throw new Error(`no name: ${signer}`);
	const bytes = new Uint8Array(18 + name.length + 1);
	bytes[1] = typeOf(covered);
	bytes.set(name, 18);
	return bytes;
}

const TYPE_NAMES = new Map<number, string>(Object.entries(DNS_TYPE).map(([name, type]) => [type, name]));

/** Of one form, so that texts can be compared. */
export function recordText({ name, ttl, type, data }: DnsRecord): string {
	return `${name} ${ttl} ${TYPE_NAMES.get(type) ?? type} ${dataText(data)}`;
}

function dataText(data: DnsData): string {
	switch (data.kind) {
		case "address":
			return data.address;
		case "name":
			return data.name;
		case "soa":
			return `${data.minimum}`;
		case "text":
			return data.strings.map((each) => new TextDecoder().decode(each)).join("");
		case "opaque":
			return Buffer.from(data.bytes).toString("hex");
		default:
			return JSON.stringify(data);
	}
}
