/**
 * The calls of each location: `Location` has one `Line` a call, innermost first, all but the last inlined into
 * the one after. A location that no symbols were found for has its address alone.
 */
import type { Flaws } from "./flaws.ts";
import type { ProfileFrame } from "./profiles.ts";
import { NO_PLACE } from "./profiles-pprof-ids.ts";
import { lineOf, type ProfileScan } from "./profiles-pprof-scan.ts";
import type { Strings } from "./profiles-pprof-strings.ts";
import { BYTES, VARINT, Wire } from "./protobuf-wire.ts";

/** Calls inlined at one address; compilers stop far below. */
const LINES_MAX = 256;

const ADDRESS = 3;
const LINE = 4;

/** A call of a location before its names are made; `func` is a place, or NO_PLACE. */
interface Call {
	func: number;
	line: number;
}

export class LocationFrames {
	readonly #scan: ProfileScan;
	readonly #strings: Strings;
	readonly #wire: Wire;
	readonly #made: (readonly ProfileFrame[] | undefined)[] = [];
	/** Calls of each location, at least 1. */
	readonly counts: Uint16Array;

	/** Looks at every location and tells what is wrong with it. */
	constructor(bytes: Uint8Array, scan: ProfileScan, strings: Strings, flaws: Flaws) {
		this.#scan = scan;
		this.#strings = strings;
		this.#wire = new Wire(bytes);
		this.counts = new Uint16Array(scan.locations.starts.length);
		this.#checkFunctions();
		for (let place = 0; place < this.counts.length; place++) {
			this.counts[place] = Math.max(1, this.#calls(place, flaws).calls.length);
		}
	}

	/** Innermost call first; the same array each time. */
	at(place: number): readonly ProfileFrame[] {
		let frames = this.#made[place];
		if (frames === undefined) {
			const { address, calls } = this.#calls(place, undefined);
			frames = calls.map((call, i) => this.#frame(call, address, i < calls.length - 1));
			if (frames.length === 0) frames = [{ func: address, file: "", line: 0 }];
			this.#made[place] = frames;
		}
		return frames;
	}

	#frame({ func, line }: Call, address: string, inlined: boolean): ProfileFrame {
		const { functions } = this.#scan;
		const strings = this.#strings;
		const named = func !== NO_PLACE;
		const name = named
			? strings.at(functions.name.at(func)) || strings.at(functions.systemName.at(func))
			: "";
		const startLine = named ? functions.startLine.at(func) : 0;
		return {
			func: name || address,
			file: named ? strings.at(functions.file.at(func)) : "",
			line,
			...(inlined ? { inlined } : {}),
			...(startLine > 0 ? { startLine } : {}),
		};
	}

	#calls(place: number, flaws: Flaws | undefined): { address: string; calls: Call[] } {
		const wire = this.#wire;
		const start = this.#scan.locations.starts.at(place);
		const end = this.#scan.locations.ends.at(place);
		const calls: Call[] = [];
		let address = "0x0";
		wire.at = start;
		while (wire.at < end && wire.tag(end)) {
			const { field, kind } = wire;
			if (field === LINE && kind === BYTES && wire.open(end)) {
				const next = wire.end;
				if (calls.length < LINES_MAX) this.#call(calls, next, flaws);
				else
					flaws?.malformed(`more than ${LINES_MAX} calls at one address: the others are left out`, wire.at);
				wire.at = next;
				continue;
			}
			if (!wire.skip(end)) break;
			if (field === ADDRESS && kind === VARINT) address = hexOf(wire.lo, wire.hi);
		}
		return { address, calls };
	}

	#call(calls: Call[], end: number, flaws: Flaws | undefined): void {
		const wire = this.#wire;
		const start = wire.at;
		const call = { func: NO_PLACE, line: 0 };
		let [lo, hi] = [0, 0];
		while (wire.at < end) {
			const known = wire.tag(end);
			const { field, kind } = wire;
			if (!known || !wire.skip(end)) {
				flaws?.malformed(`expected a line of a location, found ${wire.fault}`, start);
				return;
			}
			if (kind !== VARINT) continue;
			if (field === 1) [lo, hi] = [wire.lo, wire.hi];
			else if (field === 2) call.line = lineOf(wire);
		}
		call.func = this.#scan.functions.ids.of(lo, hi);
		if (call.func === NO_PLACE) flaws?.malformed(`no function has the id ${hexOf(lo, hi)}`, start);
		calls.push(call);
	}

	#checkFunctions(): void {
		const { functions } = this.#scan;
		for (const column of [functions.name, functions.systemName, functions.file]) {
			for (const index of column.words()) this.#strings.check(index, 0);
		}
	}
}

export function hexOf(lo: number, hi: number): string {
	return hi === 0 ? `0x${lo.toString(16)}` : `0x${hi.toString(16)}${lo.toString(16).padStart(8, "0")}`;
}
