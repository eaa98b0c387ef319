/**
 * The samples of a profile in columns. A stack is known by the bytes that list its locations, a set of labels
 * by the bytes that hold it: equal bytes are looked at once, and what they say is made when asked for.
 */
import { ByteRuns } from "./byte-runs.ts";
import type { Flaws } from "./flaws.ts";
import { labelsFault } from "./profiles-pprof-labels.ts";
import type { ProfileScan } from "./profiles-pprof-scan.ts";
import { LOCATION, STACK_FRAMES_MAX, type StackReader } from "./profiles-pprof-stacks.ts";
import type { Strings } from "./profiles-pprof-strings.ts";
import { BYTES, VARINT, Wire } from "./protobuf-wire.ts";

/** Values kept, samples times types: 256 MB of them. */
const VALUES_MAX = 1 << 25;
/** Calls of all distinct stacks together, so that whoever walks them all comes to an end. */
const FRAMES_MAX = 100_000_000;

const VALUE = 2;
const LABEL = 3;
const LOCATION_TAG = (LOCATION << 3) | BYTES;
const LABEL_TAG = (LABEL << 3) | BYTES;

/** Where the low word of a 64-bit number lies on this machine. */
const LOW = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;

export interface PprofContext {
	readonly bytes: Uint8Array;
	readonly scan: ProfileScan;
	readonly strings: Strings;
	readonly stackReader: StackReader;
	readonly flaws: Flaws;
}

export class SampleReader {
	readonly #context: PprofContext;
	readonly #wire: Wire;
	/** For looking at stacks and labels while `#wire` keeps its place. */
	readonly #side: Wire;
	readonly #width: number;
	readonly #words: Uint32Array;
	readonly stacks: ByteRuns;
	readonly labels: ByteRuns;
	readonly values: BigInt64Array;
	readonly stackOf: Uint32Array;
	readonly labelsOf: Uint32Array;
	count = 0;
	/** Stacks that may be asked for: `stacks` may hold some more. */
	stackCount = 0;
	#framesLeft = FRAMES_MAX;
	/** Run of the field being read: where its first begins and its last ends. */
	#stackStart = 0;
	#stackEnd = 0;
	#labelsStart = 0;
	#labelsEnd = 0;
	#valueCount = 0;

	constructor(context: PprofContext) {
		this.#context = context;
		const { bytes, scan } = context;
		this.#wire = new Wire(bytes);
		this.#side = new Wire(bytes);
		this.#width = scan.types.length;
		const room = Math.min(scan.sampleStarts.length, Math.floor(VALUES_MAX / Math.max(1, this.#width)));
		this.values = new BigInt64Array(room * this.#width);
		this.#words = new Uint32Array(this.values.buffer);
		this.stackOf = new Uint32Array(room);
		this.labelsOf = new Uint32Array(room);
		this.stacks = new ByteRuns(bytes);
		this.labels = new ByteRuns(bytes);
		this.#readAll(room);
	}

	#readAll(room: number): void {
		const { scan, flaws } = this.#context;
		const starts = scan.sampleStarts.words();
		const ends = scan.sampleEnds.words();
		for (let i = 0; i < starts.length; i++) {
			const start = starts[i] ?? 0;
			if (this.count === room) {
				flaws.truncated(`more than ${room} samples: the others are left out`, start);
				return;
			}
			if (this.#sample(start, ends[i] ?? 0)) this.count++;
		}
	}

	/** Reads one sample into row `count`. */
	#sample(start: number, end: number): boolean {
		const { flaws } = this.#context;
		this.#stackStart = this.#stackEnd = this.#labelsStart = this.#labelsEnd = 0;
		this.#valueCount = 0;
		if (!this.#fields(start, end)) {
			flaws.malformed(`expected a sample, found ${this.#wire.fault}`, start);
			return false;
		}
		if (this.#valueCount !== this.#width) {
			flaws.malformed(`expected a sample of ${this.#width} values, found ${this.#valueCount}`, start);
			return false;
		}
		const stack = this.#stack();
		if (stack === undefined) return false;
		this.stackOf[this.count] = stack;
		this.labelsOf[this.count] = this.#labels();
		return true;
	}

	#fields(start: number, end: number): boolean {
		const wire = this.#wire;
		wire.at = start;
		while (wire.at < end) {
			const from = wire.at;
			const passed = this.#shortRun(from, end);
			if (passed > 0) {
				wire.at = from + passed;
				continue;
			}
			if (!wire.tag(end)) return false;
			const { field, kind } = wire;
			if (field === VALUE && kind === BYTES) {
				if (!wire.open(end)) return false;
				const next = wire.end;
				while (wire.at < next) if (!this.#value(next)) return false;
				continue;
			}
			if (field === VALUE && kind === VARINT) {
				if (!this.#value(end)) return false;
				continue;
			}
			if (!wire.skip(end)) return false;
			if (field === LOCATION) this.#inStack(from, wire.at);
			else if (field === LABEL) this.#inLabels(from, wire.at);
		}
		return true;
	}

	/** Length of a field of locations or of a label below 128 bytes, as nearly all are; 0 for any other field. */
	#shortRun(from: number, end: number): number {
		const { bytes } = this.#wire;
		const length = 2 + (bytes[from + 1] ?? 0x80);
		if (length >= 0x82 || from + length > end) return 0;
		const tag = bytes[from];
		if (tag === LOCATION_TAG) this.#inStack(from, from + length);
		else if (tag === LABEL_TAG) this.#inLabels(from, from + length);
		else return 0;
		return length;
	}

	#inStack(from: number, to: number): void {
		if (this.#stackEnd === 0) this.#stackStart = from;
		this.#stackEnd = to;
	}

	#inLabels(from: number, to: number): void {
		if (this.#labelsEnd === 0) this.#labelsStart = from;
		this.#labelsEnd = to;
	}

	#value(end: number): boolean {
		const wire = this.#wire;
		if (!wire.varint(end)) return false;
		if (this.#valueCount < this.#width) {
			const word = 2 * (this.count * this.#width + this.#valueCount);
			this.#words[word + LOW] = wire.lo;
			this.#words[word + HIGH] = wire.hi;
		}
		this.#valueCount++;
		return true;
	}

	/** Undefined, and a flaw, if there were too many calls before. */
	#stack(): number | undefined {
		const known = this.stacks.length;
		const number = this.stacks.number(this.#stackStart, this.#stackEnd);
		if (number < known) return number < this.stackCount ? number : undefined;
		if (number > this.stackCount) return undefined;
		const { flaws, stackReader } = this.#context;
		const calls = stackReader.calls(this.#stackStart, this.#stackEnd);
		this.#framesLeft -= Math.min(calls, STACK_FRAMES_MAX);
		if (this.#framesLeft < 0) {
			const why = `stacks of more than ${FRAMES_MAX} calls: the other samples are left out`;
			flaws.truncated(why, this.#stackStart);
			return undefined;
		}
		this.stackCount++;
		if (stackReader.fault !== "") {
			flaws.malformed(`expected the locations of a sample, found ${stackReader.fault}`, this.#stackStart);
		}
		return number;
	}

	#labels(): number {
		if (this.#labelsEnd === 0) return 0;
		const known = this.labels.length;
		const number = this.labels.number(this.#labelsStart, this.#labelsEnd);
		if (number === known) {
			const { strings, flaws } = this.#context;
			const fault = labelsFault(this.#side, this.#labelsStart, this.#labelsEnd, strings);
			if (fault !== "") flaws.malformed(`expected the labels of a sample, found ${fault}`, this.#labelsStart);
		}
		return number + 1;
	}
}
