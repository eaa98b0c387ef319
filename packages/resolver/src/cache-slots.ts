/**
 * The entries of the cache as columns of numbers: about 50 bytes each where an object would take 200. An entry is a
 * slot; slots are linked three ways:
 *
 *     newest ⇄ ... ⇄ oldest         by when they were last asked for: the oldest goes first
 *     name → slot → slot            entries of one name: its types, its networks
 *     free → slot → slot            slots that hold nothing
 */
import type { Scope } from "./cache-scope.ts";

export const NO_SLOT = -1;

/** Bits of `flags`. */
export const DNSSEC_OK = 1;
export const CHECKING_DISABLED = 2;
export const AUTHENTICATED = 4;
export const ALL_TYPES = 8;

const SLOTS_AT_FIRST = 256;
const GROWTH = 1.25;

export class SlotTable {
	storedAtMs = new Float64Array(SLOTS_AT_FIRST);
	/** When a refresh last failed; NaN: none did. */
	failedAtMs = new Float64Array(SLOTS_AT_FIRST);
	ttlS = new Uint32Array(SLOTS_AT_FIRST);
	type = new Uint16Array(SLOTS_AT_FIRST);
	class = new Uint16Array(SLOTS_AT_FIRST);
	flags = new Uint8Array(SLOTS_AT_FIRST);
	/** Times it was asked for; stays at 255. */
	asked = new Uint8Array(SLOTS_AT_FIRST);
	/** By the cache's list of servers. */
	server = new Uint16Array(SLOTS_AT_FIRST);
	octets = new Uint32Array(SLOTS_AT_FIRST);
	/** When it was last decoded, in such looks. */
	looked = new Uint32Array(SLOTS_AT_FIRST);
	cell = new Int32Array(SLOTS_AT_FIRST);
	/** Of the same name; also the list of free ones. */
	next = new Int32Array(SLOTS_AT_FIRST);
	readonly names: string[] = [];
	/** Most answers hold for everybody who asks alike; only the others are here. */
	readonly scopes = new Map<number, Scope>();

	#newer = new Int32Array(SLOTS_AT_FIRST);
	#older = new Int32Array(SLOTS_AT_FIRST);
	#newest = NO_SLOT;
	#oldest = NO_SLOT;
	#free = NO_SLOT;
	#everUsed = 0;
	#used = 0;

	get used(): number {
		return this.#used;
	}

	get oldest(): number {
		return this.#oldest;
	}

	newerThan(slot: number): number {
		return this.#newer[slot] ?? NO_SLOT;
	}

	/** A slot that holds nothing yet, the newest from now on. */
	take(): number {
		let slot = this.#free;
		if (slot === NO_SLOT) {
			slot = this.#everUsed++;
			if (slot >= this.#newer.length) this.#grow();
		} else this.#free = this.next[slot] ?? NO_SLOT;
		this.#used++;
		this.#link(slot);
		return slot;
	}

	give(slot: number): void {
		this.#unlink(slot);
		this.names[slot] = "";
		this.scopes.delete(slot);
		this.next[slot] = this.#free;
		this.#free = slot;
		this.#used--;
	}

	/** Makes it the newest. */
	touch(slot: number): void {
		if (this.#newest === slot) return;
		this.#unlink(slot);
		this.#link(slot);
	}

	#link(slot: number): void {
		this.#older[slot] = this.#newest;
		this.#newer[slot] = NO_SLOT;
		if (this.#newest !== NO_SLOT) this.#newer[this.#newest] = slot;
		else this.#oldest = slot;
		this.#newest = slot;
	}

	#unlink(slot: number): void {
		const newer = this.#newer[slot] ?? NO_SLOT;
		const older = this.#older[slot] ?? NO_SLOT;
		if (newer === NO_SLOT) this.#newest = older;
		else this.#older[newer] = older;
		if (older === NO_SLOT) this.#oldest = newer;
		else this.#newer[older] = newer;
	}

	#grow(): void {
		const length = Math.ceil(this.#newer.length * GROWTH);
		this.storedAtMs = longer(this.storedAtMs, new Float64Array(length));
		this.failedAtMs = longer(this.failedAtMs, new Float64Array(length));
		this.ttlS = longer(this.ttlS, new Uint32Array(length));
		this.type = longer(this.type, new Uint16Array(length));
		this.class = longer(this.class, new Uint16Array(length));
		this.flags = longer(this.flags, new Uint8Array(length));
		this.asked = longer(this.asked, new Uint8Array(length));
		this.server = longer(this.server, new Uint16Array(length));
		this.octets = longer(this.octets, new Uint32Array(length));
		this.looked = longer(this.looked, new Uint32Array(length));
		this.cell = longer(this.cell, new Int32Array(length));
		this.next = longer(this.next, new Int32Array(length));
		this.#newer = longer(this.#newer, new Int32Array(length));
		this.#older = longer(this.#older, new Int32Array(length));
	}
}

function longer<T extends { set(from: T): void }>(from: T, to: T): T {
	to.set(from);
	return to;
}
