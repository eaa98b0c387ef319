/**
 * Wire answers by question, for the server's fast path: an open table over typed arrays, so that 100,000 names cost the
 * collector nothing and a few dozen octets each beside the answer itself.
 *
 *     hash ─▶ tags  [ h0 │ h1 │  … ]   a window of `WINDOW` places, all of which may hold the name
 *             spots [ r0 │ r1 │  … ] ─▶ arena  ▒▒▒ record │ record │ record ▒▒▒ head ──▶ (server-answer-record.ts)
 *                                            tail ──▶
 *
 * The arena is a ring: what is oldest goes, but for what was asked for since, which gets another round. The semantic
 * cache stays the judge: nothing here lives longer than its TTL. The hash is seeded by the caller, so nobody can aim
 * names at one window; if they could, they would only push out each other.
 */
import {
	messageAt,
	NEVER,
	newRecordStore,
	RECORD_FIXED_BYTES,
	type RecordStore,
} from "./server-answer-record.ts";

export interface AnswerTableOptions {
	/** Octets of the arena; the index adds about a sixth. */
	readonly bytesMax: number;
	readonly namesMax: number;
	/** Two secret numbers. */
	readonly seeds: readonly [number, number];
}

export interface AnswerTable {
	/** Where `find` points into. */
	readonly store: RecordStore;
	/** The record for the question in `bytes` (12 octets behind `at`, until `at + questionEnd`), or -1. */
	find(bytes: Uint8Array, at: number, questionEnd: number, keyBits: number, nowMs: number): number;
	/** True once in the record's life, when its time is nearly over. */
	wantsRefresh(record: number, nowMs: number): boolean;
	/** A record from `makeRecord`; replaces an older one. False if it is too large to be kept or holds for no time. */
	insert(made: RecordStore): boolean;
	/** Far longer than what goes over UDP, too. */
	isTooLong(made: RecordStore): boolean;
	clear(): void;
	/** Of those that were not replaced or pushed out; some may have run out. */
	names(): number;
	/** Index and arena. */
	memoryBytes(): number;
}

const WINDOW = 8;
/** The index is at most half full when all names are there. */
const PLACES_A_NAME = 2;
const TABLE_RECORD_BYTES_MAX = 4096;
const ARENA_BYTES_MIN = 16 * TABLE_RECORD_BYTES_MAX;
/** Records that may be given another round in one insertion. */
const ROUNDS_MAX = 4;
const DEAD = -1;

/** Octets to lower case (RFC 4343 section 3). */
const LOWER = Uint8Array.from({ length: 256 }, (_, octet) =>
	octet >= 65 && octet <= 90 ? octet + 32 : octet,
);

