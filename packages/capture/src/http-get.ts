/**
 * One bounded HTTP GET for reading a target's own endpoints (pprof, metrics).
 *
 * Credentials in the URL are sent and never shown: messages name the URL redacted. What arrived before
 * a timeout, a reset or the size bound is kept and marked as truncated, because half a dump of a dying
 * service is worth more than none.
 */
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { redactUrl } from "@plumbline/signals/redact";
import { explainNoAnswer, HttpGetError } from "./http-get-error.ts";
import { type Reach, requestOptions } from "./reach.ts";

/** Redirects followed, all of them on the first host. */
export const HTTP_REDIRECTS_MAX = 3;
/** Characters of an unexpected answer that a message quotes. */
const QUOTE_CHARS_MAX = 80;

export interface HttpGetOptions {
	/** For the whole exchange, redirects and body included. */
	readonly timeoutMs: number;
	/** Body bytes kept at most; reading stops there. */
	readonly bytesMax: number;
	/** Stops the exchange: the promise rejects with an AbortError. */
	readonly signal?: AbortSignal;
	/** Value of the Accept header. */
	readonly accept?: string;
	/** For a listener found in another network namespace, or with a certificate of its own. */
	readonly reach?: Reach;
}

export interface HttpAnswer {
	readonly status: number;
	/** As sent, "" if absent. */
	readonly contentType: string;
	readonly bytes: Uint8Array;
	/** Present when `bytes` are not the whole body: the reason. */
	readonly truncated?: string;
}

/**
 * Gets `url` (http or https). Any status is an answer: see {@link refusal} to tell a good one.
 * Rejects with HttpGetError when there is no answer, with an AbortError when `signal` says stop.
 */
export async function httpGet(url: string, options: HttpGetOptions): Promise<HttpAnswer> {
	const first = parseUrl(url);
	const deadline = new AbortController();
	const timer = setTimeout(() => deadline.abort(), options.timeoutMs);
	const stop = options.signal ? AbortSignal.any([options.signal, deadline.signal]) : deadline.signal;
	let at = first;
	try {
		for (let hops = 0; ; hops++) {
			const response = await getResponse(at, options, stop);
			const next = redirectTarget(response, at, first);
			if (next === undefined) return await readAnswer(response, at, options, stop);
			response.destroy();
			if (hops === HTTP_REDIRECTS_MAX) {
				throw new HttpGetError("redirect", `${show(first)} redirects more than ${HTTP_REDIRECTS_MAX} times`);
			}
			at = next;
		}
	} catch (error) {
		if (options.signal?.aborted) throw abortError(options.signal.reason);
		if (deadline.signal.aborted) {
			throw new HttpGetError(
				"timeout",
				`${show(at)} did not answer within ${options.timeoutMs} ms: the service may be stuck or a firewall drops packets`,
			);
		}
		throw error instanceof HttpGetError ? error : explainNoAnswer(error, at);
	} finally {
		clearTimeout(timer);
	}
}

/** Why an answer is not the one asked for, in words; undefined for a 2xx. */
export function refusal(answer: HttpAnswer, url: string): string | undefined {
	if (answer.status >= 200 && answer.status < 300) return undefined;
	const shown = redactUrl(url);
	const said = quoteStart(answer.bytes);
	const body = said === "" ? "" : ` ("${said}")`;
	switch (answer.status) {
		case 401:
		case 403:
			return `${shown} answered ${answer.status}${body}: it wants credentials; put them into the URL as http://user:password@host/`;
		case 404:
			return `${shown} answered 404${body}: nothing is served under this path; check the path and the port`;
		default:
			return `${shown} answered status ${answer.status}${body} instead of 200`;
	}
}

/** The first line of what an answer holds, short enough for a message, credentials redacted. */
export function quoteStart(bytes: Uint8Array): string {
	const text = new TextDecoder().decode(bytes.subarray(0, 4 * QUOTE_CHARS_MAX)).trimStart();
	// Anything unprintable is replaced: a terminal must not be steered by a stranger's bytes.
	const line = redactUrl((text.split(/[\r\n]/, 1)[0] ?? "").replace(/[^\x20-\x7e\u00a0-\uffff]/g, "\ufffd"));
	return line.length > QUOTE_CHARS_MAX ? `${line.slice(0, QUOTE_CHARS_MAX)}...` : line;
}

