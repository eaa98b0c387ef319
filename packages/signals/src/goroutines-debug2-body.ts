/**
 * Reads the frames of one goroutine, from the line after its header to the blank line or header that
 * ends it.
 *
 *     frames ──"created by"──▶ created ──"[originating from"──▶ ancestors ──▶ end
 *        └──────────────────────"[originating from"───────────────▲
 *
 * Ancestors are stepped over: they tell where the creator was then, not where anything is now. A line
 * that fits nowhere is a flaw, and the reading goes on with the next one.
 */

import type { Flaws } from "./flaws.ts";
import { ascii, lineEnd, NEWLINE, SPACE, startsWith, TAB, textEnd } from "./goroutines-debug2-bytes.ts";
import { creatorGoid, creatorNameEnd } from "./goroutines-debug2-creator.ts";
import { argumentsStart, bodyLine, isCall, NON_GO, placeEnd } from "./goroutines-debug2-lines.ts";
import type { SpanTable } from "./goroutines-debug2-spans.ts";
import { BARE, CALL, CREATED, ELIDED, NO_FILE, type StackTree, TOP } from "./goroutines-debug2-stacks.ts";
import { quoteBytes } from "./quote-bytes.ts";

const PC = ascii("pc=0x");

export class BodyReader {
	readonly #bytes: Uint8Array;
	readonly #spans: SpanTable;
	readonly #tree: StackTree;
	readonly #flaws: Flaws;
	/** What the last body held: the end of its path, its creator (0 if absent), and whether it was printed. */
	node = TOP;
	creatorGoid = 0;
	unavailable = false;
	#state: "frames" | "created" | "ancestors" = "frames";
	/** Where the last line that fits nowhere ended: a run of such lines is one flaw. */
	#strayEnd = -1;

	constructor(bytes: Uint8Array, spans: SpanTable, tree: StackTree, flaws: Flaws) {
		this.#bytes = bytes;
		this.#spans = spans;
		this.#tree = tree;
		this.#flaws = flaws;
	}

	/** Reads the body that starts at `at`; returns where the next blank line or header, or the end, is. */
	read(at: number): number {
		const bytes = this.#bytes;
		const tree = this.#tree;
		this.node = TOP;
		this.creatorGoid = 0;
		this.unavailable = false;
		this.#state = "frames";
		let p = at;
		while (p < bytes.length && bytes[p] !== NEWLINE) {
			const likely = tree.lastChild[this.node] ?? 0;
			let next = likely === 0 || this.#state !== "frames" ? -1 : tree.follow(likely, p);
			if (next >= 0) {
				this.node = likely;
				if (tree.isCreated(likely)) this.#created(p, lineEnd(bytes, p));
			} else {
				next = this.#line(p);
				if (next < 0) break;
			}
			p = next;
		}
		return p;
	}

	/** Text that belongs to no goroutine and no frame. */
	stray(start: number, end: number, next: number): void {
		if (start !== this.#strayEnd) {
			const found = quoteBytes(this.#bytes, start, end);
			this.#flaws.malformed(`expected a stack frame or a goroutine, found "${found}"`, start);
		}
		this.#strayEnd = next;
	}

	/** Reads the line at `start` in full; returns the start of the line after it, or -1 at the body's end. */
	#line(start: number): number {
		const bytes = this.#bytes;
		const newline = lineEnd(bytes, start);
		// A line that the end of the input cuts says nothing for certain.
		if (newline === bytes.length) return newline;
		const end = textEnd(bytes, start, newline);
		const next = newline + 1;
		const kind = bodyLine(bytes, start, end);
		if (kind === "blank" || kind === "header") return -1;
		if (kind === "ancestor") this.#state = "ancestors";
		else if (this.#state === "ancestors") return next;
		else if (kind === "unavailable") this.unavailable = true;
		else if (kind === "place" || this.#state === "created") this.stray(start, end, next);
		else if (kind === "elided") this.#push(ELIDED, this.#spans.intern(start, end), NO_FILE);
		else if (kind === "lone") this.#push(BARE, this.#spans.intern(start, start + NON_GO.length), NO_FILE);
		else if (kind === "created") return this.#call(CREATED, start, end, next);
		else if (isCall(bytes, start, end, next)) return this.#call(CALL, start, end, next);
		else if (next === bytes.length)
			this.#flaws.truncated("the dump ends between a call and its file line", start);
		else this.stray(start, end, next);
		return next;
	}

	/** A name line and the place line after it. */
	#call(kind: typeof CALL | typeof CREATED, start: number, end: number, next: number): number {
		const bytes = this.#bytes;
		const place = this.#place(start, next);
		if (kind === CREATED) {
			this.#push(CREATED, this.#spans.intern(start, creatorNameEnd(bytes, start, end)), place);
			this.#created(start, end);
		} else {
			const paren = argumentsStart(bytes, start, end);
			this.#push(paren < 0 ? BARE : CALL, this.#spans.intern(start, paren < 0 ? end : paren), place);
		}
		return bytes[next] === TAB ? Math.min(lineEnd(bytes, next) + 1, bytes.length) : next;
	}

	/** The span of `FILE:LINE` in the line at `at`, NO_FILE if it has none; says so where it should. */
	#place(name: number, at: number): number {
		const bytes = this.#bytes;
		if (at >= bytes.length) {
			this.#flaws.truncated("the dump ends between a call and its file line", name);
			return NO_FILE;
		}
		const newline = lineEnd(bytes, at);
		const end = textEnd(bytes, at, newline);
		if (bytes[at] !== TAB) {
			this.#flaws.malformed(`expected a file line, found "${quoteBytes(bytes, at, end)}"`, at);
			return NO_FILE;
		}
		const past = placeEnd(bytes, at + 1, end);
		// Where the input is cut, a line number is whole only if something follows it.
		if (newline === bytes.length && bytes[past] !== SPACE) return NO_FILE;
		if (past >= 0) return this.#spans.intern(at + 1, past);
		if (!startsWith(bytes, at + 1, PC)) {
			this.#flaws.malformed(`expected FILE:LINE, found "${quoteBytes(bytes, at, end)}"`, at);
		}
		return NO_FILE;
	}

	#created(start: number, newline: number): void {
		this.#state = "created";
		this.creatorGoid = creatorGoid(this.#bytes, start, textEnd(this.#bytes, start, newline));
	}

	#push(kind: number, func: number, file: number): void {
		this.node = this.#tree.child(this.node, kind, func, file);
	}
}
