/**
 * Rate limits counted for all gateways together, in Redis or Valkey: the same GCRA as policy/rate-limit, as one script
 * that runs there as a whole, with the clock of the server there.
 *
 *     key    plumbline:rate:<hash of route, limit and key>     what a client sent is not written there
 *     value  the theoretical arrival time, in microseconds of the server's clock; expires when it has come
 *
 * A server that is away must not cost every request a timeout: while its connection is down nobody waits, and when it is
 * up but silent, a breaker stops the asking. Whoever asks then hears `undefined` at once and decides by itself.
 */
import { createHash } from "node:crypto";
import { CircuitBreaker } from "@plumbline/policy/circuit-breaker";
import type { RateDecision } from "@plumbline/policy/rate-limit";
import type { Timers } from "@plumbline/resolver/timers";
import { Redis } from "ioredis";
import { GCRA_SCRIPT } from "./protect-rate-limit-script.ts";

/** What a limit is, for the script. */
export interface SharedRate {
	readonly requests: number;
	readonly perMs: number;
	readonly burst: number;
}

/** One connection; as many limits as like may use it. */
export interface SharedStore {
	/** `done` once, perhaps before this returns; undefined: not reached in time. */
	take(
		name: string,
		rate: SharedRate,
		timeoutMs: number,
		done: (decision: RateDecision | undefined) => void,
	): void;
	/** Its user needs it no more. The last closes the connection. */
	release(): void;
}

/** The stores of a process, one a URL. */
export class SharedStores {
	readonly #now: () => number;
	readonly #timers: Timers;
	readonly #random: () => number;
	readonly #stores = new Map<string, { readonly store: RedisStore; users: number }>();

	constructor({ now, timers, random }: { now: () => number; timers: Timers; random: () => number }) {
		this.#now = now;
		this.#timers = timers;
		this.#random = random;
	}

	/** Connections that are open, or being opened. */
	get size(): number {
		return this.#stores.size;
	}

	open(url: string): SharedStore {
		const known = this.#stores.get(url);
		const entry = known ?? { store: new RedisStore(url, this.#now, this.#timers, this.#random), users: 0 };
		if (known === undefined) this.#stores.set(url, entry);
		entry.users++;
		let released = false;
		return {
			take: (name, rate, timeoutMs, done) => entry.store.take(name, rate, timeoutMs, done),
			release: () => {
				if (released) return;
				released = true;
				if (--entry.users > 0) return;
				this.#stores.delete(url);
				entry.store.close();
			},
		};
	}
}

/** Questions under way at a time; more would pile up behind a server that is slow, and are decided here. */
const UNDER_WAY_MAX = 10_000;
const CONNECT_MS_MAX = 2000;
const RECONNECT_MS_MAX = 2000;
const NAME_BYTES = 16;

/** With what `defineCommand` adds. */
interface ScriptedRedis extends Redis {
	plumblineGcra(key: string, cost: number, burst: number): Promise<unknown>;
}

class RedisStore {
	readonly #redis: ScriptedRedis;
	readonly #breaker: CircuitBreaker;
	readonly #now: () => number;
	readonly #timers: Timers;
	readonly #random: () => number;
	#underWay = 0;

	constructor(url: string, now: () => number, timers: Timers, random: () => number) {
		this.#now = now;
		this.#timers = timers;
		this.#random = random;
		this.#breaker = new CircuitBreaker({ failuresInARow: 3, waitMs: 1000, waitMsMax: 10_000 }, now());
		const redis = new Redis(url, {
			connectTimeout: CONNECT_MS_MAX,
			// Nobody waits for a connection: what cannot be asked now is decided here.
			enableOfflineQueue: false,
			maxRetriesPerRequest: 0,
			autoResubscribe: false,
			retryStrategy: (times) => Math.min(RECONNECT_MS_MAX, 50 * 2 ** Math.min(times, 6)),
		});
		// Told by what it means for the limits; its messages may hold the address and more.
		redis.on("error", () => undefined);
		redis.defineCommand("plumblineGcra", { numberOfKeys: 1, lua: GCRA_SCRIPT });
		this.#redis = redis as ScriptedRedis;
	}

	take(
		name: string,
		{ requests, perMs, burst }: SharedRate,
		timeoutMs: number,
		done: (decision: RateDecision | undefined) => void,
	): void {
		if (this.#redis.status !== "ready" || this.#underWay >= UNDER_WAY_MAX) {
			done(undefined);
			return;
		}
		const call = this.#breaker.admit(this.#now(), this.#random());
		if (call.kind === "refused") {
			done(undefined);
			return;
		}
		const costUs = (perMs * 1000) / requests;
		let over = false;
		const end = (decision: RateDecision | undefined) => {
			if (over) return;
			over = true;
			stopTimer();
			this.#breaker.report(call, decision === undefined ? "failure" : "success", this.#now(), this.#random());
			this.#doubtConnection();
			done(decision);
		};
		const stopTimer = this.#timers.after(timeoutMs, () => end(undefined));
		this.#underWay++;
		const landed = (decision: RateDecision | undefined) => {
			this.#underWay--;
			end(decision);
		};
		this.#redis.plumblineGcra(keyFor(name), costUs, burst * costUs).then(
			(reply) => landed(decisionOf(reply, costUs)),
			() => landed(undefined),
		);
	}

	/**
	 * A connection whose way has gone dead says nothing, and the kernel gives it up after a quarter of an hour only. So
	 * when a probe has had no answer either, another connection is made.
	 */
	#doubtConnection(): void {
		const { state } = this.#breaker;
		if (state.kind === "open" && state.openings > 1) this.#redis.disconnect(true);
	}

	close(): void {
		this.#redis.disconnect();
	}
}

function keyFor(name: string): string {
	const digest = createHash("sha256").update(name).digest();
	return `plumbline:rate:${digest.toString("base64url", 0, NAME_BYTES)}`;
}

/** [allowed, spare µs, reset µs] as texts; anything else is no answer. */
function decisionOf(reply: unknown, costUs: number): RateDecision | undefined {
	if (!Array.isArray(reply) || reply.length !== 3) return undefined;
	const [allowed, spareUs, resetUs] = reply.map(Number);
	if (spareUs === undefined || resetUs === undefined) return undefined;
	if (!Number.isFinite(spareUs) || !Number.isFinite(resetUs)) return undefined;
	if (allowed !== 1)
		return { allowed: false, remaining: 0, retryAfterMs: spareUs / 1000, resetMs: resetUs / 1000 };
	const remaining = Math.max(0, Math.floor(spareUs / costUs + 1e-6));
	return { allowed: true, remaining, retryAfterMs: 0, resetMs: resetUs / 1000 };
}
