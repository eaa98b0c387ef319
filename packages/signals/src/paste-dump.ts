/**
 * A goroutine dump out of pasted lines, written anew as the runtime prints it. States:
 *
 *     outside ──header──▶ frames ──call, created──▶ waiting for its place ──place──▶ frames
 *                           │                              │
 *                           └───── nothing of a dump ──▶ broken: may be the beginning of a line ──end──▶ as the whole
 *
 * Only lines that dump-lines.ts knows are written. A second dump begins where a goroutine comes again, or after
 * what announces one (`SIGQUIT: quit`, `panic: ...`).
 */
import { ONE_GOROUTINE } from "./paste-clean.ts";
import { type DumpLine, dumpLine, hasKnownState, isAbsolutePlace, isBareName } from "./paste-dump-lines.ts";
import {
	MENDED_BLANKS,
	MENDED_EMPTY_LINES,
	MENDED_OTHER_TEXT,
	MENDED_TABS,
	MENDED_WRAPS,
	Notes,
} from "./paste-notes.ts";
import { Output } from "./paste-output.ts";
import { PIECES_MAX, type Piece } from "./paste-piece.ts";
import { PREFIX_CHARS_MAX } from "./paste-prefix.ts";
import type { Opener, PastedLine, Section, Surroundings } from "./paste-section.ts";
import { Broken, joins, mendedOf } from "./paste-wrap.ts";

/** Announces a dump. */
const ANNOUNCES = /^(?:SIG[A-Z]+: |panic: |fatal error: )/u;
/** A line number that ends the input may lack digits. */
const WHOLE_NUMBER = / \+0x| fp=| pc=|^pc=/u;
/** Says that somebody left something out. */
const LEFT_OUT =
	/^(?:\[?(?:\.{3,}|…|<?(?:snip|cut|truncated|omitted|skipped|gekürzt)[^()]{0,40}>?)\]?|.{0,20}\b\d+ (?:more|other|additional) goroutines?\b.{0,40})$/iu;
