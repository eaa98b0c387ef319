/**
 * Entries as messages. Decoding takes microseconds, so what was asked for lately is kept decoded; and as TTLs change
 * once a second, the message with the TTLs of this second is kept too, until it is wrong.
 */
import { ageOf, type TtlRules } from "@plumbline/policy/ttl-rules";
import { DNS_RCODE, type DnsMessage } from "@plumbline/signals/dns-message";
import { decodeDnsMessage } from "@plumbline/signals/dns-message-decode";
import type { CellStore } from "./cache-cells.ts";
import { AUTHENTICATED, type SlotTable } from "./cache-slots.ts";
import type { Resolution } from "./resolution.ts";
import { withTtls } from "./stored-answer.ts";
import type { UpstreamServer } from "./upstream.ts";

/** Messages kept decoded; about 1.5 KB each. */
const DECODED_MAX = 2_048;
/** In wire form, all together: decoded they take some fifteen times that, and the cache does not count it. */
const DECODED_OCTETS_MAX = 2 * 1024 * 1024;
/** Looks at whatever names between two looks at one: if there were more, it is not kept decoded, for it would not last. */
const LOOKS_BETWEEN_MAX = 2 * DECODED_MAX;

/** Extended DNS errors (RFC 8914). */
const STALE_ANSWER = 3;
const STALE_NXDOMAIN_ANSWER = 19;
const UDP_SIZE_MAX = 1232;

export type Answered = Extract<Resolution, { kind: "answered" }>;

export interface Held {
	readonly slot: number;
	readonly kind: "fresh" | "stale";
	readonly authenticated: boolean;
	/** Its end is near (fresh), by time alone. */
	readonly isEndNear: boolean;
	readonly resolution: Answered;
}

interface Memo {
	readonly message: DnsMessage;
	/** In wire form. */
	readonly octets: number;
	held: Held | undefined;
	/** `held` is right from then until before then. */
	fromMs: number;
	untilMs: number;
}

export class CacheReader {
	readonly #slots: SlotTable;
	readonly #cells: CellStore;
	readonly #rules: TtlRules;
	readonly #memos = new Map<number, Memo>();
	/** Of all of them. */
	#decodedOctets = 0;
	#looks = 0;

	constructor(slots: SlotTable, cells: CellStore, rules: TtlRules) {
		this.#slots = slots;
		this.#cells = cells;
		this.#rules = rules;
	}

	/** What it holds at that time; undefined if that is gone. */
	read(slot: number, server: UpstreamServer | undefined, nowMs: number): Held | undefined {
		let memo = this.#memos.get(slot);
		if (memo?.held !== undefined && nowMs >= memo.fromMs && nowMs < memo.untilMs) return memo.held;
		const storedAtMs = this.#slots.storedAtMs[slot] ?? 0;
		const ttlS = this.#slots.ttlS[slot] ?? 0;
		const age = ageOf(this.#rules, { storedAtMs, ttlS }, nowMs);
		if (age.kind === "gone") return undefined;
		memo ??= this.#decode(slot);
		if (memo === undefined) return undefined;
		const authenticated = ((this.#slots.flags[slot] ?? 0) & AUTHENTICATED) !== 0;
		const fresh = age.kind === "fresh";
		const spentS = age.kind === "fresh" ? ttlS - age.leftS : 0;
		const message =
			age.kind === "fresh"
				? withTtls(memo.message, (own) => Math.max(own - spentS, age.leftS))
				: staleMessage(memo.message, age.answerTtlS);
		memo.held = {
			slot,
			kind: age.kind,
			authenticated,
			isEndNear: age.kind === "fresh" && age.prefetch,
			resolution: {
				kind: "answered",
				message,
				source: fresh ? "cache" : "stale",
				authenticated,
				...(server === undefined ? {} : { server }),
				tries: NO_TRIES,
			},
		};
		const endMs = storedAtMs + ttlS * 1000;
		memo.fromMs = nowMs;
		if (age.kind === "stale") memo.untilMs = endMs + this.#rules.staleMaxS * 1000;
		else {
			const tickMs = age.leftS > 1 ? endMs - age.leftS * 1000 : endMs;
			const nearMs = endMs - ttlS * this.#rules.prefetchShare * 1000;
			memo.untilMs = age.prefetch ? tickMs : Math.min(tickMs, nearMs);
		}
		return memo.held;
	}

	/** The bytes as they were stored. */
	octets(slot: number): Uint8Array {
		return this.#cells.read(this.#slots.cell[slot] ?? 0, this.#slots.octets[slot] ?? 0);
	}

	forget(slot: number): void {
		this.#decodedOctets -= this.#memos.get(slot)?.octets ?? 0;
		this.#memos.delete(slot);
	}

	#decode(slot: number): Memo | undefined {
		const bytes = this.octets(slot);
		const decoded = decodeDnsMessage(bytes);
		if (decoded.kind !== "decoded") return undefined;
		const { length: octets } = bytes;
		const memo: Memo = { message: decoded.message, octets, held: undefined, fromMs: 0, untilMs: 0 };
		const looks = ++this.#looks >>> 0;
		const before = this.#slots.looked[slot] ?? 0;
		this.#slots.looked[slot] = looks;
		if (looks - before > LOOKS_BETWEEN_MAX) return memo;
		this.#decodedOctets += octets;
		this.#memos.set(slot, memo);
		for (const first of this.#memos.keys()) {
			if (this.#memos.size <= DECODED_MAX && this.#decodedOctets <= DECODED_OCTETS_MAX) break;
			this.forget(first);
		}
		return memo;
	}
}

const NO_TRIES: readonly never[] = Object.freeze([]);

function staleMessage(message: DnsMessage, ttlS: number): DnsMessage {
	const code = message.rcode === DNS_RCODE.NXDOMAIN ? STALE_NXDOMAIN_ANSWER : STALE_ANSWER;
	return {
		...withTtls(message, () => ttlS),
		edns: {
			udpSizeMax: UDP_SIZE_MAX,
			version: 0,
			dnssecOk: false,
			options: [{ kind: "extended-error", code, text: "" }],
		},
	};
}
