/**
 * A query as octets, and whether what came back answers it.
 *
 * They are compared as octets before anything is decoded, so that a flood of wrong answers costs little (RFC 5452
 * section 4; `identify`): a question is never compressed, so it comes back as it was sent.
 *
 *     query    id  flags  00 01 00 00 00 00 00 01 │ 07 'e' … 00  00 01  00 01 │ OPT
 *     answer   id  QR     00 01  …                │ 07 'e' … 00  00 01  00 01 │ records
 *                                                   ▲ 12                      ▲ questionEnd
 */
import { randomInt } from "node:crypto";
import type { ClientSubnet, DnsMessage } from "@plumbline/signals/dns-message";
import { type DecodedDnsMessage, decodeDnsMessage } from "@plumbline/signals/dns-message-decode";
import { encodeDnsMessage, PADDING_BLOCK } from "@plumbline/signals/dns-message-encode";
import type { Ask } from "./upstream.ts";

export interface Query {
	readonly ask: Ask;
	/** With id 0. */
	readonly bytes: Uint8Array;
	readonly questionEnd: number;
}

export interface QueryOptions {
	/** Padded to whole blocks, where it is encrypted (RFC 8467). */
	readonly isPadded?: boolean;
	/** Letters in random case, which a forger has to guess as well. */
	readonly mixCase?: boolean;
}

/** Largest answer over UDP: what no path on the way cuts into fragments, which can be forged. */
const UDP_SIZE_MAX = 1232;
const HEADER_OCTETS = 12;
const QR_AND_OPCODE = 0xf8;
const QR_OPCODE_QUERY = 0x80;
/** FORMERR, SERVFAIL, NOTIMP and REFUSED may come without the question. */
const RCODES_WITHOUT_QUESTION: ReadonlySet<number> = new Set([1, 2, 4, 5]);

/** Throws RangeError for a question that no message can hold: whoever asks has to check names. */
export function composeQuery(ask: Ask, { isPadded = false, mixCase = false }: QueryOptions = {}): Query {
	const { question, dnssecOk = false, checkingDisabled = false, clientSubnet } = ask;
	const name = mixCase ? mixedCase(question.name) : question.name;
	const message: DnsMessage = {
		id: 0,
		isResponse: false,
		opcode: 0,
		isAuthoritative: false,
		isTruncated: false,
		recursionDesired: true,
		recursionAvailable: false,
		authenticData: false,
		checkingDisabled,
		rcode: 0,
		questions: [{ ...question, name }],
		answers: [],
		authorities: [],
		additionals: [],
		edns: {
			udpSizeMax: UDP_SIZE_MAX,
			version: 0,
			dnssecOk,
			options: clientSubnet === undefined ? [] : [{ kind: "client-subnet", subnet: clientSubnet }],
		},
	};
	const bytes = encodeDnsMessage(message, isPadded ? { paddingBlock: PADDING_BLOCK.QUERY } : {});
	let questionEnd = HEADER_OCTETS;
	while (bytes[questionEnd]) questionEnd += 1 + (bytes[questionEnd] ?? 0);
	return { ask, bytes, questionEnd: questionEnd + 5 };
}

/** Why no message can hold the question; undefined: one can. */
export function questionFault(ask: Ask): string | undefined {
	try {
		composeQuery(ask);
		return undefined;
	} catch (error) {
		if (error instanceof RangeError) return error.message;
		throw error;
	}
}

/** A copy with this id, for datagrams. */
export function withId({ bytes }: Query, id: number): Uint8Array {
	const copy = bytes.slice();
	copy[0] = id >> 8;
	copy[1] = id & 0xff;
	return copy;
}

/**
 * - `same`: it answers the query.
 * - `other-case`: but for the case of letters; a forger guessed, or the server does not keep it.
 * - `other`: it does not.
 */
export function identify(query: Query, id: number, answer: Uint8Array): "same" | "other-case" | "other" {
	if (answer.length < HEADER_OCTETS) return "other";
	if (answer[0] !== id >> 8 || answer[1] !== (id & 0xff)) return "other";
	if (((answer[2] ?? 0) & QR_AND_OPCODE) !== QR_OPCODE_QUERY) return "other";
	const questions = ((answer[4] ?? 0) << 8) | (answer[5] ?? 0);
	if (questions === 0) return RCODES_WITHOUT_QUESTION.has((answer[3] ?? 0) & 0xf) ? "same" : "other";
	if (questions !== 1 || answer.length < query.questionEnd) return "other";
	let isSameCase = true;
	for (let at = HEADER_OCTETS; at < query.questionEnd; at++) {
		const [sent = 0, came = 0] = [query.bytes[at], answer[at]];
		if (sent === came) continue;
		// Type and class have no case.
		if (at >= query.questionEnd - 4 || lowerCase(sent) !== lowerCase(came)) return "other";
		isSameCase = false;
	}
	return isSameCase ? "same" : "other-case";
}

export type Read =
	| { readonly kind: "answer"; readonly message: DnsMessage }
	/** TC: the whole of it is to be had over TCP. */
	| { readonly kind: "truncated" }
	| { readonly kind: "malformed"; readonly detail: string };

/** Decodes what `identify` found to be the answer. */
export function readAnswer({ ask }: Query, bytes: Uint8Array): Read {
	const decoded: DecodedDnsMessage = decodeDnsMessage(bytes);
	if (decoded.kind === "malformed") return { kind: "malformed", detail: `${decoded.flaw}: ${decoded.why}` };
	const message = decoded.kind === "truncated" ? decoded.partial : decoded.message;
	if (message.isTruncated) return { kind: "truncated" };
	if (decoded.kind === "truncated") return { kind: "malformed", detail: `cut short: ${decoded.why}` };
	const subnet = subnetFault(ask.clientSubnet, message);
	if (subnet !== undefined) return { kind: "malformed", detail: subnet };
	return { kind: "answer", message: withCaseOf(message, ask) };
}

/** An answer for another network must not be kept as one for this (RFC 7871 section 7.3). */
function subnetFault(sent: ClientSubnet | undefined, message: DnsMessage): string | undefined {
	if (sent === undefined) return undefined;
	const option = message.edns?.options.find(({ kind }) => kind === "client-subnet");
	if (option?.kind !== "client-subnet") return undefined;
	const { family, sourcePrefix, address } = option.subnet;
	if (family === sent.family && sourcePrefix === sent.sourcePrefix && address === sent.address)
		return undefined;
	return `an answer for ${address}/${sourcePrefix}, asked for ${sent.address}/${sent.sourcePrefix}`;
}

/** Gives the name that was asked its own case again; what a server adds keeps its own. */
function withCaseOf(message: DnsMessage, { question }: Ask): DnsMessage {
	const [came] = message.questions;
	if (came === undefined || came.name === question.name) return message;
	const mend = <Named extends { readonly name: string }>(each: Named): Named =>
		each.name === came.name ? { ...each, name: question.name } : each;
	return {
		...message,
		questions: message.questions.map(mend),
		answers: message.answers.map(mend),
		authorities: message.authorities.map(mend),
	};
}

function mixedCase(name: string): string {
	let mixed = "";
	for (const character of name)
		mixed += randomInt(2) === 0 ? character.toLowerCase() : character.toUpperCase();
	return mixed;
}

function lowerCase(octet: number): number {
	return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
}