export function createAnswerTable({ bytesMax, namesMax, seeds }: AnswerTableOptions): AnswerTable {
	const store = newRecordStore(Math.max(ARENA_BYTES_MIN, bytesMax));
	const arenaBytes = store.bytes.length;
	const places = 2 ** Math.ceil(Math.log2(Math.max(WINDOW * 2, namesMax * PLACES_A_NAME)));
	const mask = places - 1;
	// A window never wraps: the last places are a margin.
	const tags = new Int32Array(places + WINDOW);
	const spots = new Int32Array(places + WINDOW).fill(DEAD);
	const secret = seeds[0] | 0;
	// Odd, so that no bit of the hash is lost.
	const factor = seeds[1] | 1;
	const spared = newRecordStore(ROUNDS_MAX * TABLE_RECORD_BYTES_MAX);
	let head = 0;
	let tail = 0;
	/** Octets between tail and head; tells a full ring from an empty one. */
	let used = 0;
	let live = 0;

	function hashOf(bytes: Uint8Array, from: number, to: number, keyBits: number): number {
		let hash = secret ^ keyBits;
		const nameEnd = to - 4;
		// Case is folded by one bit; names that differ in more than letters may meet, and are told apart by comparing.
		for (let at = from; at < nameEnd; at++) {
			hash = Math.imul(hash ^ ((bytes[at] ?? 0) | 0x20), factor);
			hash ^= hash >>> 15;
		}
		hash = Math.imul(hash ^ (((bytes[nameEnd] ?? 0) << 8) | (bytes[nameEnd + 1] ?? 0)), factor);
		hash ^= hash >>> 13;
		hash = Math.imul(hash, 0x5bd1e995);
		return hash ^ (hash >>> 16);
	}

	function holds(
		record: number,
		bytes: Uint8Array,
		at: number,
		questionEnd: number,
		keyBits: number,
	): boolean {
		if (store.bytes[record + 24] !== keyBits || store.shorts[(record + 34) >> 1] !== questionEnd)
			return false;
		const message = messageAt(store, record);
		for (let index = 12; index < questionEnd - 4; index++) {
			if (store.bytes[message + index] !== LOWER[bytes[at + index] ?? 0]) return false;
		}
		for (let index = questionEnd - 4; index < questionEnd; index++) {
			if (store.bytes[message + index] !== bytes[at + index]) return false;
		}
		return true;
	}

	function placeOf(
		bytes: Uint8Array,
		at: number,
		questionEnd: number,
		keyBits: number,
		hash: number,
	): number {
		const first = hash & mask;
		for (let place = first; place < first + WINDOW; place++) {
			if (tags[place] !== hash) continue;
			const record = spots[place] ?? DEAD;
			if (record !== DEAD && holds(record, bytes, at, questionEnd, keyBits)) return place;
		}
		return DEAD;
	}

	function find(bytes: Uint8Array, at: number, questionEnd: number, keyBits: number, nowMs: number): number {
		const place = placeOf(bytes, at, questionEnd, keyBits, hashOf(bytes, at + 12, at + questionEnd, keyBits));
		if (place === DEAD) return DEAD;
		const record = spots[place] ?? DEAD;
		const agedMs = nowMs - (store.times[record >> 3] ?? 0);
		// A clock that ran back (a test's, a moved capture's) is no reason to serve for longer.
		if (agedMs < 0 || agedMs >= (store.words[(record + 16) >> 2] ?? 0)) return DEAD;
		store.bytes[record + 25] = 1;
		return record;
	}

	function endMsOf(record: number): number {
		return (store.times[record >> 3] ?? 0) + (store.words[(record + 16) >> 2] ?? 0);
	}

	function release(record: number): void {
		const place = store.words[(record + 12) >> 2] ?? DEAD;
		if (place === DEAD) return;
		spots[place] = DEAD;
		store.words[(record + 12) >> 2] = DEAD;
		live--;
	}

	/** Frees the oldest record; if it deserves another round it is copied to `spared`, and its octets are answered. */
	function dropOldest(sparedBytes: number, maySpare: boolean, nowMs: number): number {
		const record = tail;
		const toEnd = arenaBytes - tail;
		// A filler may be shorter than the head of a record.
		const length = toEnd < RECORD_FIXED_BYTES ? toEnd : (store.words[(record + 8) >> 2] ?? 0);
		const isLive = toEnd >= RECORD_FIXED_BYTES && store.words[(record + 12) >> 2] !== DEAD;
		let copied = 0;
		if (maySpare && isLive && store.bytes[record + 25] === 1 && endMsOf(record) > nowMs) {
			store.bytes[record + 25] = 0;
			spared.bytes.set(store.bytes.subarray(record, record + length), sparedBytes);
			copied = length;
		}
		if (isLive) release(record);
		used -= length;
		tail = used === 0 ? head : (tail + length) % arenaBytes;
		return copied;
	}

	/** Makes room at the head for one run of octets; what had to be spared is put back behind it by the caller. */
	function makeRoom(wanted: number, nowMs: number): number {
		let sparedBytes = 0;
		let rounds = 0;
		for (;;) {
			const need = wanted + sparedBytes;
			const toEnd = arenaBytes - head;
			// Too little is left before the end: a filler takes it, and the run begins at 0.
			const filler = toEnd < need ? toEnd : 0;
			if (arenaBytes - used >= need + filler) {
				if (filler > 0) fill(filler);
				return sparedBytes;
			}
			const copied = dropOldest(sparedBytes, rounds < ROUNDS_MAX, nowMs);
			if (copied > 0) rounds++;
			sparedBytes += copied;
		}
	}

	function fill(length: number): void {
		// Shorter ones are known by their place.
		if (length >= RECORD_FIXED_BYTES) markFiller(length);
		used += length;
		head = 0;
	}

	function markFiller(length: number): void {
		store.words[(head + 8) >> 2] = length;
		store.words[(head + 12) >> 2] = DEAD;
	}

	function append(from: RecordStore, at: number): void {
		const length = from.words[(at + 8) >> 2] ?? 0;
		const record = head;
		store.bytes.set(from.bytes.subarray(at, at + length), record);
		head = (head + length) % arenaBytes;
		used += length;
		const message = messageAt(store, record);
		const questionEnd = store.shorts[(record + 34) >> 1] ?? 0;
		const keyBits = store.bytes[record + 24] ?? 0;
		const hash = hashOf(store.bytes, message + 12, message + questionEnd, keyBits);
		const known = placeOf(store.bytes, message, questionEnd, keyBits, hash);
		const place = known === DEAD ? freePlace(hash & mask) : known;
		const before = spots[place] ?? DEAD;
		if (before !== DEAD) release(before);
		tags[place] = hash;
		spots[place] = record;
		store.words[(record + 12) >> 2] = place;
		live++;
	}

	/** An empty place of the window, or the one whose record runs out first. */
	function freePlace(first: number): number {
		let soonest = first;
		let soonestMs = Number.POSITIVE_INFINITY;
		for (let place = first; place < first + WINDOW; place++) {
			const record = spots[place] ?? DEAD;
			if (record === DEAD) return place;
			const endMs = endMsOf(record);
			if (endMs >= soonestMs) continue;
			soonest = place;
			soonestMs = endMs;
		}
		return soonest;
	}

	return {
		store,
		find,
		wantsRefresh: (record, nowMs) => {
			const afterMs = store.words[(record + 20) >> 2] ?? NEVER;
			if (nowMs - (store.times[record >> 3] ?? 0) < afterMs) return false;
			store.words[(record + 20) >> 2] = NEVER;
			return true;
		},
		insert: (made) => {
			const length = made.words[2] ?? 0;
			if (length < RECORD_FIXED_BYTES || length > TABLE_RECORD_BYTES_MAX || made.words[4] === 0) return false;
			const sparedBytes = makeRoom(length, made.times[0] ?? 0);
			for (let at = 0; at < sparedBytes; at += spared.words[(at + 8) >> 2] ?? sparedBytes) append(spared, at);
			append(made, 0);
			return true;
		},
		isTooLong: (made) => (made.words[2] ?? 0) > TABLE_RECORD_BYTES_MAX,
		clear: () => {
			spots.fill(DEAD);
			head = 0;
			tail = 0;
			used = 0;
			live = 0;
		},
		names: () => live,
		memoryBytes: () => arenaBytes + tags.byteLength + spots.byteLength + spared.bytes.length,
	};
}
