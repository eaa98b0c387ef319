/**
 * A resolver that cannot be the outage: it answers from the cache, asks servers when it must, and answers what it once
 * knew when they do not.
 *
 *     ask ─▶ local name? ─▶ fresh in the cache? ─▶ failed a moment ago? ─▶ join or start the flight ─▶ servers
 *               │                 │ near its end:        │                      │
 *               │                 │ refresh behind       │                      ├─ answered: keep, answer
 *               ▼                 ▼                      ▼                      ├─ failed: stale if there is one
 *             answer            answer             stale, or failed             └─ slow: stale, the flight goes on
 *
 * Staleness by RFC 8767, failures by RFC 9520, both with the times of the TTL rules. Stale answers are served at once
 * when the servers are known to be slow or failing, so that nobody pays the timer twice.
 */
import type { TtlRules } from "@plumbline/policy/ttl-rules";
import { canonicalDnsName } from "@plumbline/signals/dns-name";
import { DnsCache } from "./cache.ts";
import type { Held } from "./cache-read.ts";
import { readSnapshot, type SnapshotRead, writeSnapshot } from "./cache-snapshot.ts";
import { withSubnet } from "./cache-tailor.ts";
import { Failures } from "./failures.ts";
import { type Flight, Flights } from "./flights.ts";
import { localAnswer } from "./local-names.ts";
import type { Observe } from "./observer.ts";
import type { Resolution, ResolveOptions, Resolver } from "./resolution.ts";
import { storedAnswer } from "./stored-answer.ts";
import { realTimers, type Timers } from "./timers.ts";
import type { Ask, Try, Upstreams } from "./upstream.ts";
import { askForWhole, type Known, type Outcome } from "./whole-answer.ts";

/** Before it a stale answer is not worth giving, for a server may still answer (RFC 8767 section 5). */
const CLIENT_TIMER_MS = 1_800;
/** A name is fetched again ahead of time if it was asked for so often since it was stored. */
const HOT_TIMES = 2;

export interface ResolverOptions {
	readonly upstreams: Upstreams;
	readonly rules: TtlRules;
	/**
	 * What to do with an answer whose time is over. `after-client-timer`: ask, and give it if no answer came in time.
	 * `immediate`: give it at once, ask behind.
	 */
	readonly staleMode?: "after-client-timer" | "immediate" | undefined;
	readonly clientTimerMs?: number | undefined;
	readonly cacheBytesMax?: number | undefined;
	/** The cache is read from there at the start and written there by `close` and `save`. */
	readonly snapshotPath?: string | undefined;
	readonly observe?: Observe | undefined;
	/** Monotonic. */
	readonly now?: (() => number) | undefined;
	/** Since 1970; only ages in a snapshot are counted by it. */
	readonly wallNow?: (() => number) | undefined;
	readonly timers?: Timers | undefined;
}

export interface CachingResolver extends Resolver {
	/** What became of the snapshot; undefined: there was none to be read. */
	readonly warmStart: SnapshotRead | undefined;
	cacheSize(): { readonly entries: number; readonly bytes: number };
	/** Writes the snapshot now. Answers why it could not. */
	save(): Promise<string | undefined>;
}

/** It owns the upstreams from now on: `close` closes them. */
export function createResolver(options: ResolverOptions): CachingResolver {
	return new CachedResolver(options);
}

const NO_TRIES: readonly Try[] = Object.freeze([]);

class CachedResolver implements CachingResolver {
	readonly warmStart: SnapshotRead | undefined;
	readonly #options: ResolverOptions;
	readonly #cache: DnsCache;
	readonly #failures: Failures;
	readonly #flights: Flights<Resolution>;
	readonly #now: () => number;
	readonly #wallNow: () => number;
	#isClosed = false;

