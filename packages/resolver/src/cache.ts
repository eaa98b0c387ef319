/**
 * The cache of a resolver: answers by name, type, class, DO, CD and the network for which they hold, bounded in bytes,
 * the one least lately asked for going first.
 *
 *     name ──▶ slot ──▶ slot ──▶ slot        one entry each: A, AAAA, A for 192.0.2.0/24, "does not exist"
 *               │ numbers in columns         cache-slots
 *               └ message in wire form       cache-cells, read by cache-read
 *
 * Of several entries that would do, the authenticated one is taken before any other, even if its time is over and the
 * other's is not: what nobody vouches for never stands before what somebody did. Then the fresh one, the one for the
 * narrowest network, the newest.
 *
 * An answer about one name is never taken apart into answers about others.
 */
import { mayAskAgain, type TtlRules } from "@plumbline/policy/ttl-rules";
import { encodeDnsMessage } from "@plumbline/signals/dns-message-encode";
import { canonicalDnsName } from "@plumbline/signals/dns-name";
import { CellStore } from "./cache-cells.ts";
import { CacheReader, type Held } from "./cache-read.ts";
import { holdsFor, isSameScope, networkOf, type Scope } from "./cache-scope.ts";
import { CACHE_BYTES_DEFAULT, CACHE_BYTES_MIN, entryBytes } from "./cache-size.ts";
import { ALL_TYPES, AUTHENTICATED, CHECKING_DISABLED, DNSSEC_OK, NO_SLOT, SlotTable } from "./cache-slots.ts";
import { tailored } from "./cache-tailor.ts";
import type { StoredAnswer } from "./stored-answer.ts";
import type { Ask, UpstreamServer } from "./upstream.ts";

/** Networks of one name that have answers of their own; then the one that was stored first goes. */
const SCOPES_PER_NAME_MAX = 64;
/** Entries of one name altogether, so that a walk along them stays short. */
const ENTRIES_PER_NAME_MAX = 128;
/** One entry takes no more than this share of the cache. */
const ENTRY_SHARE_MAX = 1 / 8;
/** In times after which a refresh that failed is tried again: so a name that is in use is known to be ill all along. */
const FAILED_LATELY_RETRIES = 2;
/** Servers that are remembered as the source of an answer. */
const SERVERS_MAX = 1_024;

const ASKED_BITS = DNSSEC_OK | CHECKING_DISABLED;
const UNASKED: Scope = { kind: "unasked" };

export interface CacheOptions {
	readonly rules: TtlRules;
	/** 64 MiB by default. */
	readonly bytesMax?: number | undefined;
	/** Entries that had to go for room. */
	readonly onEvicted?: ((entries: number, bytes: number) => void) | undefined;
}

export interface CacheEntry {
	readonly ask: Ask;
	readonly answer: StoredAnswer;
	readonly scope: Scope;
	readonly authenticated: boolean;
	readonly server?: UpstreamServer | undefined;
	readonly storedAtMs: number;
}

/** An entry as it lies there, for a snapshot. */
export interface RawEntry {
	readonly ask: Ask;
	readonly scope: Scope;
	readonly authenticated: boolean;
	readonly storedAtMs: number;
	readonly ttlS: number;
	readonly octets: Uint8Array;
}

export class DnsCache {
	readonly #rules: TtlRules;
	readonly #bytesMax: number;
	readonly #onEvicted: CacheOptions["onEvicted"];
	readonly #slots = new SlotTable();
	readonly #cells = new CellStore();
	readonly #reader: CacheReader;
	/** The first entry of each name. */
	readonly #names = new Map<string, number>();
	readonly #servers: (UpstreamServer | undefined)[] = [undefined];
	#bytes = 0;

	constructor({ rules, bytesMax = CACHE_BYTES_DEFAULT, onEvicted }: CacheOptions) {
		if (!(bytesMax >= CACHE_BYTES_MIN))
			throw new RangeError(`a cache must have ${CACHE_BYTES_MIN} bytes or more, not ${bytesMax}`);
		this.#rules = rules;
		this.#bytesMax = bytesMax;
		this.#onEvicted = onEvicted;
		this.#reader = new CacheReader(this.#slots, this.#cells, rules);
	}

