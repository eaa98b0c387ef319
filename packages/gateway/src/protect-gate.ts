/**
 * The gate of a route: what may refuse a request before any upstream is asked, the cheapest first.
 *
 *     request ─▶ read-only? ─▶ shed? ─▶ rate limits ─▶ concurrency ─▶ admitted ─▶ … ─▶ leave
 *                   503          503       429 ▲ waits     503 ▲ waits
 *                                            for Redis       in its queue
 *
 * What a reload leaves as it was keeps its counts; what it changed begins anew, and requests that are in it, or wait in
 * it, end in the old one. A refusal says so in a field of its own, `plumbline-refused`, besides its status.
 */
import type { Timers } from "@plumbline/resolver/timers";
import type { Admitted, Gate, GateOutcome, GateRequest, GateWaiting, Refused } from "./gate.ts";
import { keyOf } from "./key-source.ts";
import type { FieldPairs } from "./message.ts";
import type { Observe } from "./observer.ts";
import { type Parked, RouteConcurrency, type Slot, type SlotWaiter } from "./protect-concurrency.ts";
import { type RateVerdict, RouteRateLimits } from "./protect-rate-limit.ts";
import type { SharedStores } from "./protect-rate-limit-shared.ts";
import { ReadOnlyDegrade, type WriteTicket } from "./protect-read-only.ts";
import { type LoopLag, RouteShed } from "./protect-shed.ts";
import type { RouteSettings } from "./settings.ts";

/** What the gates of a process share. */
export interface GateParts {
	readonly now: () => number;
	readonly timers: Timers;
	/** 0 to 1. */
	readonly random: () => number;
	readonly observe: Observe;
	readonly lag: LoopLag;
	/** Undefined: shared limits are counted here alone. */
	readonly stores: SharedStores | undefined;
}

export interface GateCounts {
	readonly admitted: number;
	readonly refused: Readonly<Record<Refused["why"], number>>;
	/** For Redis or a place. */
	readonly waiting: number;
	/** 0 to 1. */
	readonly shedShare: number;
	readonly readOnly: boolean;
	readonly rateLimitKeys: number;
	/** Undefined: no limit. */
	readonly concurrency: RouteConcurrency["counts"] | undefined;
}

export interface RouteGate extends Gate {
	readonly counts: GateCounts;
	/** How long an exchange of this route has waited in a pool; 0 counts too. */
	observeWait(ms: number): void;
	update(route: RouteSettings): void;
	/** Whoever waits is refused, and so is whoever comes. */
	close(): void;
}

export function createGate(route: RouteSettings, parts: GateParts): RouteGate {
	return new ProtectGate(route, parts);
}

/** Of a route that protects itself by nothing. */
const FREE: Admitted = { kind: "admitted", fields: [], leave: () => undefined };
const SHED_RETRY_SECONDS = "1";
const CROWDED_RETRY_SECONDS = "1";

/** What a request was let through by; a reload makes another, and the request keeps its own. */
interface Guards {
	readonly free: boolean;
	readonly readOnly: ReadOnlyDegrade;
	readonly shed: RouteShed | undefined;
	readonly rateLimits: RouteRateLimits | undefined;
	readonly concurrency: RouteConcurrency | undefined;
}

