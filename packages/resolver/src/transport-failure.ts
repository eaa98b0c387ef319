/** What an error of a socket means for an exchange, and what a server's answer means that is none. */
import { DNS_RCODE, type DnsMessage } from "@plumbline/signals/dns-message";
import type { LinkEnd } from "./transport-link.ts";
import type { Exchange, FailureKind, Protocol } from "./upstream.ts";

/** A server whose certificate or key is not the one that is known. The message says what was expected and found. */
export class TlsRefusal extends Error {
	readonly code = "PLUMBLINE_TLS_REFUSAL";
}

const NOT_REACHED: ReadonlySet<string> = new Set([
	"ECONNREFUSED",
	"EHOSTUNREACH",
	"ENETUNREACH",
	"EADDRNOTAVAIL",
	"EACCES",
	"EPERM",
	"EINVAL",
	"EAFNOSUPPORT",
]);
/** It is this host that has too much under way. */
const OURS: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);
const LOST: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT", "ECONNABORTED"]);

/** Of a connection over TCP or TLS. Whatever is no error of the system's is one of TLS. */
export function failureOf(error: Error): LinkEnd {
	const { code = "", message } = error as NodeJS.ErrnoException;
	if (NOT_REACHED.has(code)) return { kind: "failed", why: "refused-connection", detail: message };
	if (OURS.has(code)) return { kind: "failed", why: "too-many-waiting", detail: message };
	if (LOST.has(code)) return { kind: "lost", detail: message };
	if (/^ERR_(HTTP2|SOCKET|STREAM)_/.test(code)) return { kind: "lost", detail: message };
	if (error instanceof TlsRefusal) return { kind: "failed", why: "tls", detail: message };
	if (/^E[A-Z]+$/.test(code) && code !== "EPROTO")
		return { kind: "failed", why: "refused-connection", detail: message };
	return { kind: "failed", why: "tls", detail: `${tlsWords(message)}${code === "" ? "" : ` (${code})`}` };
}

const TLS_MESSAGE_MAX = 200;

/** OpenSSL puts a line of its own sources into what it says: only the reason is of use. */
function tlsWords(message: string): string {
	const reason = /:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] ?? message;
	return reason.slice(0, TLS_MESSAGE_MAX).trim();
}

/** YXDOMAIN: a DNAME makes the name too long; that is an answer as well. */
const YXDOMAIN = 6;
const ANSWERS: ReadonlySet<number> = new Set([DNS_RCODE.NOERROR, DNS_RCODE.NXDOMAIN, YXDOMAIN]);
const EXTENDED_TEXT_MAX = 100;

/** A server that answers that it cannot has failed. */
export function exchangeOf({
	message,
	protocol,
	tookMs,
	ageSeconds,
}: {
	readonly message: DnsMessage;
	readonly protocol: Protocol;
	readonly tookMs: number;
	readonly ageSeconds?: number;
}): Exchange {
	if (!ANSWERS.has(message.rcode))
		return { kind: "failed", why: "server-failure", detail: serverWords(message), tookMs, message };
	return { kind: "answered", message, protocol, tookMs, ...(ageSeconds === undefined ? {} : { ageSeconds }) };
}

function serverWords({ rcode, edns }: DnsMessage): string {
	const name = Object.entries(DNS_RCODE).find(([, code]) => code === rcode)?.[0] ?? `RCODE ${rcode}`;
	const extended = edns?.options.find(({ kind }) => kind === "extended-error");
	if (extended?.kind !== "extended-error") return name;
	const text = extended.text === "" ? "" : `: ${JSON.stringify(extended.text.slice(0, EXTENDED_TEXT_MAX))}`;
	return `${name}, extended error ${extended.code}${text}`;
}

/** A signal that ends by time has a reason named TimeoutError, as AbortSignal.timeout gives it. */
export function endedBySignal(signal: AbortSignal, waitedFor: string): { why: FailureKind; detail: string } {
	const isTimeout = signal.reason instanceof Error && signal.reason.name === "TimeoutError";
	return { why: isTimeout ? "timeout" : "aborted", detail: waitedFor };
}
