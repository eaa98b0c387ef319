/** What a resolver found, as the server sends it: codes, extended errors (RFC 8914), how long the table may hold it. */
import { dnsAnswer } from "@plumbline/signals/dns-answer";
import { DNS_RCODE, type DnsMessage, type DnsOption } from "@plumbline/signals/dns-message";
import { encodeDnsMessage } from "@plumbline/signals/dns-message-encode";
import { walkRecords } from "@plumbline/signals/dns-wire";
import type { Resolution } from "./resolution.ts";
import type { AnswerParts } from "./server-answer-record.ts";
import { HEADER_BYTES, KEY_DNSSEC_OK, type QueryView } from "./server-query.ts";
import type { Ask } from "./upstream.ts";

type Answered = Extract<Resolution, { readonly kind: "answered" }>;
type Failed = Extract<Resolution, { readonly kind: "failed" }>;

const EDE_STALE = 3;
const EDE_STALE_NXDOMAIN = 19;
/** A failure is kept for a second at least (RFC 9520 section 3.2); the resolver keeps it longer and knows why. */
const FAILURE_LIFE_MS = 1000;
/** A stale answer is looked for again soon, so that a server that is back is noticed. */
const STALE_LIFE_MS_MAX = 1000;
const UDP_SIZE_OWN = 1232;
const HELD: { readonly [Why in Failed["why"]]: { readonly extendedError: number; readonly lifeMs: number } } =
	{
		/** No reachable authority. */
		"no-server-answered": { extendedError: 22, lifeMs: FAILURE_LIFE_MS },
		/** Cached error. */
		"failed-before": { extendedError: 13, lifeMs: FAILURE_LIFE_MS },
		/** Blocked, by a policy of ours. */
		"refused-forged": { extendedError: 15, lifeMs: FAILURE_LIFE_MS },
		/** Not ready: another moment may be better. */
		"too-many-waiting": { extendedError: 14, lifeMs: 0 },
		aborted: { extendedError: 14, lifeMs: 0 },
	};

export function recordParts(ask: Ask, resolution: Resolution, keyBits: number, nowMs: number): AnswerParts {
	const message = messageFor(ask, resolution);
	const wire = encodeDnsMessage(message);
	const walked = walkRecords(wire);
	const parts = {
		wire,
		keyBits,
		nowMs,
		ttlOffsets: walked.kind === "walked" ? walked.records.map(({ ttlAt }) => ttlAt) : [],
		questionEnd: walked.kind === "walked" ? walked.questionEnd : wire.length,
	};
	if (resolution.kind === "failed") return { ...parts, ...HELD[resolution.why] };
	const lifeMs = shortestTtl(message) * 1000;
	if (resolution.source !== "stale") return { ...parts, lifeMs };
	return {
		...parts,
		lifeMs: Math.min(lifeMs, STALE_LIFE_MS_MAX),
		extendedError: message.rcode === DNS_RCODE.NXDOMAIN ? EDE_STALE_NXDOMAIN : EDE_STALE,
	};
}

/** An answer for one network: it names the network (RFC 7871 section 7.2.1) and is kept by nobody here. */
export function answerWithSubnet(
	query: Uint8Array,
	view: QueryView,
	ask: Ask,
	resolution: Answered,
): Uint8Array {
	const options: DnsOption[] = (resolution.message.edns?.options ?? []).filter(
		({ kind }) => kind === "client-subnet",
	);
	if (options.length === 0 && ask.clientSubnet !== undefined) {
		options.push({ kind: "client-subnet", subnet: { ...ask.clientSubnet, scopePrefix: 0 } });
	}
	if (resolution.source === "stale") options.push({ kind: "extended-error", code: EDE_STALE, text: "" });
	const wire = encodeDnsMessage(
		{
			...messageFor(ask, resolution),
			id: ((query[0] ?? 0) << 8) | (query[1] ?? 0),
			authenticData: view.wantsAuthenticData && trusted(resolution),
			edns: { udpSizeMax: UDP_SIZE_OWN, version: 0, dnssecOk: (view.keyBits & KEY_DNSSEC_OK) !== 0, options },
		},
		{ sizeMax: view.sizeMax },
	);
	// The client's own spelling: the name begins in the same place and has the same length.
	wire.set(query.subarray(HEADER_BYTES, view.questionEnd), HEADER_BYTES);
	return wire;
}

/** Without EDNS, which is between us and each client. */
function messageFor(ask: Ask, resolution: Resolution): DnsMessage {
	const checkingDisabled = ask.checkingDisabled ?? false;
	if (resolution.kind === "failed")
		return dnsAnswer(ask.question, { checkingDisabled, rcode: DNS_RCODE.SERVFAIL });
	const { rcode, answers, authorities, additionals } = resolution.message;
	return dnsAnswer(ask.question, {
		...{ checkingDisabled, answers, authorities, additionals },
		authenticData: trusted(resolution),
		// What needs EDNS to be said means nothing further on.
		rcode: rcode > 15 ? DNS_RCODE.SERVFAIL : rcode,
	});
}

/** AD says that a server has validated; without TLS anybody could have set it. */
function trusted({ authenticated, message }: Answered): boolean {
	return authenticated && message.authenticData;
}

/** Seconds; 0 for an answer without records: nothing says how long it holds. */
function shortestTtl({ answers, authorities, additionals }: DnsMessage): number {
	const records = [...answers, ...authorities, ...additionals];
	return records.reduce((least, { ttl }) => Math.min(least, ttl), records.length === 0 ? 0 : 2 ** 31 - 1);
}