class ProtectGate implements RouteGate {
	readonly #parts: GateParts;
	#name: string;
	#guards: Guards;
	#closed = false;
	#admitted = 0;
	readonly #refused: Record<Refused["why"], number> = {
		"rate-limit": 0,
		concurrency: 0,
		shed: 0,
		"read-only": 0,
		closing: 0,
	};
	readonly #waiting = new Set<Passage>();

	constructor(route: RouteSettings, parts: GateParts) {
		this.#parts = parts;
		this.#name = route.name;
		this.#guards = this.#guardsOf(route, undefined);
	}

	get counts(): GateCounts {
		const { readOnly, shed, rateLimits, concurrency } = this.#guards;
		return {
			admitted: this.#admitted,
			refused: { ...this.#refused },
			waiting: this.#waiting.size,
			shedShare: shed?.share ?? 0,
			readOnly: readOnly.on,
			rateLimitKeys: rateLimits?.keys ?? 0,
			concurrency: concurrency?.counts,
		};
	}

	observeWait(ms: number): void {
		this.#guards.shed?.observeWait(ms, this.#parts.now());
	}

	update(route: RouteSettings): void {
		this.#name = route.name;
		const old = this.#guards;
		this.#guards = this.#guardsOf(route, old);
		if (old.shed !== this.#guards.shed) old.shed?.close();
		if (old.rateLimits !== this.#guards.rateLimits) old.rateLimits?.close();
	}

	close(): void {
		if (this.#closed) return;
		this.#closed = true;
		for (const passage of [...this.#waiting]) passage.settle(this.refuse("closing", []));
		this.#guards.shed?.close();
		this.#guards.rateLimits?.close();
	}

	enter(
		request: GateRequest,
		nowMs: number,
		later: (decision: Admitted | Refused) => void,
	): Admitted | Refused | GateWaiting {
		const guards = this.#guards;
		if (this.#closed) return this.refuse("closing", []);
		if (guards.free) {
			this.#admitted++;
			return FREE;
		}
		const { readOnly, shed } = guards;
		const ticket = readOnly.enter(request.head.method, nowMs);
		if (ticket === "refused") return this.#refuseWrite(readOnly, nowMs);
		if (shed !== undefined && !shed.admits(request.head, nowMs, this.#parts.random())) {
			readOnly.leave(ticket, undefined, nowMs);
			return this.refuse("shed", ["retry-after", SHED_RETRY_SECONDS]);
		}
		const passage = new Passage(this, guards, ticket, later);
		const decision = passage.begin(request, this.#concurrencyKey(guards, request), nowMs);
		if (decision !== undefined) return decision;
		this.#waiting.add(passage);
		return { kind: "waiting", cancel: () => passage.cancel(this.#parts.now()) };
	}

	admitted(): void {
		this.#admitted++;
	}

	settled(passage: Passage): void {
		this.#waiting.delete(passage);
	}

	now(): number {
		return this.#parts.now();
	}

	refuse(why: Refused["why"], fields: FieldPairs): Refused {
		this.#refused[why]++;
		const status = why === "rate-limit" ? 429 : 503;
		return {
			kind: "refused",
			status,
			why,
			fields: ["plumbline-refused", why, ...fields],
			message: MESSAGES[why],
		};
	}

	#refuseWrite(readOnly: ReadOnlyDegrade, nowMs: number): Refused {
		const seconds = Math.max(1, Math.ceil(readOnly.retryAfterMs(nowMs) / 1000));
		return this.refuse("read-only", ["retry-after", String(seconds)]);
	}

	#concurrencyKey({ concurrency }: Guards, request: GateRequest): string | undefined {
		const by = concurrency?.settings.by;
		return by === undefined ? undefined : keyOf(by, request);
	}

	#guardsOf(route: RouteSettings, old: Guards | undefined): Guards {
		const parts = this.#parts;
		const { readOnly, shed, rateLimits, concurrency } = route;
		const changed = (on: boolean) => parts.observe({ kind: "read-only", route: this.#name, on });
		return {
			free: readOnly.mode === "off" && !shed && rateLimits.length === 0 && concurrency === undefined,
			readOnly: kept(old?.readOnly, readOnly) ?? new ReadOnlyDegrade(readOnly, changed),
			shed: shed && (kept(old?.shed, shed) ?? new RouteShed(shed, parts.lag, parts.now())),
			rateLimits:
				rateLimits.length === 0
					? undefined
					: (kept(old?.rateLimits, rateLimits) ??
						new RouteRateLimits(rateLimits, { ...parts, route: route.name })),
			concurrency:
				concurrency && (kept(old?.concurrency, concurrency) ?? new RouteConcurrency(concurrency, parts)),
		};
	}
}

const MESSAGES: Readonly<Record<Refused["why"], string>> = {
	"rate-limit": "Too many requests: wait as long as Retry-After says, then send it again.",
	concurrency: "Too many requests are under way here: send it again in a moment.",
	shed: "This service is overloaded and refuses some requests: send it again in a moment.",
	"read-only": "Only reading is possible at the moment: nothing was changed. Send it again later.",
	closing: "This gateway is going down: send it again, and another will answer.",
};

/** One request on its way through the gate, then through the service. */
class Passage implements Admitted, SlotWaiter {
	readonly kind = "admitted";
	fields: FieldPairs = FREE.fields;
	readonly #gate: ProtectGate;
	readonly #guards: Guards;
	readonly #ticket: WriteTicket;
	readonly #later: (decision: Admitted | Refused) => void;
	#slot: Slot | undefined;
	#parked: Parked | undefined;
	/** Told, cancelled, or on its way out. */
	#decided = false;
	#left = false;

	constructor(
		gate: ProtectGate,
		guards: Guards,
		ticket: WriteTicket,
		later: (decision: Admitted | Refused) => void,
	) {
		this.#gate = gate;
		this.#guards = guards;
		this.#ticket = ticket;
		this.#later = later;
	}

	/** Undefined: it waits. */
	begin(request: GateRequest, key: string | undefined, nowMs: number): Admitted | Refused | undefined {
		const { rateLimits } = this.#guards;
		if (rateLimits === undefined) return this.#crowd(key, nowMs);
		if (!rateLimits.asks) {
			const verdict = rateLimits.take(request, nowMs, unexpected);
			return verdict === undefined ? undefined : this.#afterRates(verdict, key, nowMs);
		}
		let answered: Admitted | Refused | undefined;
		let returned = false;
		const verdict = rateLimits.take(request, nowMs, (told) => {
			if (this.#decided) return;
			const decision = this.#afterRates(told, key, this.#gate.now());
			if (!returned) answered = decision;
			else if (decision !== undefined) this.settle(decision);
		});
		returned = true;
		return verdict === undefined ? answered : this.#afterRates(verdict, key, nowMs);
	}

	#afterRates(verdict: RateVerdict, key: string | undefined, nowMs: number): Admitted | Refused | undefined {
		this.fields = verdict.fields;
		if (verdict.allowed) return this.#crowd(key, nowMs);
		return this.#turnedAway("rate-limit", nowMs);
	}

	#crowd(key: string | undefined, nowMs: number): Admitted | Refused | undefined {
		const { concurrency } = this.#guards;
		if (concurrency === undefined) return this.#through();
		const place = concurrency.enter(key, this, nowMs);
		if (place === undefined) return this.#turnedAway("concurrency", nowMs);
		if ("call" in place) {
			this.#slot = place;
			return this.#through();
		}
		this.#parked = place;
		return undefined;
	}

	granted(slot: Slot): void {
		this.#parked = undefined;
		this.#slot = slot;
		this.settle(this.#through());
	}

	expired(): void {
		this.#parked = undefined;
		this.settle(this.#turnedAway("concurrency", this.#gate.now()));
	}

	/** Tells whoever waits. */
	settle(decision: Admitted | Refused): void {
		if (this.#decided) return;
		this.#decided = true;
		this.#gate.settled(this);
		if (decision.kind === "refused") this.#letGo(this.#gate.now());
		this.#later(decision);
	}

	cancel(nowMs: number): void {
		if (this.#decided) return;
		this.#decided = true;
		this.#gate.settled(this);
		this.#letGo(nowMs);
	}

	leave(outcome: GateOutcome, nowMs: number): void {
		if (this.#left) return;
		this.#left = true;
		this.#guards.readOnly.leave(this.#ticket, outcome, nowMs);
		if (this.#slot === undefined) return;
		this.#guards.concurrency?.leave(
			this.#slot,
			outcome.status === undefined ? "fast-failure" : "answered",
			nowMs,
		);
	}

	#through(): Admitted {
		this.#gate.admitted();
		return this;
	}

	#turnedAway(why: "rate-limit" | "concurrency", nowMs: number): Refused {
		this.#letGo(nowMs);
		const retry = why === "concurrency" ? ["retry-after", CROWDED_RETRY_SECONDS] : [];
		return this.#gate.refuse(why, [...this.fields, ...retry]);
	}

	/** It goes no further: what it holds is free for others. */
	#letGo(nowMs: number): void {
		if (this.#left) return;
		this.#left = true;
		this.#guards.readOnly.leave(this.#ticket, undefined, nowMs);
		if (this.#parked !== undefined) this.#guards.concurrency?.cancel(this.#parked, nowMs);
		this.#parked = undefined;
	}
}

function unexpected(): void {
	throw new Error("limits that are all counted here answer at once");
}

/** The guard of before, if it was told the same. */
function kept<Settings, Guard extends { readonly settings: Settings }>(
	guard: Guard | undefined,
	settings: Settings,
): Guard | undefined {
	if (guard === undefined) return undefined;
	return JSON.stringify(guard.settings) === JSON.stringify(settings) ? guard : undefined;
}
