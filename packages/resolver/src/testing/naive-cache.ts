/**
 * The cache as one would explain it: a list of plain objects, the one least lately asked for first, searched from end to
 * end. Slow, and easy to believe.
 */
import type { TtlRules } from "@plumbline/policy/ttl-rules";
import { encodeDnsMessage } from "@plumbline/signals/dns-message-encode";
import type { CacheEntry } from "../cache.ts";
import { entryBytes } from "../cache-size.ts";
import { recordText } from "./scenario-text.ts";

/** A network as text of its bits: `1010...`; `any`: everybody; `none`: who tells none. */
export interface NaiveEntry {
	readonly name: string;
	readonly type: number;
	readonly dnssecOk: boolean;
	readonly scope: string;
	readonly isForAllTypes: boolean;
	readonly authenticated: boolean;
	readonly storedAtMs: number;
	readonly ttlS: number;
	readonly bytes: number;
	readonly text: string;
	failedAtMs?: number;
	asked: number;
}

export interface NaiveAsk {
	readonly name: string;
	readonly type: number;
	readonly dnssecOk: boolean;
	/** Bits of the network, or `none`. */
	readonly network: string;
}

export class NaiveCache {
	readonly #rules: TtlRules;
	readonly #bytesMax: number;
	list: NaiveEntry[] = [];
	/** The same, the one stored first first. */
	#byStoring: NaiveEntry[] = [];

	constructor(rules: TtlRules, bytesMax: number) {
		this.#rules = rules;
		this.#bytesMax = bytesMax;
	}

	get bytes(): number {
		return this.list.reduce((sum, { bytes }) => sum + bytes, 0);
	}

	/** What a reader may know of it, as text. */
	find(ask: NaiveAsk, nowMs: number): string | undefined {
		const found = this.#best(ask, nowMs);
		if (found === undefined) return undefined;
		this.list = [...this.list.filter((each) => each !== found), found];
		found.asked = Math.min(255, found.asked + 1);
		const leftS = found.ttlS - (nowMs - found.storedAtMs) / 1000;
		const times = leftS > 0 ? `fresh ${Math.max(1, Math.floor(leftS))}` : "stale 30";
		return `${times} ${found.authenticated} ${found.asked} ${found.text}`;
	}

	refreshFailed(ask: NaiveAsk, nowMs: number): boolean {
		const found = this.#best(ask, nowMs);
		if (found !== undefined) found.failedAtMs = nowMs;
		return found !== undefined;
	}

	put(ask: NaiveAsk, scope: string, entry: CacheEntry, nowMs: number): string {
		const { answer, authenticated } = entry;
		if (!authenticated && this.#best(ask, nowMs)?.authenticated) return "outranked";
		if (answer.ttlS === undefined) return "not-kept";
		const same = this.list.filter((each) => each.name === ask.name && each.dnssecOk === ask.dnssecOk);
		const isDoubted =
			!authenticated && same.some((each) => each.authenticated && this.#rank(each, nowMs) > 0);
		const isForAllTypes = answer.isForAllTypes && !isDoubted;
		const gone = new Set(
			same.filter(
				(each) => each.scope === scope && (isForAllTypes || each.isForAllTypes || each.type === ask.type),
			),
		);
		this.list = this.list.filter((each) => !gone.has(each));
		this.#byStoring = this.#byStoring.filter((each) => !gone.has(each));
		const made: NaiveEntry = {
			name: ask.name,
			type: ask.type,
			dnssecOk: ask.dnssecOk,
			scope,
			isForAllTypes,
			authenticated,
			storedAtMs: entry.storedAtMs,
			ttlS: answer.ttlS,
			bytes: entryBytes(ask.name.length, encodeDnsMessage(answer.message).length),
			text: `${answer.message.rcode} ${answer.message.answers.map((each) => recordText({ ...each, ttl: 0 })).join(";")}`,
			asked: 0,
		};
		this.list.push(made);
		this.#byStoring.push(made);
		while (this.bytes > this.#bytesMax) {
			const oldest = this.list.shift();
			this.#byStoring = this.#byStoring.filter((each) => each !== oldest);
		}
		return "kept";
	}

	#best(ask: NaiveAsk, nowMs: number): NaiveEntry | undefined {
		const able = this.#byStoring.filter(
			(each) =>
				each.name === ask.name &&
				each.dnssecOk === ask.dnssecOk &&
				(each.isForAllTypes || each.type === ask.type) &&
				holds(each.scope, ask.network) &&
				this.#rank(each, nowMs) > 0,
		);
		const bits = ({ scope }: NaiveEntry) => (/^[01]/.test(scope) ? scope.length : 0);
		return able
			.reverse()
			.sort(
				(a, b) =>
					this.#rank(b, nowMs) - this.#rank(a, nowMs) || bits(b) - bits(a) || b.storedAtMs - a.storedAtMs,
			)[0];
	}

	/** 4: authenticated and fresh, 3: authenticated and stale, 2: fresh, 1: stale, 0: gone. */
	#rank({ authenticated, storedAtMs, ttlS }: NaiveEntry, nowMs: number): number {
		const ageS = (nowMs - storedAtMs) / 1000;
		if (ageS >= ttlS + this.#rules.staleMaxS) return 0;
		return (authenticated ? 2 : 0) + (ageS < ttlS ? 2 : 1);
	}
}

function holds(scope: string, network: string): boolean {
	if (scope === "any") return true;
	if (scope === "none") return network === "none";
	return network !== "none" && network.startsWith(scope);
}
