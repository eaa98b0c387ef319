/** A resolver whose answers a test writes down; it counts what it is asked. For the logic above a resolver only. */
import { dnsAnswer } from "@plumbline/signals/dns-answer";
import { DNS_TYPE, type DnsRecord } from "@plumbline/signals/dns-message";
import type { Resolution, Resolver } from "../resolution.ts";
import type { Ask } from "../upstream.ts";

export interface TableResolver extends Resolver {
	/** `NAME TYPE` of each question that was asked, in order. */
	readonly asked: string[];
	/** What a name answers from now on: addresses, `"nxdomain"`, `"failed"`, `"never"`. */
	set(name: string, type: "A" | "AAAA", answer: Answer): void;
	/** Answers are in the cache once they were asked, for this long. */
	ttlS: number;
	/** The resolver has it, but its time is over: it is only for who cannot wait any more. */
	hold(name: string, type: "A" | "AAAA", addresses: readonly string[]): void;
}

type Answer = readonly string[] | "nxdomain" | "failed" | "never";

const SOA_TTL_S = 60;

export function tableResolver(): TableResolver {
	const answers = new Map<string, Answer>();
	const held = new Set<string>();
	const stale = new Map<string, readonly string[]>();
	const asked: string[] = [];
	const table: TableResolver = {
		asked,
		ttlS: 300,
		set(name, type, answer) {
			answers.set(`${name} ${type}`, answer);
		},
		cached(ask) {
			const answer = answers.get(keyOf(ask)) ?? "nxdomain";
			if (!held.has(keyOf(ask)) || answer === "never") return undefined;
			return resolutionOf(ask, answer, "cache", table.ttlS);
		},
		hold(name, type, addresses) {
			stale.set(`${name} ${type}`, addresses);
		},
		held(ask) {
			const addresses = stale.get(keyOf(ask));
			return addresses && resolutionOf(ask, addresses, "cache", 0);
		},
		async resolve(ask, { signal } = {}) {
			const key = keyOf(ask);
			asked.push(key);
			const answer = answers.get(key) ?? "nxdomain";
			if (answer === "never")
				return new Promise((done) =>
					signal?.addEventListener("abort", () => done(failed("aborted")), { once: true }),
				);
			if (answer !== "failed") held.add(key);
			return resolutionOf(ask, answer, "upstream", table.ttlS);
		},
		async close() {},
	};
	return table;
}

function keyOf({ question }: Ask): string {
	return `${question.name} ${question.type === DNS_TYPE.A ? "A" : "AAAA"}`;
}

function failed(why: "aborted" | "no-server-answered"): Resolution {
	return { kind: "failed", why, detail: `scripted: ${why}`, tries: [] };
}

function resolutionOf(
	{ question }: Ask,
	answer: Exclude<Answer, "never">,
	source: "cache" | "upstream",
	ttl: number,
): Resolution {
	if (answer === "failed") return failed("no-server-answered");
	const addresses = answer === "nxdomain" ? [] : answer;
	const answers = addresses.map(
		(address): DnsRecord => ({ ...question, ttl, data: { kind: "address", address } }),
	);
	const message = dnsAnswer(question, {
		rcode: answer === "nxdomain" ? 3 : 0,
		answers,
		authorities: answers.length > 0 ? [] : [SOA],
	});
	return { kind: "answered", message, source, authenticated: true, tries: [] };
}

const SOA: DnsRecord = {
	name: "test.",
	type: DNS_TYPE.SOA,
	class: 1,
	ttl: SOA_TTL_S,
	data: {
		kind: "soa",
		primary: "ns.test.",
		mailbox: "root.test.",
		serial: 1,
		refresh: 1,
		retry: 1,
		expire: 1,
		minimum: SOA_TTL_S,
	},
};