	constructor(options: ResolverOptions) {
		const { rules, cacheBytesMax, observe, snapshotPath } = options;
		this.#options = options;
		this.#now = options.now ?? (() => performance.now());
		this.#wallNow = options.wallNow ?? Date.now;
		const onEvicted =
			observe && ((entries: number, bytes: number) => observe({ kind: "evicted", entries, bytes }));
		this.#cache = new DnsCache({ rules, bytesMax: cacheBytesMax, onEvicted });
		this.#failures = new Failures(rules);
		this.#flights = new Flights(options.timers ?? realTimers);
		if (snapshotPath !== undefined) {
			const times = { nowMs: this.#now(), wallMs: this.#wallNow() };
			this.warmStart = readSnapshot(snapshotPath, this.#cache, rules, times);
		}
	}

	cacheSize() {
		return { entries: this.#cache.entries, bytes: this.#cache.bytes };
	}

	cached(ask: Ask): Resolution | undefined {
		if (this.#isClosed) return undefined;
		const known = this.#known(ask, this.#now());
		if (known !== undefined) this.#options.observe?.({ kind: "resolved", ask, resolution: known, tookMs: 0 });
		return known;
	}

	held(ask: Ask): Resolution | undefined {
		return this.#isClosed ? undefined : this.#cache.find(ask, this.#now())?.resolution;
	}

	async resolve(ask: Ask, options: ResolveOptions = {}): Promise<Resolution> {
		const startMs = this.#now();
		const resolution = await this.#resolve(ask, options, startMs);
		this.#options.observe?.({ kind: "resolved", ask, resolution, tookMs: this.#now() - startMs });
		return resolution;
	}

	async save(): Promise<string | undefined> {
		const { snapshotPath } = this.#options;
		if (snapshotPath === undefined) return "no file is configured for it";
		return await writeSnapshot(snapshotPath, this.#cache, {
			nowMs: this.#now(),
			wallMs: this.#wallNow(),
		});
	}

	async close(): Promise<void> {
		if (this.#isClosed) return;
		this.#isClosed = true;
		this.#flights.giveUp();
		await this.#options.upstreams.close();
		if (this.#options.snapshotPath !== undefined) await this.save();
	}

	/** What can be said without waiting. */
	#known(ask: Ask, nowMs: number, isHot = false): Resolution | undefined {
		const local = localAnswer(ask.question);
		if (local !== undefined)
			return {
				kind: "answered",
				message: local,
				source: "cache",
				authenticated: true,
				tries: NO_TRIES,
			};
		const held = this.#cache.find(ask, nowMs);
		if (held === undefined) {
			const detail = this.#failures.holds(questionKey(ask), nowMs);
			if (detail === undefined) return undefined;
			return { kind: "failed", why: "failed-before", detail, tries: NO_TRIES };
		}
		if (held.kind === "fresh") {
			const isWanted = isHot || this.#cache.timesAsked(held) >= HOT_TIMES;
			if (held.isEndNear && isWanted && this.#cache.mayRefresh(held, nowMs)) this.#refresh(ask, "prefetch");
			return held.resolution;
		}
		if (!this.#cache.mayRefresh(held, nowMs)) return held.resolution;
		if (this.#options.staleMode === "immediate" || this.#cache.failedLately(held, nowMs)) {
			this.#refresh(ask, "stale");
			return held.resolution;
		}
		return this.#flights.get(flightKey(ask))?.isLate === true ? held.resolution : undefined;
	}

	async #resolve(ask: Ask, { signal, isHot }: ResolveOptions, startMs: number): Promise<Resolution> {
		if (this.#isClosed || signal?.aborted === true) return aborted(this.#isClosed);
		const known = this.#known(ask, startMs, isHot);
		if (known !== undefined) return known;
		// Only an answer whose time is over is left there now.
		const held = this.#cache.find(ask, startMs);
		const flight = this.#flights.get(flightKey(ask)) ?? this.#start(ask, "wanted");
		if (flight === undefined)
			return held?.resolution ?? tooMany("too many different questions are under way");
		const { clientTimerMs = CLIENT_TIMER_MS } = this.#options;
		const waited = await this.#flights.wait(flight, signal, held && clientTimerMs);
		switch (waited.kind) {
			case "ended":
				return waited.value;
			case "aborted":
				return aborted(this.#isClosed);
			case "too-many-waiting":
				return held?.resolution ?? tooMany("too many wait for answers");
			case "late": {
				this.#options.observe?.({ kind: "refresh", ask, why: "stale" });
				const now = this.#cache.find(ask, this.#now()) ?? held;
				return now?.resolution ?? tooMany("no answer in time");
			}
			default:
				return waited satisfies never;
		}
	}

	/** Behind everybody's back; not if that is under way already, or too much else. */
	#refresh(ask: Ask, why: "prefetch" | "stale"): void {
		if (this.#flights.get(flightKey(ask)) !== undefined) return;
		if (this.#start(ask, "refresh") !== undefined) this.#options.observe?.({ kind: "refresh", ask, why });
	}

	#start(ask: Ask, why: "wanted" | "refresh"): Flight<Resolution> | undefined {
		const { upstreams } = this.#options;
		const { question } = ask;
		// Whoever asks in other letters waits for the same: no one's spelling goes out.
		const canonical = { ...ask, question: { ...question, name: canonicalDnsName(question.name) } };
		return this.#flights.start<Outcome>(flightKey(ask), why, {
			run: (signal) => askForWhole(upstreams, canonical, (end) => this.#freshEnd(end), signal),
			lost: (why) =>
				why.kind === "given-up"
					? { kind: "failed", why: "given-up", detail: "nobody waited any more", tries: NO_TRIES }
					: { kind: "failed", why: "no-server-answered", detail: why.detail, tries: NO_TRIES },
			settle: (outcome) => this.#settle(ask, outcome),
		});
	}

	#freshEnd(ask: Ask): Known | undefined {
		const local = localAnswer(ask.question);
		if (local !== undefined) return { message: local, authenticated: true };
		const held = this.#cache.find(ask, this.#now());
		return held?.kind === "fresh" ? held.resolution : undefined;
	}

	/** Keeps what came; answers what is to be told. */
	#settle(ask: Ask, outcome: Outcome): Resolution {
		const nowMs = this.#now();
		const { tries } = outcome;
		if (outcome.kind === "failed") {
			const { why, detail } = outcome;
			if (why === "given-up") return aborted(this.#isClosed);
			const held = this.#cache.find(ask, nowMs);
			if (held !== undefined) {
				this.#cache.refreshFailed(ask, nowMs);
				return { ...held.resolution, tries };
			}
			if (why === "not-asked") {
				const said = tries.length === 0 ? "no-server-answered" : "too-many-waiting";
				return { kind: "failed", why: said, detail, tries };
			}
			this.#failures.failed(questionKey(ask), detail, nowMs);
			return { kind: "failed", why, detail, tries };
		}
		this.#failures.answered(questionKey(ask), nowMs);
		return this.#keep(ask, outcome, nowMs);
	}

	#keep(ask: Ask, outcome: Extract<Outcome, { kind: "answered" }>, nowMs: number): Resolution {
		const { answer, scope, authenticated, server, tries } = outcome;
		const stored = storedAnswer(ask, answer, authenticated, this.#options.rules);
		const entry = {
			ask,
			answer: scope === undefined ? { ...stored, ttlS: undefined } : stored,
			scope: scope ?? { kind: "unasked" as const },
			authenticated,
			server,
			storedAtMs: nowMs,
		};
		if (this.#cache.put(entry, nowMs) === "outranked") {
			// Nobody vouches for what came: what is known from one that somebody vouched for stands.
			this.#cache.refreshFailed(ask, nowMs);
			const held: Held | undefined = this.#cache.find(ask, nowMs);
			if (held !== undefined) return { ...held.resolution, tries };
		}
		return {
			kind: "answered",
			message: withSubnet(stored.message, ask, scope),
			source: "upstream",
			authenticated,
			...(server === undefined ? {} : { server }),
			tries,
		};
	}
}

function aborted(isClosed: boolean): Resolution {
	const detail = isClosed ? "the resolver is closed" : "the caller gave up";
	return { kind: "failed", why: "aborted", detail, tries: NO_TRIES };
}

function tooMany(detail: string): Resolution {
	return { kind: "failed", why: "too-many-waiting", detail, tries: NO_TRIES };
}

function questionKey({ question, dnssecOk, checkingDisabled }: Ask): string {
	const bits = (dnssecOk === true ? 1 : 0) + (checkingDisabled === true ? 2 : 0);
	return `${canonicalDnsName(question.name)} ${question.type} ${question.class} ${bits}`;
}

function flightKey(ask: Ask): string {
	const { clientSubnet } = ask;
	if (clientSubnet === undefined) return questionKey(ask);
	return `${questionKey(ask)} ${clientSubnet.address}/${clientSubnet.sourcePrefix}`;
}
