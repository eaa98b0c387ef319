/** One short GET of one listener, to learn what it is: the start of the answer, or why there is none. */
import { request as requestHttp } from "node:http";
import { type RequestOptions as HttpsOptions, request as requestHttps } from "node:https";
import { errorCode } from "./http-get-error.ts";
import { type Reach, requestOptions } from "./reach.ts";

/** For the answer, once connected. */
const ANSWER_MS_MAX = 700;
/** Enough to see a page's title or the first metrics. */
const ANSWER_BYTES_MAX = 65536;

export type Answer =
	| { readonly kind: "answer"; readonly status: number; readonly text: string }
	| { readonly kind: "none"; readonly why: string; readonly nobodyListens?: true };

/** Rejects only when `signal` says stop. */
export async function getStart(url: URL, reach: Reach, signal?: AbortSignal): Promise<Answer> {
	signal?.throwIfAborted();
	const options = await requestOptions(url, reach, signal);
	if (options.kind === "refused") {
		// The relay into another network namespace tells an errno in words only.
		const nobodyListens = options.why.includes("ECONNREFUSED");
		return { kind: "none", why: options.why, ...(nobodyListens ? { nobodyListens } : {}) };
	}
	const answer = await exchange(url, options.value, signal);
	signal?.throwIfAborted();
	return answer;
}

function exchange(url: URL, over: HttpsOptions, signal: AbortSignal | undefined): Promise<Answer> {
	const headers = { accept: "*/*", "accept-encoding": "identity", "user-agent": "plumbline" };
	const options = { ...over, headers, ...(signal === undefined ? {} : { signal }) };
	return new Promise((resolve) => {
		const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, options);
		const chunks: Buffer[] = [];
		let size = 0;
		const settle = (answer: Answer) => {
			clearTimeout(timer);
			resolve(answer);
			request.destroy();
		};
		const timer = setTimeout(() => {
			settle({ kind: "none", why: `no answer within ${ANSWER_MS_MAX} ms` });
		}, ANSWER_MS_MAX);
		// Kept for the request's whole life: an error after the end must not end this process.
		request.on("error", (error) => settle(explain(error)));
		request.on("upgrade", (_, socket) => {
			socket.destroy();
			settle({ kind: "none", why: "switches to another protocol" });
		});
		request.on("response", (response) => {
			const done = () => {
				const text = Buffer.concat(chunks).subarray(0, ANSWER_BYTES_MAX).toString("utf8");
				settle({ kind: "answer", status: response.statusCode ?? 0, text });
			};
			response.on("data", (chunk: Buffer) => {
				chunks.push(chunk);
				size += chunk.length;
				if (size >= ANSWER_BYTES_MAX) done();
			});
			response.on("end", done);
			response.on("error", done);
		});
		request.end();
	});
}

/** In a few words: there may be one of these for every port of the service. */
function explain(error: Error): Answer {
	const code = errorCode(error);
	if (code === "ECONNREFUSED") return { kind: "none", why: "connection refused", nobodyListens: true };
	if (code.startsWith("HPE_")) return { kind: "none", why: "speaks no HTTP" };
	if (code === "EPROTO" || code.startsWith("ERR_SSL")) return { kind: "none", why: "speaks no TLS" };
	if (code === "ECONNRESET" || code === "EPIPE")
		return { kind: "none", why: "closed the connection unanswered" };
	return { kind: "none", why: error.message || code };
}
