/**
 * The answer to a query in an HTTP response (RFC 8484 section 4.2 and 5.1): any status but 2xx is a failure of HTTP, and
 * time spent in caches on the way is taken off the TTLs.
 *
 *     :status 200    content-type: application/dns-message    age: 25    body: the message, id 0
 */
import type { IncomingHttpHeaders, IncomingHttpStatusHeader } from "node:http2";
import type { DnsMessage, DnsRecord } from "@plumbline/signals/dns-message";
import type { Carried } from "./transport-link.ts";
import { identify, type Query, readAnswer } from "./transport-query.ts";

export interface HttpAnswer {
	readonly headers: IncomingHttpHeaders & IncomingHttpStatusHeader;
	readonly body: Uint8Array;
	/** The body was longer than a message can be, and is not here as a whole. */
	readonly isTooLong: boolean;
}

const MEDIA_TYPE = "application/dns-message";
const MEDIA_TYPE_SHOWN_MAX = 100;
/** Ten digits: a time that no cache holds. */
const AGE = /^\d{1,10}$/;

export function answerFromHttp(query: Query, { headers, body, isTooLong }: HttpAnswer): Carried {
	const status = headers[":status"] ?? 0;
	if (status < 200 || status > 299)
		return { kind: "failed", why: "http", detail: `expected status 200, found ${status}` };
	const type = headers["content-type"] ?? "";
	if (type.split(";")[0]?.trim().toLowerCase() !== MEDIA_TYPE) {
		const found = JSON.stringify(type.slice(0, MEDIA_TYPE_SHOWN_MAX));
		return { kind: "failed", why: "http", detail: `expected ${MEDIA_TYPE}, found ${found}` };
	}
	if (isTooLong) return { kind: "failed", why: "http", detail: "a body longer than a DNS message can be" };
	if (identify(query, 0, body) === "other")
		return { kind: "failed", why: "spoofed", detail: "an answer that is not to the question with id 0" };
	const read = readAnswer(query, body);
	if (read.kind === "malformed") return { kind: "failed", why: "malformed", detail: read.detail };
	if (read.kind === "truncated")
		return { kind: "failed", why: "malformed", detail: "truncated, although nothing limits its size here" };
	if (headers.age === undefined || !AGE.test(headers.age)) return { kind: "answer", message: read.message };
	const ageSeconds = Number(headers.age);
	return { kind: "answer", message: aged(read.message, ageSeconds), ageSeconds };
}

function aged(message: DnsMessage, ageSeconds: number): DnsMessage {
	const older = (records: readonly DnsRecord[]) =>
		records.map((record) => ({ ...record, ttl: Math.max(0, record.ttl - ageSeconds) }));
	return {
		...message,
		answers: older(message.answers),
		authorities: older(message.authorities),
		additionals: older(message.additionals),
	};
}
