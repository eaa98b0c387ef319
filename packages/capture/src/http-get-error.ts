/** Why an HTTP GET got no answer at all: a code for programs, and a message with the next step for people. */
import { redactUrl } from "@plumbline/signals/redact";

export type HttpGetCode =
	| "refused"
	| "unknown-host"
	| "unreachable"
	| "timeout"
	| "reset"
	| "tls"
	| "not-http"
	| "redirect"
	| "url";

/** No answer at all. The message says what happened, where, and what to try. */
export class HttpGetError extends Error {
	readonly code: HttpGetCode;

	constructor(code: HttpGetCode, message: string, cause?: unknown) {
		super(message, cause === undefined ? {} : { cause });
		this.name = "HttpGetError";
		this.code = code;
	}
}

/** Turns an error of node:http into words. */
export function explainNoAnswer(error: unknown, url: URL): HttpGetError {
	const code = errorCode(error);
	const shown = redactUrl(url.href);
	const peer = `${url.hostname}:${url.port || (url.protocol === "https:" ? "443" : "80")}`;
	const say = (kind: HttpGetCode, message: string) => new HttpGetError(kind, message, error);
	if (code === "ECONNREFUSED") {
		return say(
			"refused",
			`connection refused by ${peer}: nothing listens there; check the port and that the service runs`,
		);
	}
	if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
		return say("unknown-host", `unknown host "${url.hostname}" (${code}): check the name or give an address`);
	}
	if (code === "EHOSTUNREACH" || code === "ENETUNREACH" || code === "EADDRNOTAVAIL" || code === "EACCES") {
		return say("unreachable", `${peer} is unreachable from this host (${code})`);
	}
	if (code === "ETIMEDOUT")
		return say("timeout", `${peer} does not accept connections (${code}): a firewall may drop packets`);
	if (code.startsWith("HPE_"))
		return say("not-http", `${peer} does not speak HTTP (${code}): is it another service's port, or https?`);
	if (code === "EPROTO" || code.startsWith("ERR_SSL")) {
		return say("tls", `no TLS with ${peer} (${code}): it may speak plain http://`);
	}
	if (code.includes("CERT") || code.startsWith("UNABLE_TO_") || code.startsWith("ERR_TLS")) {
		return say(
			"tls",
			`the certificate of ${peer} is not trusted (${code}): give its authority in NODE_EXTRA_CA_CERTS`,
		);
	}
	if (code === "ECONNRESET" || code === "EPIPE")
		return say("reset", `${shown}: the connection was closed before an answer came`);
	const message = error instanceof Error ? redactUrl(error.message) : String(error);
	return say("reset", `${shown} could not be read: ${message || code}`);
}

/** The errno-like code of an error; an AggregateError (several addresses tried) carries that of its first. */
export function errorCode(error: unknown): string {
	if (!(error instanceof Error)) return "";
	if ("code" in error && typeof error.code === "string") return error.code;
	return error instanceof AggregateError ? errorCode(error.errors[0]) : "";
}
