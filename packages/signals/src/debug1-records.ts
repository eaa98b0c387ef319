/**
 * What the pages of `/debug/pprof/...?debug=1` have in common: records of a head line, perhaps labels, and
 * frames, with blank lines between. What a head line says differs by page.
 *
 *     3 @ 0x47d8ea 0x45bd86 0x4e156f 0x4d790c 0x483681                            goroutine, threadcreate, ...
 *     # labels: {"path":"/v1", "user":"anna"}
 *     #	0x4e156e	main.main.func1+0xe	/srv/app/main.go:13
 *     #	0x4d790b	runtime/pprof.Do+0x8b	/usr/local/go/src/runtime/pprof/runtime.go:57
 *
 *     131: 704256 [489547: 2631804672] @ 0x47c74c 0x47f669                        heap, allocs
 *     98765 3 @ 0x47c74c 0x47f669                                                 block, mutex
 *
 * Specification: printStackRecord in src/runtime/pprof/pprof.go, Go 1.19.8 to 1.27.1. The lines pass through a
 * tabwriter, so columns are apart by one or more tabs, and a column may be empty; a frame without symbol has
 * its address only.
 *
 *     RECORD := HEAD ["# labels: " LABELS] {"#" tabs "0x" PC [tabs FUNC "+0x" OFF tabs FILE ":" LINE]}
 *
 * A line that repeats is read once, and equal stacks are one array: a million goroutines have few of either.
 */
import { areEqual, ByteRuns } from "./byte-runs.ts";
import type { Flaws } from "./flaws.ts";
import type { Frame, Labels } from "./goroutines.ts";
import {
	ascii,
	lineEnd,
	NEWLINE,
	RETURN,
	SPACE,
	startsWith,
	textEnd,
	textOf,
} from "./goroutines-debug2-bytes.ts";
import { parseLabels } from "./goroutines-debug2-labels.ts";
import { quoteBytes } from "./quote-bytes.ts";

/** Longest line that is read; addresses of 128 frames and the longest real path stay far below. */
const LINE_BYTES_MAX = 1 << 20;
/** Longest head line before its addresses: four numbers of 20 digits. */
const HEAD_CHARS_MAX = 100;
/** Records kept; a page with a record for each of a million goroutines is within. */
const RECORDS_MAX = 1 << 22;

const FRAME = /^#\t+(0x[\da-f]+)(?:\t+(\S.*?)\+0x[\da-f]+\t+(.*):(\d+))?\t*$/u;
const LABELS = ascii("# labels: ");
const AT_ADDRESS = ascii(" 0x");
const HASH = 0x23;
const AT = 0x40;

export interface Debug1Record<Head> {
	readonly head: Head;
	/** Byte offset of the head line. */
	readonly offset: number;
	readonly frames: readonly Frame[];
	readonly labels: Labels;
}

export interface Debug1Page<Head> {
	/** What a head line's bytes before ` @ 0x...` say; undefined if it is none. */
	readonly head: (text: string) => Head | undefined;
	/** A line that ends the records: what follows is another matter. */
	readonly last?: (start: number, end: number) => boolean;
}

/** A record while its lines arrive. */
interface OpenRecord<Head> {
	readonly head: Head;
	readonly offset: number;
	/** Run of the addresses in the head line: equal ones have equal frames, unless two programs were mixed. */
	readonly addresses: number;
	/** Where the first frame's line starts; undefined while there is none, and once any line was broken. */
	framesAt?: number | undefined;
	frames: Frame[];
	labels: Labels;
}

interface KnownFrames {
	readonly frames: Frame[];
	readonly start: number;
	readonly end: number;
}

const NONE: Labels = {};

export class Debug1Reader<Head> {
	readonly records: Debug1Record<Head>[] = [];
	/** Where reading stopped: the start of the line that `last` knew, or the end. */
	stopped: number;
	readonly #bytes: Uint8Array;
	readonly #view: DataView;
	readonly #flaws: Flaws;
	readonly #page: Debug1Page<Head>;
	readonly #lines: ByteRuns;
	/** What the line of each run says; a missing entry is a line that says nothing. */
	readonly #read: (Frame | Labels | undefined)[] = [];
	readonly #addresses: ByteRuns;
	/** By run of addresses: the frames, and where their lines begin and end. */
	readonly #stacks: (KnownFrames | undefined)[] = [];
	#open: OpenRecord<Head> | undefined;
	/** After a broken head line: its frames belong to nobody, and one flaw has said so. */
	#lost = false;

