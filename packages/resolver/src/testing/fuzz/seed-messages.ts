/** Real messages to start from, as servers sent them, and small ones of our own about few names. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DnsData, DnsMessage, DnsQuestion, DnsRecord } from "@plumbline/signals/dns-message";
import type { Chance } from "./chance.ts";

const FIXTURES = join(import.meta.dirname, "..", "..", "..", "..", "signals", "fixtures", "dns");

export const REAL_MESSAGES: readonly Uint8Array[] = readdirSync(FIXTURES)
	.filter((name) => name.endsWith(".dns"))
	.map((name) => new Uint8Array(readFileSync(join(FIXTURES, name))));

/** Few, so that answers meet: aliases of each other, above and below each other, with letters that text must escape. */
export const NAMES = [
	"www.shop.example.",
	"shop.example.",
	"WWW.Shop.Example.",
	"api.shop.example.",
	"shop.cdn.example.",
	"a.shop.cdn.example.",
	"cdn.example.",
	"www\\.shop.example.",
	"\\000.example.",
	"example.",
	".",
] as const;
/** Nobody ever asks for them. */
export const VICTIMS = ["bank.example.", "www.bank.example.", "login.shop.example."] as const;
export const FORGED_ADDRESS = "203.0.113.66";
export const TYPES = [1, 28, 5, 16, 255, 65, 2, 6, 39, 46, 47] as const;
const TTLS = [0, 1, 29, 30, 61, 300, 86_400, 604_800, 2 ** 31 - 1];

function someName(chance: Chance): string {
	return chance.oneIn(4) ? chance.of(VICTIMS) : chance.of(NAMES);
}

function someRecord(name: string, type: number, chance: Chance): DnsRecord {
	const owner = { name, type, class: chance.oneIn(20) ? 3 : 1, ttl: chance.of(TTLS) };
	return { ...owner, data: someData(type, chance) };
}

function someData(type: number, chance: Chance): DnsData {
	switch (type) {
		case 1: {
			const last = 1 + chance.below(9);
			return { kind: "address", address: chance.oneIn(3) ? FORGED_ADDRESS : `192.0.2.${last}` };
		}
		case 28:
			return { kind: "address", address: `2001:db8::${1 + chance.below(9)}` };
		case 2:
		case 5:
		case 39:
			return { kind: "name", name: someName(chance) };
		case 6: {
			const minimum = chance.of(TTLS);
			const names = { primary: someName(chance), mailbox: someName(chance) };
			return { kind: "soa", ...names, serial: 1, refresh: 2, retry: 3, expire: 4, minimum };
		}
		case 16:
			return { kind: "text", strings: [new Uint8Array(chance.below(200)).fill(120)] };
		case 65:
			return { kind: "service", priority: chance.below(2), target: someName(chance), parameters: [] };
		default:
			return { kind: "opaque", bytes: signature(chance) };
	}
}

/** RRSIG of some type by some zone; NSEC and others keep it as octets. */
function signature(chance: Chance): Uint8Array {
	const signer = chance.of([
		[0],
		[7, 101, 120, 97, 109, 112, 108, 101, 0],
		[4, 98, 97, 110, 107, 7, 101, 120, 97, 109, 112, 108, 101, 0],
		[63, 1],
	]);
	return Uint8Array.from([
		0,
		chance.of(TYPES) & 255,
		8,
		2,
		...Array.from({ length: 14 }, () => 1),
		...signer,
		1,
	]);
}

/** An answer as a liar would make it: the name's own records, or aliases, and whatever else he would like to be kept. */
export function forgedAnswer(question: DnsQuestion, chance: Chance): DnsMessage {
	const answers: DnsRecord[] = [];
	let name = question.name;
	for (let aliases = chance.below(4) * chance.below(5); aliases > 0; aliases--) {
		const alias = someRecord(name, 5, chance);
		answers.push(alias);
		if (alias.data.kind === "name") name = alias.data.name;
	}
	for (let records = chance.below(4); records > 0; records--)
		answers.push(someRecord(name, chance.oneIn(5) ? chance.of(TYPES) : question.type, chance));
	const others = () =>
		Array.from({ length: chance.below(4) }, () => someRecord(someName(chance), chance.of(TYPES), chance));
	return {
		id: 0,
		isResponse: true,
		opcode: 0,
		isAuthoritative: chance.oneIn(2),
		isTruncated: false,
		recursionDesired: true,
		recursionAvailable: true,
		authenticData: chance.oneIn(2),
		checkingDisabled: chance.oneIn(4),
		rcode: chance.of([0, 0, 0, 0, 3, 3, 2, 5]),
		questions: [question],
		answers: [...answers, ...others()],
		authorities: chance.oneIn(2)
			? [someRecord(zoneAbove(question.name, chance), 6, chance), ...others()]
			: others(),
		additionals: others(),
	};
}

function zoneAbove(name: string, chance: Chance): string {
	return chance.oneIn(4) ? someName(chance) : name.slice(name.indexOf(".") + 1) || ".";
}
