/**
 * Configuration files and notations as people mistype them: read, or refused in words that can be printed. What is
 * read is checked by Node's own notion of addresses and networks.
 */
import { BlockList, isIP } from "node:net";
import { readServeConfig } from "../../config.ts";
import { canonicalAddress } from "../../server-address.ts";
import { createGate, networkFault } from "../../server-gate.ts";
import { parseServer, parseServerList } from "../../server-list.ts";
import { trustList } from "../../trust.ts";
import { type Chance, wounded } from "./chance.ts";
import type { Target } from "./target.ts";

const octets = (texts: readonly string[]) => texts.map((text) => new TextEncoder().encode(text));
const FILES = octets([
	'listen: ["127.0.0.1:53", "[::1]:53"]\nupstreams:\n  - https://192.0.2.1/dns-query#dns.example\n  - tls://192.0.2.2\nallow: [10.0.0.0/8]\n',
	"upstreams: [192.0.2.1]\nrate: { perSecond: 10, burst: 20 }\nttl:\n  minS: 5\n  maxS: 60\nhealth: 127.0.0.1:8053\n",
	"upstreams: &a [192.0.2.1, 192.0.2.3]\nallow: *a\nstale: immediate\nsnapshot: /var/cache/dns\nforged: refuse\n",
	"dot: ['127.0.0.1:853']\ncertificate: a.pem\nkey: b.pem\nupstreams:\n- |\n  192.0.2.4\n? complex\n: 1\n--- # two\n!!binary aGk=\n",
]);
const NOTATIONS = octets([
	"https://192.0.2.1/dns-query#dns.example",
	"https://192.0.2.1#dns.example&method=GET",
	"tls://[2001:db8::1]:853#dns.example",
	`tls://192.0.2.4#pin=sha256/${"A".repeat(43)}=`,
	"tcp://192.0.2.4:53",
	"udp://[2001:db8::1]:53",
	"192.0.2.4:5353",
	"::ffff:192.0.2.1",
	"fe80::1%eth0",
]);
const NETWORKS = octets([
	"10.0.0.0/8",
	"2001:db8::/32",
	"192.0.2.1",
	"::ffff:10.0.0.0/104",
	"::/0",
	"0.0.0.0/0",
	"::1",
]);
const ADDRESSES = [
	"10.1.2.3",
	"192.0.2.1",
	"::1",
	"2001:db8::5",
	"::ffff:10.1.1.1",
	"fe80::1%lo",
	"1::",
	"::1:0:0:2",
];
const WORDS_CHARS_MAX = 1_000;
const ALL = [...FILES, ...NOTATIONS, ...NETWORKS];

export function configTarget(): Target {
	const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
	const some = (seeds: readonly Uint8Array[], chance: Chance) =>
		decoder.decode(wounded(chance.of(seeds), chance.oneIn(3) ? ALL : seeds, chance));
	return {
		run(chance) {
			const kind = chance.below(8);
			if (kind === 0) tryFile(some(FILES, chance));
			else if (kind < 5) tryNotation(some(NOTATIONS, chance));
			else tryNetwork(some(NETWORKS, chance), chance.of(ADDRESSES));
		},
	};
}

function tryFile(text: string): void {
	const read = readServeConfig({ name: "dns.yaml", text }, {});
	if (read.kind === "refused") {
		if (read.faults.length === 0) throw new Error("refused for nothing");
		// What it quotes of the file is escaped where it is printed.
		if (!read.faults.every((fault) => fault !== "" && fault.length < text.length + WORDS_CHARS_MAX))
			throw new Error(`refused with ${JSON.stringify(read.faults)} for ${JSON.stringify(text)}`);
		return;
	}
	const { listen, upstreams, allow } = read.config;
	if (upstreams.length === 0 || parseServerList(upstreams).kind !== "servers")
		throw new Error(`upstreams: ${text}`);
	if (listen.some(({ address, port }) => isIP(address) === 0 || port > 65_535))
		throw new Error(`listen: ${text}`);
	createGate({ allow });
}

function tryNotation(text: string): void {
	const notation = parseServer(text);
	if (notation.kind === "refused") {
		checkPrintable(notation.why, text);
		return;
	}
	const { protocol, address, port, tlsName, keyPins } = notation.server;
	if (isIP(address) === 0 || !(port >= 1 && port <= 65_535))
		throw new Error(`accepted: ${JSON.stringify(text)}`);
	const proves = tlsName !== undefined || keyPins !== undefined;
	if ((protocol === "doh" || protocol === "dot") !== proves)
		throw new Error(
			`${proves ? "a proof that nobody checks" : "nothing proves it"}: ${JSON.stringify(text)}`,
		);
}

function tryNetwork(text: string, address: string): void {
	const listed = trustList([text], { loopback: false });
	if (listed.kind === "refused") for (const fault of listed.faults) checkPrintable(fault, text);
	const fault = networkFault(text);
	if (fault !== undefined) {
		checkPrintable(fault, text);
		return;
	}
	const [network = "", prefix] = text.split("/");
	const [plain = "", asked = ""] = [network, address].map((each) => canonicalAddress(each)?.split("%")[0]);
	// To Node an IPv4 address lies in ::/0 as well; to the gate the families are apart.
	const expected = isIP(plain) === isIP(asked) && listHas(plain, prefix, asked);
	const allows = createGate({ allow: [text] }).allows(address);
	if (allows !== expected)
		throw new Error(`${JSON.stringify(text)} ${allows ? "allows" : "refuses"} ${address}`);
}

function listHas(network: string, prefix: string | undefined, address: string): boolean {
	const list = new BlockList();
	const family = isIP(network) === 4 ? "ipv4" : "ipv6";
	if (prefix === undefined) list.addAddress(network, family);
	else list.addSubnet(network, Number(prefix), family);
	return list.check(address, family);
}

/** One line, and nothing that steers a terminal; what else must not be printed, the command escapes. */
function checkPrintable(fault: string, text: string): void {
	if (fault === "" || [...fault].some((character) => character < " "))
		throw new Error(`not printable: ${JSON.stringify(fault)} for ${JSON.stringify(text)}`);
}
