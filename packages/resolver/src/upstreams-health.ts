/**
 * How one server stands, and the probes that find out.
 *
 *        a try failed or is slow        the probe failed,
 *      ┌───────────────────────┐        or the breaker has had enough
 *      │                       ▼                │
 *   ┌──────┐              ┌───────────┐         ▼
 *   │ well │ ◀─────────── │ suspected │ ────▶ ┌──────┐
 *   └──────┘  the probe   └───────────┘       │ down │  probed when the breaker's wait is over,
 *      ▲      was answered                    └──────┘  each wait longer than the one before
 *      │                                          │
 *      └──────────────────────────────────────────┘
 *            a probe was answered, or a try that nobody else was left for
 *
 * A name that is slow or broken everywhere makes every server look ill. So a failed try is only a doubt, and a question
 * that any healthy server answers at once decides it: otherwise a few such names would send everybody's questions to
 * servers that prove nothing. Against a server that answers its probes counts only what cannot be the name's fault: it
 * was out of reach, or another one answered what it did not. Only probes find out whether a server that is down is back:
 * no user waits for that, and one that is down always has a probe under way or to come.
 */
import { type AdmittedCall, type CallOutcome, CircuitBreaker } from "@plumbline/policy/circuit-breaker";
import type { Observe } from "./observer.ts";
import type { Timers } from "./timers.ts";
import type { Ask, Exchange, Transport } from "./upstream.ts";
import { tryServer, type Verdict, verdictOn } from "./upstreams-try.ts";

export interface HealthContext {
	readonly now: () => number;
	readonly timers: Timers;
	readonly random: () => number;
	readonly observe?: Observe;
	readonly probeAsk: Ask;
	readonly tryMs: number;
}

/** A doubt is not looked into more often: a server may fail for many names and be well. */
const PROBE_GAP_MS = 1000;
/** Failures in a row that are no name's fault, though it answers probes. */
const FAILURES_IN_A_ROW = 5;
/** What the breaker counts of a try. */
const OUTCOMES: Readonly<Record<Verdict, CallOutcome>> = {
	good: "success",
	doubtful: "ignored",
	unreachable: "failure",
	bad: "failure",
	nothing: "ignored",
};
/** While nobody else is left, a server that is down is asked once in so many milliseconds. */
const FORCED_GAP_MS = 100;
/** Of the time limit of a try: a slow one is looked into early, so that at its end it is known who is at fault. */
const SLOW_SHARE = 0.2;
const PROBE_SHARE = 0.6;
/** The longest between two probes of a server that is down: so soon a better protocol is back. */
const PROBE_WAIT_MS_MAX = 30_000;

export class UpstreamHealth {
	readonly #transport: Transport;
	readonly #context: HealthContext;
	readonly #breaker: CircuitBreaker;
	#told = "closed";
	#probing = false;
	#probedAtMs = -Infinity;
	/** It has answered a probe with an answer before, so a SERVFAIL to one means something. */
	#answersProbes = false;
	#stopTimer: (() => void) | undefined;
	#forcedAfterMs = -Infinity;
	readonly #underWay = new Set<() => void>();
	#closed = false;

