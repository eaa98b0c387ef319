/** DNS over UDP; what is truncated, or flooded by forgers, is asked again over TCP on the same address and port. */

import { exchangeOf } from "./transport-failure.ts";
import { JoinedExchanges } from "./transport-join.ts";
import type { PooledTransport, PoolOptions } from "./transport-pool.ts";
import { composeQuery } from "./transport-query.ts";
import { openTcp } from "./transport-tcp.ts";
import { exchangeByUdp, type UdpOutcome, WRONG_ANSWERS_MAX } from "./transport-udp-exchange.ts";
import type { Ask, Exchange, Transport, UpstreamServer } from "./upstream.ts";

export interface UdpOptions extends PoolOptions {
	/** Letters of questions in random case (0x20), which a forger has to guess too. */
	readonly mixCase: boolean;
}

type OverTcp = Extract<UdpOutcome, { kind: "over-tcp" }>["because"];

const WORDS: Readonly<Record<OverTcp, string>> = {
	truncated: "truncated over UDP; over TCP",
	spoofed: `${WRONG_ANSWERS_MAX} answers over UDP that were not to the query; over TCP`,
	"other-case": "answered over UDP in other letters than asked; over TCP",
};

export class UdpTransport implements Transport {
	readonly server: UpstreamServer;
	readonly #options: UdpOptions;
	readonly #joined: JoinedExchanges;
	readonly #tcp: PooledTransport;
	readonly #closing = new AbortController();
	readonly #sockets = new Set<Promise<unknown>>();

	constructor(server: UpstreamServer, options: UdpOptions) {
		this.server = server;
		this.#options = options;
		this.#tcp = openTcp({ ...server, protocol: "tcp" }, options);
		this.#joined = new JoinedExchanges(options.now, (ask, signal) => this.#ask(ask, signal));
	}

	exchange(ask: Ask, signal: AbortSignal): Promise<Exchange> {
		if (this.#closing.signal.aborted || signal.aborted)
			return Promise.resolve({
				kind: "failed",
				why: "aborted",
				detail: "given up before it began",
				tookMs: 0,
			});
		return this.#joined.exchange(ask, signal);
	}

	async close(): Promise<void> {
		this.#closing.abort();
		await Promise.all([...this.#sockets, this.#tcp.close()]);
	}

	async #ask(ask: Ask, signal: AbortSignal): Promise<Exchange> {
		const { now, exchangesMax, mixCase } = this.#options;
		const startedMs = now();
		const tookMs = () => now() - startedMs;
		if (this.#sockets.size >= exchangesMax) {
			const detail = `${exchangesMax} exchanges are under way`;
			return { kind: "failed", why: "too-many-waiting", detail, tookMs: tookMs() };
		}
		const either = AbortSignal.any([signal, this.#closing.signal]);
		const exchanging = exchangeByUdp(this.server, composeQuery(ask, { mixCase }), either);
		this.#sockets.add(exchanging);
		const outcome = await exchanging;
		this.#sockets.delete(exchanging);
		switch (outcome.kind) {
			case "answer":
				return exchangeOf({ message: outcome.message, protocol: "udp", tookMs: tookMs() });
			case "failed":
				return { ...outcome, tookMs: tookMs() };
			case "over-tcp":
				return this.#askOverTcp(ask, either, outcome.because, tookMs);
			default:
				return outcome satisfies never;
		}
	}

	async #askOverTcp(
		ask: Ask,
		signal: AbortSignal,
		because: OverTcp,
		tookMs: () => number,
	): Promise<Exchange> {
		const exchange = await this.#tcp.exchange(ask, signal);
		if (exchange.kind === "answered") return { ...exchange, tookMs: tookMs() };
		const why = because === "spoofed" && exchange.why !== "aborted" ? "spoofed" : exchange.why;
		return { kind: "failed", why, detail: `${WORDS[because]}: ${exchange.detail}`, tookMs: tookMs() };
	}
}