function parseUrl(url: string): URL {
	const parsed = URL.canParse(url) ? new URL(url) : undefined;
	if (parsed?.protocol === "http:" || parsed?.protocol === "https:") return parsed;
	throw new HttpGetError("url", `"${redactUrl(url)}" is not an http:// or https:// URL`);
}

async function getResponse(url: URL, options: HttpGetOptions, stop: AbortSignal): Promise<IncomingMessage> {
	stop.throwIfAborted();
	const route = await requestOptions(url, options.reach ?? {}, stop);
	if (route.kind === "refused") throw new HttpGetError("unreachable", `${show(url)}: ${route.why}`);
	const request = url.protocol === "https:" ? requestHttps : requestHttp;
	const headers = {
		accept: options.accept ?? "*/*",
		"accept-encoding": "identity",
		"user-agent": "plumbline",
	};
	return new Promise((resolve, reject) => {
		request(url, { ...route.value, headers, signal: stop })
			.on("response", resolve)
			.on("upgrade", (_, socket) => {
				socket.destroy();
				const why = `${show(url)} answers 101 to switch to another protocol, although none was asked for`;
				reject(new HttpGetError("not-http", why));
			})
			.on("error", reject)
			.end();
	});
}

/** Where the answer redirects to, or undefined when it is no redirect. Another host is refused. */
function redirectTarget(response: IncomingMessage, at: URL, first: URL): URL | undefined {
	const status = response.statusCode ?? 0;
	const location = response.headers.location;
	if (location === undefined || ![301, 302, 303, 307, 308].includes(status)) return undefined;
	const next = URL.canParse(location, at.href) ? new URL(location, at.href) : undefined;
	const followable = next?.protocol === "http:" || next?.protocol === "https:";
	if (next === undefined || !followable || next.hostname !== first.hostname) {
		response.destroy();
		const target = redactUrl(location);
		throw new HttpGetError(
			"redirect",
			`${show(at)} redirects to another host ("${target}"), which is not followed`,
		);
	}
	if (next.origin === first.origin && next.username === "") {
		next.username = first.username;
		next.password = first.password;
	}
	return next;
}

async function readAnswer(
	response: IncomingMessage,
	url: URL,
	options: HttpGetOptions,
	stop: AbortSignal,
): Promise<HttpAnswer> {
	const encoding = response.headers["content-encoding"] ?? "identity";
	if (encoding !== "identity") {
		response.destroy();
		throw new HttpGetError(
			"not-http",
			`${show(url)} answers in content-encoding "${encoding}" although none was asked for`,
		);
	}
	const chunks: Uint8Array[] = [];
	let size = 0;
	let truncated: string | undefined;
	try {
		for await (const chunk of response as AsyncIterable<Uint8Array>) {
			const room = options.bytesMax - size;
			chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
			size += Math.min(chunk.length, room);
			if (chunk.length > room) {
				truncated = `stopped at the bound of ${options.bytesMax} bytes`;
				break;
			}
		}
	} catch (error) {
		if (options.signal?.aborted || size === 0) throw error;
		truncated = stop.aborted
			? `stopped after ${options.timeoutMs} ms with ${size} bytes read`
			: `the connection broke after ${size} bytes`;
	}
	return {
		status: response.statusCode ?? 0,
		contentType: response.headers["content-type"] ?? "",
		bytes: join(chunks, size),
		...(truncated === undefined ? {} : { truncated }),
	};
}

function join(chunks: readonly Uint8Array[], size: number): Uint8Array {
	const bytes = new Uint8Array(size);
	let at = 0;
	for (const chunk of chunks) {
		bytes.set(chunk, at);
		at += chunk.length;
	}
	return bytes;
}

function abortError(reason: unknown): Error {
	if (reason instanceof Error && reason.name === "AbortError") return reason;
	return new DOMException("The capture was interrupted", "AbortError");
}

function show(url: URL): string {
	return redactUrl(url.href);
}
