/**
 * Exchanges over connections that are kept: one connection takes what comes; when it ends, the next query opens
 * another. A query that was sent on a connection that was lost is carried ONCE more, on a new one. So is one whose
 * connection is suspected to be dead: then both may answer, and the first does.
 *
 * It ends: of the queries on a connection that is lost at least one was sent, and has one carry less.
 *
 *     exchange ──▶ link (open) ──answer──▶ answered
 *                    │ lost, or suspect
 *                    └──▶ another link ──answer──▶ answered
 *                                        └─lost──▶ failed: connection-lost
 */
import type { Timers } from "./timers.ts";
import { endedBySignal, exchangeOf } from "./transport-failure.ts";
import type { Carried, Link, LinkOptions } from "./transport-link.ts";
import { composeQuery, type QueryOptions } from "./transport-query.ts";
import type { Ask, Exchange, Transport, UpstreamServer } from "./upstream.ts";

export interface PoolOptions {
	readonly now: () => number;
	readonly timers: Timers;
	readonly idleMs: number;
	readonly stallMs: number;
	/** Exchanges under way at once; further ones fail as "too-many-waiting". */
	readonly exchangesMax: number;
}

export type OpenLink = (options: LinkOptions) => Link;

interface Underway {
	/** The connections that carry it now, and how to take it off each. */
	readonly carriers: Map<Link, () => void>;
	carryOnAnother(): boolean;
	end(exchange: Exchange): void;
	readonly startedMs: number;
}

const CARRIES_MAX = 2;

export class PooledTransport implements Transport {
	readonly server: UpstreamServer;
	readonly #options: PoolOptions;
	readonly #openLink: OpenLink;
	readonly #query: QueryOptions;
	readonly #links = new Set<Link>();
	readonly #underway = new Set<Underway>();
	#current: Link | undefined;
	#isClosed = false;

	constructor(server: UpstreamServer, options: PoolOptions, openLink: OpenLink, query: QueryOptions = {}) {
		this.server = server;
		this.#options = options;
		this.#openLink = openLink;
		this.#query = query;
	}

	exchange(ask: Ask, signal: AbortSignal): Promise<Exchange> {
		const { now, exchangesMax } = this.#options;
		const startedMs = now();
		const refuse = (why: "aborted" | "too-many-waiting", detail: string) =>
			Promise.resolve<Exchange>({ kind: "failed", why, detail, tookMs: now() - startedMs });
		if (this.#isClosed) return refuse("aborted", "the transport is closed");
		if (signal.aborted) return refuse("aborted", "given up before it began");
		if (this.#underway.size >= exchangesMax)
			return refuse("too-many-waiting", `${exchangesMax} exchanges are under way`);
		return new Promise((resolve) => this.#begin({ ask, signal, startedMs, resolve }));
	}

	async close(): Promise<void> {
		this.#isClosed = true;
		for (const { end, startedMs } of this.#underway) {
			const tookMs = this.#options.now() - startedMs;
			end({ kind: "failed", why: "aborted", detail: "the transport was closed", tookMs });
		}
		const links = [...this.#links];
		for (const link of links) link.destroy("the transport was closed");
		await Promise.all(links.map(({ closed }) => closed));
	}

	#begin({
		ask,
		signal,
		startedMs,
		resolve,
	}: {
		readonly ask: Ask;
		readonly signal: AbortSignal;
		readonly startedMs: number;
		readonly resolve: (exchange: Exchange) => void;
	}): void {
		const query = composeQuery(ask, this.#query);
		const carriers = new Map<Link, () => void>();
		const tookMs = () => this.#options.now() - startedMs;
		let carries = 0;
		const underway: Underway = {
			startedMs,
			carriers,
			carryOnAnother: () => {
				if (carries >= CARRIES_MAX) return false;
				carries++;
				const link = this.#link();
				const takeOff = link.carry(query, (carried) => {
					carriers.delete(link);
					settle(carried);
				});
				carriers.set(link, takeOff);
				return true;
			},
			end: (exchange) => {
				if (!this.#underway.delete(underway)) return;
				signal.removeEventListener("abort", onAbort);
				for (const takeOff of carriers.values()) takeOff();
				carriers.clear();
				resolve(exchange);
			},
		};
		const settle = (carried: Carried) => {
			if (carried.kind === "answer") {
				underway.end(exchangeOf({ ...carried, protocol: this.server.protocol, tookMs: tookMs() }));
				return;
			}
			if (carriers.size > 0) return;
			if (carried.kind === "lost") {
				if (carried.isUnsent) carries--;
				if (underway.carryOnAnother()) return;
			}
			const why = carried.kind === "lost" ? "connection-lost" : carried.why;
			underway.end({ kind: "failed", why, detail: carried.detail, tookMs: tookMs() });
		};
		const onAbort = () =>
			underway.end({ kind: "failed", ...endedBySignal(signal, "no answer came"), tookMs: tookMs() });
		signal.addEventListener("abort", onAbort, { once: true });
		this.#underway.add(underway);
		underway.carryOnAnother();
	}

	/** One that takes queries. */
	#link(): Link {
		if (this.#current?.isOpen) return this.#current;
		const { now, timers, idleMs, stallMs } = this.#options;
		const link = this.#openLink({
			server: this.server,
			now,
			timers,
			idleMs,
			stallMs,
			onSuspect: (suspect) => {
				for (const { carriers, carryOnAnother } of [...this.#underway])
					if (carriers.has(suspect)) carryOnAnother();
			},
		});
		this.#links.add(link);
		void link.closed.then(() => this.#links.delete(link));
		this.#current = link;
		return link;
	}
}
