/** Stacks as a profile's samples list them: runs of location ids, innermost first, packed or one by one. */
import type { ProfileFrame } from "./profiles.ts";
import { hexOf, type LocationFrames } from "./profiles-pprof-frames.ts";
import { type Ids, NO_PLACE } from "./profiles-pprof-ids.ts";
import { BYTES, VARINT, Wire } from "./protobuf-wire.ts";

/** Calls of one stack; the innermost are kept. Go and Node stop at some hundreds. */
export const STACK_FRAMES_MAX = 16_384;

/** Field of a sample. */
export const LOCATION = 1;

/** A call whose location the profile does not hold. */
const UNKNOWN: readonly ProfileFrame[] = [{ func: "?", file: "", line: 0 }];

export class StackReader {
	readonly #ids: Ids;
	readonly #frames: LocationFrames;
	readonly #wire: Wire;
	/** Places of the locations read last, each plus one; 0 for one that the profile does not hold. */
	readonly #places = new Uint32Array(STACK_FRAMES_MAX);
	/** All that were read; only so many places are kept. */
	#count = 0;
	/** What is wrong with the stack read last; "" if nothing. */
	fault = "";

	constructor(bytes: Uint8Array, ids: Ids, frames: LocationFrames) {
		this.#ids = ids;
		this.#frames = frames;
		this.#wire = new Wire(bytes);
	}

	/** Number of calls of the stack in these fields of a sample, and `fault`. */
	calls(start: number, end: number): number {
		this.#read(start, end);
		const { counts } = this.#frames;
		const places = this.#places;
		let calls = 0;
		for (let i = 0; i < this.#count; i++) {
			const place = places[i] ?? 0;
			calls += place === 0 ? 1 : (counts[place - 1] ?? 1);
		}
		if (calls > STACK_FRAMES_MAX) this.fault ||= `${calls} calls: the innermost ${STACK_FRAMES_MAX} are kept`;
		return calls;
	}

	frames(start: number, end: number): readonly ProfileFrame[] {
		this.#read(start, end);
		const stack: ProfileFrame[] = [];
		for (let i = 0; i < this.#count && stack.length < STACK_FRAMES_MAX; i++) {
			const place = this.#places[i] ?? 0;
			for (const frame of place === 0 ? UNKNOWN : this.#frames.at(place - 1)) stack.push(frame);
		}
		return stack.length > STACK_FRAMES_MAX ? stack.slice(0, STACK_FRAMES_MAX) : stack;
	}

	#read(start: number, end: number): void {
		this.#count = 0;
		this.fault = "";
		this.#wire.at = start;
		if (!this.#fields(end)) this.fault = this.#wire.fault;
	}

	#fields(end: number): boolean {
		const wire = this.#wire;
		while (wire.at < end) {
			if (!wire.tag(end)) return false;
			const { field, kind } = wire;
			if (field === LOCATION && kind === BYTES) {
				if (!wire.open(end) || !this.#packed(wire.end)) return false;
				continue;
			}
			if (!wire.skip(end)) return false;
			if (field === LOCATION && kind === VARINT) this.#add(wire.lo, wire.hi);
		}
		return true;
	}

	/** Most of a profile's bytes are read here: ids of one or two bytes that are looked up directly go first. */
	#packed(end: number): boolean {
		const wire = this.#wire;
		const { bytes } = wire;
		const { dense } = this.#ids;
		const places = this.#places;
		while (wire.at < end) {
			let at = wire.at;
			let count = this.#count;
			while (at + 1 < end && count < STACK_FRAMES_MAX) {
				const first = bytes[at] ?? 0;
				const second = first < 0x80 ? 0 : (bytes[at + 1] ?? 0);
				const place = second < 0x80 ? (dense[(first & 0x7f) | (second << 7)] ?? 0) : 0;
				if (place === 0) break;
				places[count++] = place;
				at += first < 0x80 ? 1 : 2;
			}
			this.#count = count;
			wire.at = at;
			if (at === end) break;
			if (!wire.varint(end)) return false;
			this.#add(wire.lo, wire.hi);
		}
		return true;
	}

	#add(lo: number, hi: number): void {
		if (this.#count === STACK_FRAMES_MAX) {
			this.fault ||= `more than ${STACK_FRAMES_MAX} calls: the innermost are kept`;
			return;
		}
		const place = this.#ids.of(lo, hi);
		if (place === NO_PLACE) this.fault ||= `the id ${hexOf(lo, hi)}, which no location has`;
		this.#places[this.#count++] = place + 1;
	}
}