	constructor(transport: Transport, context: HealthContext) {
		this.#transport = transport;
		this.#context = context;
		this.#breaker = new CircuitBreaker(
			{ failuresInARow: FAILURES_IN_A_ROW, waitMsMax: PROBE_WAIT_MS_MAX },
			context.now(),
		);
	}

	get standing(): "well" | "suspected" | "down" {
		if (this.#breaker.state.kind !== "closed") return "down";
		return this.#probing ? "suspected" : "well";
	}

	get forcedAfterMs(): number {
		return this.#forcedAfterMs;
	}

	/** Another server answered what this one did not: the name is not at fault. */
	outdone(): void {
		this.#countFailure();
		this.#changed();
	}

	/** One question of a user, whatever its standing; who may ask a server that is down is settled before. */
	async exchange(ask: Ask, signal: AbortSignal): Promise<Exchange> {
		const { tryMs, now, timers } = this.#context;
		const call = this.#begin();
		const exchange = await tryServer(this.#transport, ask, {
			tryMs,
			slowMs: tryMs * SLOW_SHARE,
			onSlow: () => this.#doubt(),
			signal,
			underWay: this.#underWay,
			now,
			timers,
		});
		this.#context.observe?.({ kind: "tried", ask, tried: { server: this.#transport.server, exchange } });
		this.#end(call, exchange);
		return exchange;
	}

	close(): Promise<void> {
		this.#closed = true;
		this.#stopTimer?.();
		for (const end of this.#underWay) end();
		return this.#transport.close();
	}

	#begin(): AdmittedCall | undefined {
		const { now, random } = this.#context;
		if (this.standing === "down") {
			this.#forcedAfterMs = now() + FORCED_GAP_MS;
			return undefined;
		}
		const admitted = this.#breaker.admit(now(), random());
		return admitted.kind === "admitted" ? admitted : undefined;
	}

	#end(call: AdmittedCall | undefined, exchange: Exchange): void {
		const { now, random } = this.#context;
		const verdict = verdictOn(exchange);
		if (call === undefined) {
			if (verdict === "good") this.#recovered();
			return;
		}
		this.#breaker.report(call, OUTCOMES[verdict], now(), random());
		if (verdict === "bad") this.#trip();
		this.#changed();
		if (verdict === "doubtful" || verdict === "unreachable") this.#doubt();
	}

	/** A user's answer from a server that was down. Nothing that was counted against it holds any more. */
	#recovered(): void {
		if (this.standing !== "down") return;
		this.#breaker.force("forced-closed");
		this.#breaker.release(this.#context.now());
		this.#changed();
	}

	#trip(): void {
		for (let failures = 0; failures < FAILURES_IN_A_ROW; failures++) this.#countFailure();
	}

	#countFailure(): void {
		if (this.#breaker.state.kind !== "closed") return;
		const { now, random } = this.#context;
		const call = this.#breaker.admit(now(), random());
		if (call.kind === "admitted") this.#breaker.report(call, "failure", now(), random());
	}

	#doubt(): void {
		if (this.#probing || this.standing === "down") return;
		if (this.#context.now() - this.#probedAtMs < PROBE_GAP_MS) return;
		void this.#probe();
	}

	async #probe(): Promise<void> {
		const { now, random, timers, probeAsk, tryMs } = this.#context;
		if (this.#probing || this.#closed) return;
		const wasDown = this.standing === "down";
		const call = this.#breaker.admit(now(), random());
		if (call.kind === "refused") return this.#probeLater(call.retryAtMs ?? now() + PROBE_GAP_MS);
		this.#probing = true;
		this.#changed();
		const probeMs = wasDown ? tryMs : tryMs * PROBE_SHARE;
		const limits = {
			tryMs: probeMs,
			slowMs: probeMs,
			onSlow: () => {},
			underWay: this.#underWay,
			now,
			timers,
		};
		const exchange = await tryServer(this.#transport, probeAsk, limits);
		this.#probing = false;
		this.#probedAtMs = now();
		const verdict = this.#verdictOnProbe(exchange);
		if (wasDown) {
			const outcome = { good: "success", ill: "failure", nothing: "ignored" } as const;
			this.#breaker.report(call, outcome[verdict], now(), random());
		} else {
			// It takes nothing back: failures in a row that were counted, count on.
			this.#breaker.report(call, "ignored", now(), random());
			if (verdict === "ill") this.#trip();
		}
		this.#changed();
		this.#probeOn();
	}

	/** The time of the next probe may have come and gone while this one was under way. */
	#probeOn(): void {
		const { state } = this.#breaker;
		if (state.kind === "open") this.#probeLater(state.reopenAtMs);
		else if (state.kind === "half-open") this.#probeLater(this.#context.now() + PROBE_GAP_MS);
	}

	/** Some servers refuse the question that we probe with, and are well: only one that used to answer it is ill. */
	#verdictOnProbe(exchange: Exchange): "good" | "ill" | "nothing" {
		if (exchange.kind === "answered") {
			this.#answersProbes = true;
			return "good";
		}
		if (exchange.why === "server-failure" && !this.#answersProbes) return "good";
		return verdictOn(exchange) === "nothing" ? "nothing" : "ill";
	}

	/** Tells a change of the breaker's state, and sees to it that a server that is down will be probed. */
	#changed(): void {
		const { state } = this.#breaker;
		if (state.kind === "forced-open" || state.kind === "forced-closed" || state.kind === this.#told) return;
		this.#told = state.kind;
		this.#context.observe?.({ kind: "server-state", server: this.#transport.server, state: state.kind });
		if (state.kind === "open") this.#probeLater(state.reopenAtMs);
		if (state.kind === "closed") this.#stopTimer?.();
	}

	#probeLater(atMs: number): void {
		const { now, timers } = this.#context;
		this.#stopTimer?.();
		if (this.#closed) return;
		this.#stopTimer = timers.after(Math.max(0, atMs - now()), () => void this.#probe());
	}
}
