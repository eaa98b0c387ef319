/** One short GET of one listener, to learn what it is: the start of the answer, or why there is none. */
import { request as requestHttp } from "node:http";
import { type RequestOptions as HttpsOptions, request as requestHttps } from "node:https";
import { type Reach, requestOptions } from "./reach.ts";

/** For the answer, once connected. */
const ANSWER_MS_MAX = 700;
/** Enough to see a page's title or the first metrics. */
const ANSWER_BYTES_MAX = 65536;

export type Answer =
	| { readonly kind: "answer"; readonly status: number; readonly text: string }
	| { readonly kind: "none"; readonly why: string };

/** Rejects only when `signal` says stop. */
export async function getStart(url: URL, reach: Reach, signal?: AbortSignal): Promise<Answer> {
	signal?.throwIfAborted();
	const options = await requestOptions(url, reach, signal);
	if (options.kind === "refused") return { kind: "none", why: options.why };
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
		request.on("error", (error) => settle({ kind: "none", why: error.message || error.name }));
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
