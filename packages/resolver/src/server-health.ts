/**
 * Health that asks: `/health` is 200 only if the servers resolve a name now, within a time. What the cache could still
 * serve is told beside it, never taken for health.
 *
 * ```
 *   GET /health   200 or 503   {"status":"ok","askedMs":12,"servers":[{"server":"dot 9.9.9.9:853 (…)","standing":"well"}],
 *                               "lastSuccessAgoMs":0,"staleServed":0,…}
 *   GET /metrics  200          whatever the given function says
 * ```
 * One question at a time, and none more often than `FRESH_MS`: whoever asks for health in a loop asks us, not the servers.
 */
import { createServer } from "node:http";
import type { ListenPlace } from "./server-address.ts";
import { listening, type StreamListener } from "./server-tcp.ts";
import type { Asked } from "./upstream.ts";
import { serverLabel, type UpstreamServer } from "./upstream.ts";

export interface HealthOptions {
	readonly place: ListenPlace;
	/** Asks the servers something that no cache answers. */
	readonly ask: (signal: AbortSignal) => Promise<Asked>;
	readonly withinMs: number;
	readonly standings: () => readonly { readonly server: UpstreamServer; readonly standing: unknown }[];
	/** More to tell: counters, sizes. */
	readonly facts: () => Readonly<Record<string, unknown>>;
	/** The page for Prometheus. */
	readonly metrics?: () => Promise<{ readonly contentType: string; readonly text: string }>;
	/** Monotonic milliseconds. */
	readonly now?: () => number;
}

interface Verdict {
	readonly isWell: boolean;
	readonly atMs: number;
	readonly told: Readonly<Record<string, unknown>>;
}

const FRESH_MS = 1000;
const CONNECTIONS_MAX = 64;
const REQUEST_MS_MAX = 5000;

/** Throws ListenError. */
export async function startHealth(options: HealthOptions): Promise<StreamListener> {
	const { place, now = () => performance.now(), metrics } = options;
	let lastSuccessMs: number | undefined;
	let latest: Verdict | undefined;
	let asking: Promise<Verdict> | undefined;
	const closing = new AbortController();

	async function examine(): Promise<Verdict> {
		const startMs = now();
		const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(options.withinMs)]);
		const asked = await options.ask(signal);
		const atMs = now();
		const isWell = asked.kind === "answered";
		if (isWell) lastSuccessMs = atMs;
		const told = isWell
			? { askedMs: Math.round(atMs - startMs), answeredBy: serverLabel(asked.server) }
			: {
					why:
						atMs - startMs < options.withinMs
							? "every server that was asked failed"
							: `no server answered within ${options.withinMs} ms`,
					tries: asked.tries.map(failureOf),
				};
		return { isWell, atMs, told };
	}

	async function verdict(): Promise<Verdict> {
		if (latest !== undefined && now() - latest.atMs < FRESH_MS) return latest;
		asking ??= examine().finally(() => {
			asking = undefined;
		});
		latest = await asking;
		return latest;
	}

	async function health(): Promise<[status: number, type: string, text: string]> {
		const { isWell, told } = await verdict();
		const body = {
			status: isWell ? "ok" : "failing",
			...told,
			...(lastSuccessMs !== undefined && { lastSuccessAgoMs: Math.round(now() - lastSuccessMs) }),
			servers: options.standings().map(({ server, standing }) => ({ server: serverLabel(server), standing })),
			...options.facts(),
		};
		return [isWell ? 200 : 503, "application/json", `${JSON.stringify(body)}\n`];
	}

	async function page(path: string): Promise<[status: number, type: string, text: string]> {
		if (path === "/health") return await health();
		if (path !== "/metrics" || metrics === undefined) return [404, "text/plain", "/health or /metrics\n"];
		const { contentType, text } = await metrics();
		return [200, contentType, text];
	}

	const server = createServer((request, response) => {
		request.resume();
		page(request.url?.split("?", 1)[0] ?? "")
			.catch((error: unknown): [number, string, string] => [500, "text/plain", `${String(error)}\n`])
			.then(([status, type, text]) => {
				response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
				response.end(request.method === "HEAD" ? undefined : text);
			});
	});
	server.maxConnections = CONNECTIONS_MAX;
	server.requestTimeout = REQUEST_MS_MAX;
	const listener = await listening(server, "health", place.address, place.port);
	return {
		...listener,
		close: async () => {
			closing.abort();
			const closed = listener.close();
			server.closeAllConnections();
			await closed;
		},
	};
}

function failureOf({ server, exchange }: Asked["tries"][number]): Readonly<Record<string, unknown>> {
	const why = exchange.kind === "failed" ? exchange.why : "server-failure";
	return { server: serverLabel(server), why, tookMs: Math.round(exchange.tookMs) };
}
