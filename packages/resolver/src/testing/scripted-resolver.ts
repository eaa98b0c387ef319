/**
 * A resolver for tests of the server: answers follow from the name, so that what comes over the wire can be checked.
 *
 *   h7.test.        A 10.0.0.7, TTL 300               many.test.   eight addresses, TTL 300
 *   big.test.       TXT of 3000 octets                short.test.  A 10.9.9.9, TTL 1
 *   missing.test.   NXDOMAIN with SOA                 fail.test.   no server answered
 *   stale.test.     A 10.8.8.8, past its time         never.test.  no answer until `release`
 *   huge.test.      TXT of 6000 octets
 */
import { dnsAnswer } from "@plumbline/signals/dns-answer";
import type { DnsMessage, DnsRecord } from "@plumbline/signals/dns-message";
import type { Resolution, Resolver } from "../resolution.ts";
import type { Ask } from "../upstream.ts";

export interface ScriptedResolver extends Resolver {
	readonly asked: string[];
	/** Answers all who wait for never.test. */
	release(): void;
	readonly closed: () => boolean;
}

export function scriptedResolver(): ScriptedResolver {
	const asked: string[] = [];
	const held: (() => void)[] = [];
	let isClosed = false;
	return {
		asked,
		release: () => {
			for (const done of held.splice(0)) done();
		},
		closed: () => isClosed,
		cached: () => undefined,
		held: () => undefined,
		close: async () => {
			isClosed = true;
		},
		async resolve(ask) {
			asked.push(`${ask.question.name} ${ask.question.type}`);
			if (ask.question.name.startsWith("never")) await new Promise<void>((done) => held.push(done));
			return resolutionOf(ask);
		},
	};
}

function resolutionOf(ask: Ask): Resolution {
	const { name } = ask.question;
	if (name.startsWith("fail")) {
		return { kind: "failed", why: "no-server-answered", detail: "scripted", tries: [] };
	}
	const source = name.startsWith("stale") ? "stale" : "cache";
	return { kind: "answered", source, authenticated: false, tries: [], message: messageOf(ask) };
}

function messageOf(ask: Ask): DnsMessage {
	const { name, type } = ask.question;
	const says = (said: Partial<DnsMessage>) => dnsAnswer(ask.question, { authenticData: true, ...said });
	if (name.startsWith("missing")) return says({ rcode: 3, authorities: [soa(60)] });
	if (type !== 1 && type !== 16) return says({ authorities: [soa(60)] });
	return says({ answers: answersOf(name) });
}

function answersOf(name: string): DnsRecord[] {
	const a = (address: string, ttl = 300): DnsRecord => ({
		...{ name, type: 1, class: 1, ttl },
		data: { kind: "address", address },
	});
	if (name.startsWith("many")) return [1, 2, 3, 4, 5, 6, 7, 8].map((last) => a(`10.7.7.${last}`));
	if (name.startsWith("short")) return [a("10.9.9.9", 1)];
	if (name.startsWith("stale")) return [a("10.8.8.8", 30)];
	if (name.startsWith("big") || name.startsWith("huge")) {
		const strings = Array.from({ length: name.startsWith("big") ? 15 : 30 }, () =>
			new Uint8Array(200).fill(120),
		);
		return [{ name, type: 16, class: 1, ttl: 300, data: { kind: "text", strings } }];
	}
	const number = Number(/\d+/.exec(name)?.[0] ?? 0);
	return [a(`10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`)];
}

function soa(ttl: number): DnsRecord {
	return {
		...{ name: "test.", type: 6, class: 1, ttl },
		data: {
			...{ kind: "soa", primary: "ns.test.", mailbox: "hostmaster.test.", serial: 1, refresh: 2 },
			...{ retry: 3, expire: 4, minimum: ttl },
		},
	};
}
