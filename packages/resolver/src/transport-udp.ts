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
	#underway = 0;
	#isClosed = false;

	constructor(server: UpstreamServer, options: UdpOptions) {
		this.server = server;
		this.#options = options;
		this.#tcp = openTcp({ ...server, protocol: "tcp" }, options);
		this.#joined = new JoinedExchanges(options.now);
	}

	async exchange(ask: Ask, signal: AbortSignal): Promise<Exchange> {
		const { exchangesMax } = this.#options;
		if (this.#isClosed)
			return { kind: "failed", why: "aborted", detail: "the transport is closed", tookMs: 0 };
		if (signal.aborted)
			return { kind: "failed", why: "aborted", detail: "given up before it began", tookMs: 0 };
		if (this.#underway >= exchangesMax) {
			const detail = `${exchangesMax} exchanges are under way`;
			return { kind: "failed", why: "too-many-waiting", detail, tookMs: 0 };
		}
		this.#underway++;
		try {
			return await this.#joined.exchange(ask, signal, (joined) => this.#ask(ask, joined));
		} finally {
			this.#underway--;
		}
	}

	async close(): Promise<void> {
		this.#isClosed = true;
		await Promise.all([this.#joined.abort(), this.#tcp.close()]);
	}

	async #ask(ask: Ask, signal: AbortSignal): Promise<Exchange> {
		const { now, timers, mixCase } = this.#options;
		const startedMs = now();
		const tookMs = () => now() - startedMs;
		const outcome = await exchangeByUdp(this.server, composeQuery(ask, { mixCase }), timers, signal);
		switch (outcome.kind) {
			case "answer":
				return exchangeOf({ message: outcome.message, protocol: "udp", tookMs: tookMs() });
			case "failed":
				return { ...outcome, tookMs: tookMs() };
			case "over-tcp":
				return this.#askOverTcp(ask, signal, outcome.because, tookMs);
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