	get entries(): number {
		return this.#slots.used;
	}

	get bytes(): number {
		return this.#bytes;
	}

	/** What would answer this now. It counts as asked for, and is the last to go from now on. */
	find(ask: Ask, nowMs: number): Held | undefined {
		const slot = this.#best(ask, nowMs);
		if (slot === NO_SLOT) return undefined;
		const held = this.#reader.read(slot, this.#servers[this.#slots.server[slot] ?? 0], nowMs);
		if (held === undefined) return undefined;
		this.#slots.touch(slot);
		const asked = this.#slots.asked[slot] ?? 0;
		if (asked < 255) this.#slots.asked[slot] = asked + 1;
		return tailored(held, ask, this.#slots.scopes.get(slot));
	}

	/** How often what `find` just gave was asked for since it was stored; counts to 255. */
	timesAsked({ slot }: Held): number {
		return this.#slots.asked[slot] ?? 0;
	}

	/** Whether what `find` just gave may be refreshed: not soon after that failed. */
	mayRefresh({ slot }: Held, nowMs: number): boolean {
		const failedAtMs = this.#slots.failedAtMs[slot] ?? Number.NaN;
		return mayAskAgain(this.#rules, Number.isNaN(failedAtMs) ? undefined : failedAtMs, nowMs);
	}

	/** Whether a refresh of what `find` just gave failed not long ago: its servers are known to be ill. */
	failedLately({ slot }: Held, nowMs: number): boolean {
		const failedAtMs = this.#slots.failedAtMs[slot] ?? Number.NaN;
		return nowMs - failedAtMs < FAILED_LATELY_RETRIES * this.#rules.staleRetryS * 1_000;
	}

	/** To be told when servers did not answer. False: there is nothing to serve instead. */
	refreshFailed(ask: Ask, nowMs: number): boolean {
		const slot = this.#best(ask, nowMs);
		if (slot === NO_SLOT) return false;
		this.#slots.failedAtMs[slot] = nowMs;
		return true;
	}

	/** `outranked`: there is an authenticated answer that still serves, and this one is not. */
	put(entry: CacheEntry, nowMs: number): "kept" | "not-kept" | "outranked" {
		const { ask, answer, authenticated } = entry;
		const best = authenticated ? NO_SLOT : this.#best(ask, nowMs);
		if (best !== NO_SLOT && ((this.#slots.flags[best] ?? 0) & AUTHENTICATED) !== 0) return "outranked";
		if (answer.ttlS === undefined) return "not-kept";
		const name = canonicalDnsName(ask.question.name);
		const octets = octetsOf(answer);
		if (octets === undefined) return "not-kept";
		const bytes = entryBytes(name.length, octets.length);
		if (bytes > this.#bytesMax * ENTRY_SHARE_MAX) return "not-kept";
		const rivals = this.#slotsOf(name).filter((slot) => this.#isAskedAlike(slot, ask));
		// That a name does not exist is not believed of one that was seen by somebody better; it counts for its type.
		const isDoubted = !authenticated && rivals.some((slot) => this.#isVouchedFor(slot, nowMs));
		const isForAllTypes = answer.isForAllTypes && !isDoubted;
		this.#removeRivals(rivals, { ...entry, answer: { ...answer, isForAllTypes } });
		if (!this.#makeRoomForName(name, authenticated)) return "not-kept";
		this.#store(name, { ...entry, answer: { ...answer, isForAllTypes } }, answer.ttlS, octets);
		this.#bytes += bytes;
		this.#evict();
		return "kept";
	}

	/** From the one least lately asked for to the newest. Nothing may be put in between. */
	*raw(): Generator<RawEntry> {
		const slots = this.#slots;
		for (let slot = slots.oldest; slot !== NO_SLOT; slot = slots.newerThan(slot)) {
			const flags = slots.flags[slot] ?? 0;
			yield {
				ask: {
					question: {
						name: slots.names[slot] ?? ".",
						type: slots.type[slot] ?? 0,
						class: slots.class[slot] ?? 0,
					},
					dnssecOk: (flags & DNSSEC_OK) !== 0,
					checkingDisabled: (flags & CHECKING_DISABLED) !== 0,
				},
				scope: slots.scopes.get(slot) ?? UNASKED,
				authenticated: (flags & AUTHENTICATED) !== 0,
				storedAtMs: slots.storedAtMs[slot] ?? 0,
				ttlS: slots.ttlS[slot] ?? 0,
				octets: this.#reader.octets(slot),
			};
		}
	}

	#best(ask: Ask, nowMs: number): number {
		const { question, clientSubnet } = ask;
		const slots = this.#slots;
		const asker = clientSubnet === undefined ? UNASKED : networkOf(clientSubnet);
		const wanted = wantedBits(ask);
		let best = NO_SLOT;
		let bestScore = 0;
		let slot = this.#names.get(canonicalDnsName(question.name)) ?? NO_SLOT;
		for (; slot !== NO_SLOT; slot = slots.next[slot] ?? NO_SLOT) {
			const flags = slots.flags[slot] ?? 0;
			if ((flags & ASKED_BITS) !== wanted || slots.class[slot] !== question.class) continue;
			if (slots.type[slot] !== question.type && (flags & ALL_TYPES) === 0) continue;
			const scope = slots.scopes.get(slot) ?? UNASKED;
			if (!holdsFor(scope, asker)) continue;
			const score = this.#score(slot, flags, scope, nowMs);
			if (score > bestScore || (score === bestScore && score > 0 && this.#isNewer(slot, best))) {
				best = slot;
				bestScore = score;
			}
		}
		return best;
	}

	/** 0: gone. */
	#score(slot: number, flags: number, scope: Scope, nowMs: number): number {
		const leftS =
			(this.#slots.ttlS[slot] ?? 0) - Math.max(0, nowMs - (this.#slots.storedAtMs[slot] ?? 0)) / 1000;
		if (leftS <= 0 && -leftS >= this.#rules.staleMaxS) return 0;
		const rank = ((flags & AUTHENTICATED) !== 0 ? 2 : 0) + (leftS > 0 ? 2 : 1);
		return rank * 256 + (scope.kind === "network" ? scope.prefix : 0);
	}

	#isNewer(slot: number, than: number): boolean {
		return (this.#slots.storedAtMs[slot] ?? 0) > (this.#slots.storedAtMs[than] ?? 0);
	}

	#isAskedAlike(slot: number, ask: Ask): boolean {
		const bits = (this.#slots.flags[slot] ?? 0) & ASKED_BITS;
		return bits === wantedBits(ask) && this.#slots.class[slot] === ask.question.class;
	}

	/** Authenticated, and it still serves. */
	#isVouchedFor(slot: number, nowMs: number): boolean {
		const flags = this.#slots.flags[slot] ?? 0;
		return (flags & AUTHENTICATED) !== 0 && this.#score(slot, flags, UNASKED, nowMs) > 0;
	}

	/** What says something else, or the same, of the same question and network. */
	#removeRivals(rivals: readonly number[], { ask, answer, scope }: CacheEntry): void {
		const slots = this.#slots;
		for (const slot of rivals) {
			const isAboutAll = answer.isForAllTypes || ((slots.flags[slot] ?? 0) & ALL_TYPES) !== 0;
			if (!isAboutAll && slots.type[slot] !== ask.question.type) continue;
			if (isSameScope(slots.scopes.get(slot) ?? UNASKED, scope)) this.#remove(slot);
		}
	}

	/** The one stored first goes, those without proof before the others. False: there is no room for one without proof. */
	#makeRoomForName(name: string, authenticated: boolean): boolean {
		const all = this.#slotsOf(name);
		const scoped = all.filter((slot) => this.#slots.scopes.get(slot)?.kind === "network");
		const crowd =
			scoped.length >= SCOPES_PER_NAME_MAX ? scoped : all.length >= ENTRIES_PER_NAME_MAX ? all : undefined;
		if (crowd === undefined) return true;
		const unproven = crowd.findLast((slot) => ((this.#slots.flags[slot] ?? 0) & AUTHENTICATED) === 0);
		const victim = unproven ?? (authenticated ? crowd.at(-1) : undefined);
		if (victim === undefined) return false;
		this.#remove(victim);
		return true;
	}

	/** Stored last first. */
	#slotsOf(name: string): number[] {
		const found: number[] = [];
		let slot = this.#names.get(name) ?? NO_SLOT;
		for (; slot !== NO_SLOT; slot = this.#slots.next[slot] ?? NO_SLOT) found.push(slot);
		return found;
	}

	#store(name: string, entry: CacheEntry, ttlS: number, octets: Uint8Array): void {
		const { ask, answer, scope, authenticated, server, storedAtMs } = entry;
		const slots = this.#slots;
		const head = this.#names.get(name);
		const ownName = head === undefined ? ownCopy(name) : (slots.names[head] ?? name);
		const slot = slots.take();
		slots.names[slot] = ownName;
		slots.storedAtMs[slot] = storedAtMs;
		slots.failedAtMs[slot] = Number.NaN;
		slots.ttlS[slot] = ttlS;
		slots.type[slot] = ask.question.type;
		slots.class[slot] = ask.question.class;
		slots.flags[slot] =
			wantedBits(ask) | (authenticated ? AUTHENTICATED : 0) | (answer.isForAllTypes ? ALL_TYPES : 0);
		slots.asked[slot] = 0;
		slots.looked[slot] = 0;
		slots.server[slot] = this.#serverIndex(server);
		slots.octets[slot] = octets.length;
		slots.cell[slot] = this.#cells.write(octets);
		slots.next[slot] = head ?? NO_SLOT;
		if (scope.kind !== "unasked") slots.scopes.set(slot, scope);
		this.#names.set(ownName, slot);
	}

	#remove(slot: number): number {
		const slots = this.#slots;
		const name = slots.names[slot] ?? "";
		const chain = this.#slotsOf(name);
		const at = chain.indexOf(slot);
		const before = chain[at - 1];
		const after = slots.next[slot] ?? NO_SLOT;
		if (before !== undefined) slots.next[before] = after;
		else if (after === NO_SLOT) this.#names.delete(name);
		else this.#names.set(name, after);
		const bytes = entryBytes(name.length, slots.octets[slot] ?? 0);
		this.#cells.free(slots.cell[slot] ?? NO_SLOT);
		this.#reader.forget(slot);
		slots.give(slot);
		this.#bytes -= bytes;
		return bytes;
	}

	#evict(): void {
		let entries = 0;
		let bytes = 0;
		for (; this.#bytes > this.#bytesMax; entries++) bytes += this.#remove(this.#slots.oldest);
		if (entries > 0) this.#onEvicted?.(entries, bytes);
	}

	#serverIndex(server: UpstreamServer | undefined): number {
		const known = this.#servers.indexOf(server);
		if (known >= 0) return known;
		if (this.#servers.length >= SERVERS_MAX) return 0;
		return this.#servers.push(server) - 1;
	}
}

function wantedBits({ dnssecOk, checkingDisabled }: Ask): number {
	return (dnssecOk === true ? DNSSEC_OK : 0) | (checkingDisabled === true ? CHECKING_DISABLED : 0);
}

/** Undefined: it is nothing that fits into a message. */
function octetsOf({ message }: StoredAnswer): Uint8Array | undefined {
	try {
		const octets = encodeDnsMessage(message);
		// Bit TC: some of it was left out for want of room.
		return ((octets[2] ?? 0) & 2) === 0 ? octets : undefined;
	} catch (error) {
		if (error instanceof RangeError) return undefined;
		throw error;
	}
}

/** A name that was cut out of a packet or a line keeps all of that alive; a copy does not. */
function ownCopy(name: string): string {
	return Buffer.from(name, "latin1").toString("latin1");
}
