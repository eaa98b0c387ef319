/** One exchange with one server within a time limit, and what it tells about that server. */
import { DNS_RCODE } from "@plumbline/signals/dns-message";
import type { Timers } from "./timers.ts";
import type { Ask, Exchange, Transport } from "./upstream.ts";

export interface TryLimits {
	readonly tryMs: number;
	/** Any of them ends it as aborted. */
	readonly signals: readonly AbortSignal[];
	readonly now: () => number;
	readonly timers: Timers;
	/** Called once if it takes as long as `slowMs`. */
	readonly slowMs: number;
	readonly onSlow: () => void;
}

/**
 * Ends in time whatever the transport does: one that misses its signal is left behind, aborted. A transport that breaks
 * its word and throws has failed like any other.
 */
export function tryServer(transport: Transport, ask: Ask, limits: TryLimits): Promise<Exchange> {
	const { tryMs, slowMs, signals, now, timers } = limits;
	const beganMs = now();
	return new Promise((resolve) => {
		const controller = new AbortController();
		const end = (exchange: Exchange) => {
			stopTimer();
			for (const signal of signals) signal.removeEventListener("abort", onAbort);
			resolve(exchange);
		};
		const fail = (why: "timeout" | "aborted" | "connection-lost", detail: string) => {
			end({ kind: "failed", why, detail, tookMs: now() - beganMs });
			controller.abort();
		};
		const onAbort = () => fail("aborted", "the caller went away");
		const onTimeout = () => fail("timeout", `no answer within ${tryMs} ms`);
		let stopTimer = timers.after(Math.min(slowMs, tryMs), () => {
			if (slowMs >= tryMs) return onTimeout();
			stopTimer = timers.after(tryMs - slowMs, onTimeout);
			limits.onSlow();
		});
		for (const signal of signals) {
			if (signal.aborted) return onAbort();
			signal.addEventListener("abort", onAbort);
		}
		transport
			.exchange(ask, controller.signal)
			.then(end, (error: unknown) => fail("connection-lost", String(error)));
	});
}

/**
 * What an exchange says of its server.
 *
 * - `good`: it answers. That a name does not exist is an answer.
 * - `doubtful`: the server or only this name is at fault. A probe tells.
 * - `bad`: no healthy server does this: a wrong certificate, nonsense, answers to what nobody asked.
 * - `nothing`: we ended it ourselves, or had too many under way.
 */
export type Verdict = "good" | "doubtful" | "bad" | "nothing";

export function verdictOn(exchange: Exchange): Verdict {
	if (exchange.kind === "answered") return isAnswer(exchange) ? "good" : "doubtful";
	switch (exchange.why) {
		case "timeout":
		case "refused-connection":
		case "connection-lost":
		case "http":
		case "server-failure":
			return "doubtful";
		case "tls":
		case "malformed":
		case "spoofed":
			return "bad";
		case "too-many-waiting":
		case "aborted":
			return "nothing";
	}
}

/** It came to a DOMAIN name that cannot be made longer (RFC 6672 section 2.2): about the name, not about the server. */
const YXDOMAIN = 6;

/** NXDOMAIN and no data are answers; SERVFAIL, REFUSED, NOTIMP, FORMERR and the like are a server that cannot. */
export function isAnswer(exchange: Exchange): exchange is Extract<Exchange, { kind: "answered" }> {
	if (exchange.kind !== "answered") return false;
	const { rcode } = exchange.message;
	return rcode === DNS_RCODE.NOERROR || rcode === DNS_RCODE.NXDOMAIN || rcode === YXDOMAIN;
}