/** What a frame leaves behind when it can no longer be read. */
const REMAINS = /\.go:|\+0x[\da-f]|\(0x[\da-f]|\.\(\*|^goroutine \d|^created by |^\/\S+\/\S*$/u;
const HEADER_ANYWHERE = /(?:^|[^\w])(goroutine \d{1,16} (?:gp=\S+ m=\S+ (?:mp=\S+ )?)?\[)/u;

export const DUMP_OPENER: Opener = {
	opens: (text) => dumpLine(text) === "header",
	find: (text) => {
		const match = HEADER_ANYWHERE.exec(text.slice(0, PREFIX_CHARS_MAX * 2));
		if (match === null) return -1;
		const at = match.index + match[0].length - (match[1]?.length ?? 0);
		return dumpLine(text.slice(at)) === "header" ? at : -1;
	},
	open: (surroundings) => new DumpSection(surroundings),
	announces: (text) => ANNOUNCES.test(text),
};

type Waiting = { readonly kind: "call" | "created"; readonly text: string; readonly line: PastedLine };

class DumpSection implements Section {
	readonly #pieces: Piece[] = [];
	#output = new Output();
	#notes = new Notes();
	#goids = new Set<number>();
	#atByte = 0;
	#title: string | undefined;
	#announced: string | undefined;
	/** Lines of the goroutine that is being read, its header first. */
	#goroutine: string[] = [];
	#waiting: Waiting | undefined;
	readonly #broken = new Broken();
	/** The place written last, while a broken end of it may still come. */
	#place: PastedLine | undefined;
	#goroutineAt = 0;
	#empty = false;

	constructor({ announced, framesBefore }: Surroundings) {
		this.#announced = announced;
		if (framesBefore > 0) this.#notes.lost("the text begins in the middle of a goroutine");
	}

	take(line: PastedLine): boolean {
		const kind = dumpLine(line.text);
		if (kind === undefined || !this.#fits(kind)) return false;
		if (this.#mayEnd(line, kind) && this.#join(line)) return true;
		if (kind === "place" && this.#waiting === undefined) {
			if (this.#continue(line)) return true;
			this.#nameAlone();
		}
		this.#dropBroken();
		this.#accept(kind, line.text, line);
		return true;
	}

	stray(line: PastedLine): boolean {
		if (this.#goroutine.length === 0) return false;
		if (this.#join(line) || this.#continue(line) || this.#marks(line)) return true;
		if (!this.#broken.add(line)) {
			this.#dropBroken();
			this.#broken.add(line);
		}
		return true;
	}

	/** Lines that are nothing of a dump and yet say something of it. */
	#marks({ text, last }: PastedLine): boolean {
		if (ANNOUNCES.test(text)) this.#announced = text;
		else if (LEFT_OUT.test(text)) this.#notes.lost("it says itself that something was left out ({n} times)");
		else if (last && looksCut(text)) this.#notes.lost("the text ends in the middle of a line");
		else return false;
		this.#dropBroken();
		return true;
	}

	empty(): void {
		this.#empty = true;
	}

	close(): readonly Piece[] {
		this.#dropBroken();
		this.#endGoroutine();
		this.#endDump();
		return this.#pieces;
	}

	/** A C function's name stands alone in the line before its place. */
	#nameAlone(): void {
		const names = this.#broken.parts.filter(({ text }) => isBareName(text) || text === "non-Go function");
		const [line, another] = names;
		if (line === undefined || another !== undefined) return;
		this.#waiting = { kind: "call", text: line.text, line };
		this.#broken.remove(line);
	}

	/** Frames stand under a goroutine only. */
	#fits(kind: DumpLine): boolean {
		return kind === "header" || this.#goroutine.length > 0;
	}

	/** Whether a line that is whole may be the end of a broken one: only where the text was wrapped. */
	#mayEnd(line: PastedLine, kind: DumpLine): boolean {
		const { last, first } = this.#broken;
		if (last === undefined || first === undefined) return false;
		return last.full || (kind === "place" && this.#beginsPath(first, line));
	}

	/** Takes the line as the end of a broken one. */
	#join(line: PastedLine): boolean {
		for (const { from, texts } of this.#broken.joinedWith(line)) {
			const text = best(texts).find((joined) => {
				const kind = dumpLine(joined);
				return kind !== undefined && this.#fits(kind);
			});
			if (text === undefined) continue;
			const { before, parts } = this.#broken.take(from);
			this.#leaveOut(before);
			const [first = line] = parts;
			const mended = mendedOf(parts) | line.mended | MENDED_WRAPS;
			const { at, blankBefore, tabBefore } = first;
			this.#accept(dumpLine(text) ?? "call", text, { ...line, text, mended, at, blankBefore, tabBefore });
			return true;
		}
		return false;
	}

	/** A relative place after what may be the beginning of an absolute one. */
	#beginsPath(first: PastedLine, line: PastedLine): boolean {
		return (
			this.#waiting !== undefined &&
			/^(?:\/|[A-Za-z]:[\\/])\S*$/u.test(first.text) &&
			!isAbsolutePlace(line.text)
		);
	}

	/** Takes the line as the end of the one before it, which looked whole. */
	#continue(line: PastedLine): boolean {
		const before = this.#waiting?.line ?? this.#place;
		if (before === undefined || this.#broken.parts.length > 0) return false;
		const demanded =
			/^(?:\+0x[\da-f]+( fp=.*)?|in goroutine \d+|fp=0x[\da-f]+ .*|sp=0x[\da-f]+.*|pc=0x[\da-f]+)$/u.test(
				line.text,
			);
		if (!demanded && !before.full) return false;
		const kind = this.#waiting?.kind ?? "place";
		const text = joins([before, line]).find((joined) => dumpLine(joined) === kind);
		if (text === undefined) return false;
		const whole = { ...line, text, mended: before.mended | line.mended | MENDED_WRAPS };
		if (this.#waiting !== undefined) this.#waiting = { ...this.#waiting, text, line: whole };
		else {
			this.#goroutine[this.#goroutine.length - 1] = `\t${text}`;
			this.#place = whole;
		}
		this.#notes.mended(line.mended | MENDED_WRAPS);
		return true;
	}

	#accept(kind: DumpLine, text: string, line: PastedLine): void {
		if (kind === "header") this.#header(text, line);
		else if (kind === "place") this.#atPlace(text, line);
		else this.#frame(kind, text, line);
		if (this.#empty && kind !== "header") this.#notes.mended(MENDED_EMPTY_LINES);
		this.#empty = false;
	}

	#header(text: string, line: PastedLine): void {
		this.#dropWaiting();
		const goid = Number(/^goroutine (\d+)/u.exec(text)?.[1]);
		const known = this.#goids.has(goid) || (this.#announced !== undefined && this.#goids.size > 0);
		if (known) {
			// A dump begins with the goroutine that wrote it, which is running and in no dump before.
			const running = this.#announced === undefined && /\[running[,\]]/u.test(this.#goroutine[0] ?? "");
			const first = running && this.#goids.size > 1 ? this.#goroutine : undefined;
			if (first !== undefined) this.#goroutine = [];
			this.#endGoroutine();
			this.#endDump();
			if (first !== undefined) this.#begin(first);
		}
		this.#endGoroutine();
		this.#goroutineAt = line.at;
		if (this.#goids.size === 0) this.#atByte = line.at;
		this.#title ??= this.#announced;
		this.#announced = undefined;
		this.#goids.add(goid);
		this.#goroutine = [text];
		this.#place = undefined;
		this.#notes.mended(line.mended | (line.blankBefore || line.blankAfter ? MENDED_BLANKS : 0));
	}

	#begin(goroutine: string[]): void {
		this.#atByte = this.#goroutineAt;
		this.#goroutine = goroutine;
		this.#goids.add(Number(/^goroutine (\d+)/u.exec(goroutine[0] ?? "")?.[1]));
	}

	#atPlace(text: string, line: PastedLine): void {
		if (this.#waiting === undefined) {
			this.#notes.lost("{n} file lines belong to no call");
			return;
		}
		if (line.last && !WHOLE_NUMBER.test(text)) {
			this.#notes.lost("the text ends in the middle of a line");
			return;
		}
		this.#goroutine.push(this.#waiting.text, `\t${text}`);
		this.#waiting = undefined;
		this.#place = { ...line, text };
		const blanks = line.blankAfter ? MENDED_BLANKS : 0;
		this.#notes.mended(line.mended | blanks | (line.tabBefore ? 0 : MENDED_TABS));
	}

	#frame(kind: DumpLine, text: string, line: PastedLine): void {
		this.#dropWaiting();
		this.#place = undefined;
		this.#notes.mended(line.mended | (line.blankBefore || line.blankAfter ? MENDED_BLANKS : 0));
		if (kind === "call" || kind === "created") this.#waiting = { kind, text, line: { ...line, text } };
		else this.#goroutine.push(kind === "unavailable" ? `\t${text}` : text);
	}

	/** A call whose place never came: it is kept, as the dump may lack it. */
	#dropWaiting(): void {
		if (this.#waiting === undefined) return;
		const { kind, text, line } = this.#waiting;
		this.#waiting = undefined;
		this.#notes.lost("{n} calls are without their file line");
		// A name that the end of the input cuts would be another name.
		if (kind === "call" || !line.last) this.#goroutine.push(text);
	}

	/** What was kept for a join belongs to nothing. */
	#dropBroken(): void {
		this.#leaveOut(this.#broken.take(0).parts);
	}

	#leaveOut(lines: readonly PastedLine[]): void {
		for (const { text } of lines) {
			this.#notes.mended(MENDED_OTHER_TEXT);
			if (REMAINS.test(text)) this.#notes.lost("{n} lines of stacks could not be read");
		}
	}

	#endGoroutine(): void {
		this.#dropWaiting();
		if (this.#goroutine.length === 0) return;
		for (const text of this.#goroutine) this.#output.line(text);
		this.#output.line("");
		this.#goroutine = [];
	}

	#endDump(): void {
		if (this.#goids.size === 0) return;
		const title = this.#title;
		if (this.#goids.size === 1 && title?.startsWith("panic: ")) {
			this.#notes.lost(ONE_GOROUTINE);
		}
		if (this.#pieces.length < PIECES_MAX)
			this.#pieces.push({
				format: "go-debug2",
				bytes: this.#output.take(),
				...(title === undefined ? {} : { title }),
				atByte: this.#atByte,
				repairs: this.#notes.repairs(),
				losses: this.#notes.losses(),
				leftOut: this.#notes.leftOut(),
			});
		this.#notes = new Notes();
		this.#goids = new Set<number>();
		this.#title = undefined;
	}
}

/** Where a join makes a header, the one whose state Go has comes first. */
function best(texts: readonly string[]): readonly string[] {
	return texts.length > 1 && texts[0]?.startsWith("goroutine ") === true
		? texts.toSorted((a, b) => Number(hasKnownState(b)) - Number(hasKnownState(a)))
		: texts;
}

/** Whether what the end of the input left of a line may be the beginning of one of a dump. */
function looksCut(text: string): boolean {
	return REMAINS.test(text) || /^[\w./*()[\]%~·@-]+$/u.test(text) || "created by ".startsWith(text);
}