	/** Reads records from byte `at` to the end of the bytes. */
	constructor(bytes: Uint8Array, at: number, page: Debug1Page<Head>, flaws: Flaws) {
		this.#bytes = bytes;
		this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
		this.#flaws = flaws;
		this.#page = page;
		this.#lines = new ByteRuns(bytes);
		this.#addresses = new ByteRuns(bytes);
		this.stopped = at;
		while (this.stopped < bytes.length && this.#line(this.stopped));
		this.#close();
	}

	/** Tells of a last line that has no end, where one could be lost: all are printed with theirs. True if there is one. */
	cut(): boolean {
		const bytes = this.#bytes;
		const start = bytes.lastIndexOf(NEWLINE) + 1;
		if (start >= bytes.length) return false;
		const found = quoteBytes(bytes, start, bytes.length);
		this.#flaws.truncated(`the profile ends in the middle of the line "${found}"`, start);
		return true;
	}

	/** Reads one line and moves to the next; false if it is the last. */
	#line(at: number): boolean {
		const bytes = this.#bytes;
		const passed = bytes[at] === HASH ? this.#knownFrames(at) : 0;
		if (passed > 0) {
			this.stopped = at + passed;
			return true;
		}
		const newline = lineEnd(bytes, at);
		// A line that the end of the input cuts says nothing for certain; `cut` reports it.
		if (newline === bytes.length) {
			this.stopped = newline;
			return true;
		}
		const end = textEnd(bytes, at, newline);
		if (this.#page.last?.(at, end) === true) return false;
		if (end === at) this.#close(at);
		else if (end - at > LINE_BYTES_MAX || !this.#text(at, end)) this.#broken(at, end);
		this.stopped = newline + 1;
		return true;
	}

	/** Length of all frame lines from `at` on, if they are those of an earlier record of the same addresses; else 0. */
	#knownFrames(at: number): number {
		const open = this.#open;
		const known = open === undefined ? undefined : this.#stacks[open.addresses];
		if (open === undefined || known === undefined || open.frames.length > 0) return 0;
		const after = at + known.end - known.start;
		const next = this.#bytes[after] === RETURN ? after + 1 : after;
		if (this.#bytes[next] !== NEWLINE) return 0;
		if (!areEqual(this.#view, known.start, at, after)) return 0;
		open.frames = known.frames;
		return after - at;
	}

	/** False if the line does not belong here. */
	#text(start: number, end: number): boolean {
		if (startsWith(this.#bytes, start, LABELS)) return this.#labels(start, end);
		if (this.#bytes[start] === HASH) return this.#frame(start, end);
		const at = this.#headEnd(start, end);
		const head = at < 0 ? undefined : this.#page.head(latin1(this.#bytes, start, at - 1));
		if (head === undefined) return false;
		this.#close();
		this.#lost = false;
		const addresses = this.#addresses.number(at, end);
		this.#open = { head, offset: start, addresses, frames: [], labels: NONE };
		return true;
	}

	/** Where the `@` of a head line stands; -1 if it is none. */
	#headEnd(start: number, end: number): number {
		const bytes = this.#bytes;
		const farthest = Math.min(end, start + HEAD_CHARS_MAX);
		let at = start;
		while (at < farthest && bytes[at] !== AT) at++;
		if (bytes[at] !== AT || bytes[at - 1] !== SPACE || at === start) return -1;
		return areAddresses(bytes, at + 1, end) ? at : -1;
	}

	#labels(start: number, end: number): boolean {
		if (this.#open === undefined) return this.#lost;
		const labels = this.#once(start, end, () =>
			parseLabels(textOf(this.#bytes, start + LABELS.length, end)),
		) as Labels | undefined;
		if (labels !== undefined) this.#open.labels = labels;
		return labels !== undefined;
	}

	#frame(start: number, end: number): boolean {
		if (this.#open === undefined) return this.#lost;
		const frame = this.#once(start, end, () => frameOf(textOf(this.#bytes, start, end))) as Frame | undefined;
		if (frame === undefined) return false;
		if (this.#open.frames.length === 0) this.#open.framesAt = start;
		this.#open.frames.push(frame);
		return true;
	}

	#once(start: number, end: number, read: () => Frame | Labels | undefined): Frame | Labels | undefined {
		const known = this.#lines.length;
		const number = this.#lines.number(start, end);
		if (number === known) this.#read.push(read());
		return this.#read[number];
	}

	#broken(at: number, end: number): void {
		if (this.#lost && this.#open === undefined) return;
		const found = quoteBytes(this.#bytes, at, end);
		this.#flaws.malformed(`expected a record, its labels or its frames, found "${found}"`, at);
		this.#lost = this.#open === undefined;
		if (this.#open !== undefined) this.#open.framesAt = undefined;
	}

	/** Keeps the open record; `end` is where its last line ended, if it is known to be whole. */
	#close(end?: number): void {
		const open = this.#open;
		this.#open = undefined;
		if (open === undefined) return;
		const { frames, framesAt } = open;
		const known = this.#stacks[open.addresses];
		if (known !== undefined && areSame(known.frames, frames)) open.frames = known.frames;
		else if (known === undefined && framesAt !== undefined && end !== undefined) {
			this.#stacks[open.addresses] = { frames, start: framesAt, end };
		}
		if (this.records.length < RECORDS_MAX) this.records.push(open);
		else this.#flaws.truncated(`more than ${RECORDS_MAX} records: the others are left out`, open.offset);
	}
}

function areSame(a: readonly Frame[], b: readonly Frame[]): boolean {
	return a.length === b.length && a.every((frame, i) => frame === b[i]);
}

function frameOf(line: string): Frame | undefined {
	const parts = FRAME.exec(line);
	if (parts === null) return undefined;
	const [, pc = "", func = pc, file = "", row = "0"] = parts;
	return { func, file, line: Number(row) };
}

/** ` 0x47d8ea 0x45bd86`, or nothing. */
function areAddresses(bytes: Uint8Array, start: number, end: number): boolean {
	let at = start;
	while (at < end) {
		if (!startsWith(bytes, at, AT_ADDRESS)) return false;
		at += AT_ADDRESS.length;
		const first = at;
		while (at < end && isHex(bytes[at] ?? 0)) at++;
		if (at === first) return false;
	}
	return true;
}

function isHex(byte: number): boolean {
	return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66);
}

/** Faster than a TextDecoder for a few bytes; what is not ASCII is no head line either way. */
function latin1(bytes: Uint8Array, start: number, end: number): string {
	let text = "";
	for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] ?? 0);
	return text;
}
