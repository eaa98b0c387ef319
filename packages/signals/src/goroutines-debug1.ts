/**
 * Decodes a grouped goroutine profile: /debug/pprof/goroutine?debug=1, and any count profile printed
 * the same way (`goroutineleak`, custom profiles).
 *
 *     goroutine profile: total 6
 *     3 @ 0x47d8ea 0x45bd86 0x4e156f 0x4d790c 0x483681
 *     # labels: {"path":"/v1", "user":"anna"}
 *     #	0x4e156e	main.main.func1+0xe	/srv/app/main.go:13
 *     #	0x4d790b	runtime/pprof.Do+0x8b	/usr/local/go/src/runtime/pprof/runtime.go:57
 *
 * Specification: printCountProfile and printStackRecord in src/runtime/pprof/pprof.go, Go 1.19.8 to
 * 1.27.1. The lines pass through a tabwriter, so columns are apart by one or more tabs, and a column
 * may be empty; a frame without symbol has its address only.
 *
 *     PROFILE := NAME " profile: total " N {RECORD blank}
 *     RECORD  := COUNT " @" {" 0x" PC} ["# labels: " LABELS] {"#" tabs "0x" PC [tabs FUNC "+0x" OFF tabs FILE ":" LINE]}
 *
 * What it lacks: states, ids, creators, arguments. Equal stacks with other labels are other records.
 */
import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import type { Frame, GoroutineProfile, Labels, ProfileRecord } from "./goroutines.ts";
import { lineEnd, NEWLINE, textEnd, textOf } from "./goroutines-debug2-bytes.ts";
import { parseLabels } from "./goroutines-debug2-labels.ts";
import { quoteBytes } from "./quote-bytes.ts";

/** Longest line that is read; addresses of 32 frames and the longest real path stay far below. */
const LINE_BYTES_MAX = 1 << 20;
/** A profile's name in its first line; anything longer is not a profile. */
const TITLE_BYTES_MAX = 200;

const TITLE = /^\S{1,100} profile: total (\d{1,15})$/u;
const RECORD = /^(\d{1,15}) @((?: 0x[\da-f]+)*)$/u;
const FRAME = /^#\t+(0x[\da-f]+)(?:\t+(\S.*?)\+0x[\da-f]+\t+(.*):(\d+))?\t*$/u;
const LABELS = "# labels: ";

export function decodeGoroutinesDebug1(bytes: Uint8Array): Decoded<GoroutineProfile> {
	return new ProfileReader(bytes).decode();
}

/** A record while its lines arrive. */
interface OpenRecord {
	readonly count: number;
	readonly offset: number;
	readonly frames: Frame[];
	labels: Labels;
}

class ProfileReader {
	readonly #bytes: Uint8Array;
	readonly #flaws = new Flaws();
	readonly #records: ProfileRecord[] = [];
	/** Lines repeat across records; equal frames are one object. */
	readonly #frames = new Map<string, Frame>();
	#open: OpenRecord | undefined;
	/** After a broken record line: its frames belong to nobody, and one flaw has said so. */
	#lost = false;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	decode(): Decoded<GoroutineProfile> {
		const bytes = this.#bytes;
		const titleEnd = lineEnd(bytes, 0);
		const title = TITLE.exec(textOf(bytes, 0, Math.min(textEnd(bytes, 0, titleEnd), TITLE_BYTES_MAX)));
		if (title === null) return { kind: "foreign", found: quoteBytes(bytes, 0, bytes.length) };
		let at = titleEnd + 1;
		while (at < bytes.length) at = this.#line(at);
		this.#close();
		const total = Number(title[1]);
		this.#checkEnd(total);
		return { kind: "decoded", value: { total, records: this.#records }, flaws: this.#flaws.list() };
	}

	/** Reads one line and returns the start of the next. */
	#line(at: number): number {
		const bytes = this.#bytes;
		const newline = lineEnd(bytes, at);
		// A line that the end of the input cuts says nothing for certain; checkEnd reports it.
		if (newline === bytes.length) return newline;
		const end = textEnd(bytes, at, newline);
		const line = end - at > LINE_BYTES_MAX ? undefined : textOf(bytes, at, end);
		if (line === "") this.#close();
		else if (line === undefined || !this.#text(line, at)) this.#broken(at, end);
		return newline + 1;
	}

	/** False if the line does not belong here. */
	#text(line: string, at: number): boolean {
		if (line.startsWith(LABELS)) return this.#labels(line.slice(LABELS.length));
		if (line.startsWith("#")) return this.#frame(line);
		const record = RECORD.exec(line);
		if (record === null) return false;
		this.#close();
		this.#lost = false;
		this.#open = { count: Number(record[1]), offset: at, frames: [], labels: {} };
		return true;
	}

	#labels(text: string): boolean {
		if (this.#open === undefined) return this.#lost;
		const labels = parseLabels(text);
		if (labels !== undefined) this.#open.labels = labels;
		return labels !== undefined;
	}

	#frame(line: string): boolean {
		if (this.#open === undefined) return this.#lost;
		let frame = this.#frames.get(line);
		if (frame === undefined) {
			const parts = FRAME.exec(line);
			if (parts === null) return false;
			const [, pc = "", func = pc, file = "", row = "0"] = parts;
			frame = { func, file, line: Number(row) };
			this.#frames.set(line, frame);
		}
		this.#open.frames.push(frame);
		return true;
	}

	#broken(at: number, end: number): void {
		if (this.#lost && this.#open === undefined) return;
		const found = quoteBytes(this.#bytes, at, end);
		this.#flaws.malformed(`expected a record, its labels or its frames, found "${found}"`, at);
		this.#lost = this.#open === undefined;
	}

	#close(): void {
		if (this.#open !== undefined) this.#records.push(this.#open);
		this.#open = undefined;
	}

	#checkEnd(total: number): void {
		const bytes = this.#bytes;
		const counted = this.#records.reduce((sum, { count }) => sum + count, 0);
		const start = bytes.lastIndexOf(NEWLINE) + 1;
		if (start < bytes.length) {
			const found = quoteBytes(bytes, start, bytes.length);
			this.#flaws.truncated(`the profile ends in the middle of the line "${found}"`, start);
		} else if (counted !== total) {
			const why = `expected ${total} goroutines, found records of ${counted}`;
			if (counted < total) this.#flaws.truncated(why, bytes.length);
			else this.#flaws.malformed(why, 0);
		}
	}
}
