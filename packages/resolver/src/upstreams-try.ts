/** One exchange with one server within a time limit, and what it tells about that server. */
import type { Timers } from "./timers.ts";
import type { Ask, Exchange, Transport } from "./upstream.ts";

export interface TryLimits {
	readonly tryMs: number;
	/** Ends it as aborted. */
	readonly signal?: AbortSignal;
	/** While it is under way, what ends it as aborted is in here. No signal: one with many listeners is slow to leave. */
	readonly underWay: Set<() => void>;
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
	const { tryMs, slowMs, signal, underWay, now, timers } = limits;
	const beganMs = now();
	return new Promise((resolve) => {
		const controller = new AbortController();
		const end = (exchange: Exchange) => {
			stopTimer();
			underWay.delete(onAbort);
			signal?.removeEventListener("abort", onAbort);
			resolve(exchange);
		};
		const fail = (why: "timeout" | "aborted" | "connection-lost", detail: string) => {
			end({ kind: "failed", why, detail, tookMs: now() - beganMs });
			controller.abort();
		};
		const onAbort = () => fail("aborted", "nobody waits for it any more");
		const onTimeout = () => fail("timeout", `no answer within ${tryMs} ms`);
		let stopTimer = timers.after(Math.min(slowMs, tryMs), () => {
			if (slowMs >= tryMs) return onTimeout();
			stopTimer = timers.after(tryMs - slowMs, onTimeout);
			limits.onSlow();
		});
		if (signal?.aborted) return onAbort();
		underWay.add(onAbort);
		signal?.addEventListener("abort", onAbort);
		transport
			.exchange(ask, controller.signal)
			.then(end, (error: unknown) => fail("connection-lost", String(error)));
	});
}

/**
 * What an exchange says of its server.
 *
 * - `good`: it answers, if only that it will not.
 * - `doubtful`: the server or only this name is at fault. A probe tells, or another server that answers.
 * - `unreachable`: nothing came of the question at all, so it is not the name's fault. A probe tells how bad it is.
 * - `bad`: no healthy server does this: a wrong certificate, answers to what nobody asked.
 * - `nothing`: we ended it ourselves, or had too many under way.
 */
export type Verdict = "good" | "doubtful" | "unreachable" | "bad" | "nothing";

export function verdictOn(exchange: Exchange): Verdict {
	if (exchange.kind === "answered" || isDecided(exchange)) return "good";
	switch (exchange.why) {
		case "timeout":
		case "http":
		case "server-failure":
		// A zone may hold records that are no such records; servers pass them on as they are.
		case "malformed":
			return "doubtful";
		case "refused-connection":
		case "connection-lost":
			return "unreachable";
		case "tls":
		case "spoofed":
			return "bad";
		case "too-many-waiting":
		case "aborted":
			return "nothing";
	}
}

/**
 * Extended errors (RFC 8914) by which a server says that it could answer and will not: forged (4), signatures that do
 * not hold (6 to 12), blocked, censored, filtered, prohibited (15 to 18).
 */
const DECIDED = new Set([4, 6, 7, 8, 9, 10, 11, 12, 15, 16, 17, 18]);

/**
 * The server is well, and this is its word on the name. If it proved who it is, one that proves nothing may not overrule
 * it: that is the answer which a forger has ready.
 */
export function isDecided(exchange: Exchange): boolean {
	if (exchange.kind !== "failed" || exchange.why !== "server-failure") return false;
	const options = exchange.message?.edns?.options ?? [];
	return options.some((option) => option.kind === "extended-error" && DECIDED.has(option.code));
}
