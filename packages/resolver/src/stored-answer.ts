/**
 * An answer as the cache keeps it and as everybody gets it: only what is relevant, with times by the rules. It is the
 * same whether it just came or lay in the cache, so nobody can tell by its form.
 */

import { negativeTtlS, positiveTtlS, type TtlRules } from "@plumbline/policy/ttl-rules";
import { dnsAnswer } from "@plumbline/signals/dns-answer";
import { DNS_RCODE, type DnsMessage, type DnsRecord } from "@plumbline/signals/dns-message";
import { canonicalDnsName } from "@plumbline/signals/dns-name";
import type { RelevantAnswer } from "./relevant-answer.ts";
import type { Ask } from "./upstream.ts";

export type WholeAnswer = Extract<RelevantAnswer, { kind: "records" | "no-data" | "nxdomain" }>;

export interface StoredAnswer {
	/** TTLs as they are when it is stored. Without EDNS. */
	readonly message: DnsMessage;
	/** undefined: not to be kept. */
	readonly ttlS: number | undefined;
	/** The name does not exist, whatever type is asked. */
	readonly isForAllTypes: boolean;
}

export function storedAnswer(
	ask: Ask,
	answer: WholeAnswer,
	authenticated: boolean,
	rules: TtlRules,
): StoredAnswer {
	const { answers, authorities, aliases } = answer;
	const ttlS = ttlOf(answer, authenticated, rules);
	const message = dnsAnswer(
		{ ...ask.question, name: canonicalDnsName(ask.question.name) },
		{
			// Whoever could change the answer on its way could set this bit too (RFC 6840 section 5.8).
			authenticData: authenticated && answer.authenticData,
			checkingDisabled: ask.checkingDisabled ?? false,
			rcode: answer.kind === "nxdomain" ? DNS_RCODE.NXDOMAIN : DNS_RCODE.NOERROR,
			answers: answers.map((record) => ({
				...record,
				ttl: positiveTtlS(rules, [record.ttl], authenticated),
			})),
			authorities: authorities.map((record) => ({ ...record, ttl: ttlS ?? 0 })),
		},
	);
	return { message, ttlS, isForAllTypes: answer.kind === "nxdomain" && aliases === 0 };
}

function ttlOf(answer: WholeAnswer, authenticated: boolean, rules: TtlRules): number | undefined {
	const ttlsS = answer.answers.map(({ ttl }) => ttl);
	const ofRecords = positiveTtlS(rules, ttlsS, authenticated);
	if (answer.kind === "records") return ofRecords;
	const ofAbsence = negativeTtlS(rules, answer.soa, authenticated);
	if (ofAbsence === undefined || ttlsS.length === 0) return ofAbsence;
	return Math.min(ofAbsence, ofRecords);
}

/** The same with each record's TTL made by `of`. */
export function withTtls(message: DnsMessage, of: (ttlS: number) => number): DnsMessage {
	const each = (records: readonly DnsRecord[]) =>
		records.map((record) => ({ ...record, ttl: of(record.ttl) }));
	return { ...message, answers: each(message.answers), authorities: each(message.authorities) };
}
