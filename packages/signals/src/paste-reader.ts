/**
 * Pasted lines to pieces. A line is offered as it is to the section that is being read, then to those that may
 * begin; if nobody takes it, what it came in is taken off, layer by layer, and it is offered again:
 *
 *     2026-11-22T10:00:00Z stdout F {"msg":"> goroutine 1 [running]:\nmain.main()\n..."}
 *     └──── container log ────────┘ └ JSON ┘└ mail                  └ escapes
 *
 * A prefix that is learnt begins a stream of its own, so that two services in one log stay two.
 */
import { DUMP_OPENER } from "./paste-dump.ts";
import { dumpLine } from "./paste-dump-lines.ts";
import {
	aroundEscapes,
	unescaped,
	withoutColours,
	withoutEntities,
	withoutOctal,
	withoutTags,
	withPlainBlanks,
} from "./paste-escapes.ts";
import { jsonTexts } from "./paste-json-line.ts";
import { ROW_KINDS } from "./paste-kinds.ts";
import {
	MENDED_COLOURS,
	MENDED_ENTITIES,
	MENDED_ESCAPES,
	MENDED_FENCES,
	MENDED_JSON,
	MENDED_OCTAL,
	MENDED_PARTIAL,
	MENDED_PREFIX,
	MENDED_QUOTE_MARKS,
	MENDED_STRINGS,
} from "./paste-notes.ts";
import { PIECES_MAX, type Piece, type Unread } from "./paste-piece.ts";
import { learnPrefix, type Prefix } from "./paste-prefix.ts";
import { rowOpener } from "./paste-rows.ts";
import type { Opener, PastedLine, Section } from "./paste-section.ts";

/** Layers that are taken off one line. */
const DEPTH_MAX = 8;
/** Logs of different services in one paste that are told apart. */
const STREAMS_MAX = 8;
/** Of a line that a container log split. */
const PARTIAL_CHARS_MAX = 64 << 20;
const FOUND_CHARS_MAX = 60;
const TOO_MANY = `there are more than ${PIECES_MAX} dumps and tables, of which no more are read`;
const RECENT_MAX = 16;
const RECENT_CHARS_MAX = 500;

const ROW_OPENERS: readonly Opener[] = ROW_KINDS.map(rowOpener);
const OPENERS: readonly Opener[] = [DUMP_OPENER, ...ROW_OPENERS];

const SEVERAL_LINES = /(?:\\n|#012)[\s\S]*(?:\\n|#012)/u;

const TAG = /<\/?(?:br|pre|code|p|div|span|td|tr|li|b|i|font)[ />]/iu;
const FENCE = /^(?:`{3,}|~{3,})[\w -]{0,30}$/u;
const QUOTE_MARKS = /^(?:[>|│┃]\s?)+/u;
const STRING = /^(["'`])(.*)\1\s*[,;+)\]]*$/su;
const CONTAINER_LOG = /^\S{1,40}T\S{1,40} (?:stdout|stderr) ([FP])(?: |$)/u;
const ODD_CHARACTERS = /[\u00a0\u00ad\u2000-\u200d\u202f\u205f\u2060\u3000\ufeff]/u;

interface Stream {
	readonly prefix: Prefix | undefined;
	section: Section | undefined;
}

/** A line on its way through the layers. */
interface Raw {
	readonly text: string;
	readonly at: number;
	readonly mended: number;
	readonly depth: number;
	readonly full: boolean;
	readonly last: boolean;
}

/** Whether a kind of text, or a row of one, can begin with the line. */
export function beginsText(line: string): boolean {
	return OPENERS.some((opener) => opener.opens(line));
}

export class PasteReader {
	readonly #streams: Stream[] = [{ prefix: undefined, section: undefined }];
	#current: Stream = this.#streams[0] as Stream;
	readonly #pieces: Piece[] = [];
	/** Bits that count for the next line that is taken: of a fence before it, of the whole text. */
	#carried: number;
	readonly #always: number;
	#partial = "";
	#unreadLines = 0;
	#found: string | undefined;
	#announced: string | undefined;
	/** Lines read last that belong to nothing: what announces a dump has a prefix that was not known yet. */
	readonly #recent: string[] = [];
	#framesBefore = 0;

	/** `mended`: what was done to the whole text. */
	constructor(mended: number) {
		this.#always = mended;
		this.#carried = mended;
	}

	line(text: string, at: number, full: boolean, last: boolean): void {
		this.#read({ text, at, mended: 0, depth: 0, full, last });
	}

	close(): { readonly pieces: readonly Piece[]; readonly unread?: Unread } {
		for (const stream of this.#streams) this.#closeSection(stream);
		const pieces = this.#pieces.toSorted((a, b) => a.atByte - b.atByte);
		if (this.#found === undefined) return { pieces };
		return { pieces, unread: { lines: this.#unreadLines, found: this.#found } };
	}

	#read(given: Raw): void {
		const raw = mendCharacters(given);
		const text = raw.text.trim();
		if (text === "") this.#current.section?.empty();
		else if (TAG.test(text) && this.#readTagged(raw)) return;
		else if (FENCE.test(text)) this.#carried |= MENDED_FENCES;
		else if (!this.#readPartial(raw) && !this.#tryStreams(raw) && !this.#try(raw, this.#current))
			this.#stray(raw);
	}

	#readTagged(raw: Raw): boolean {
		const plain = withoutTags(raw.text);
		return plain !== raw.text && raw.depth < DEPTH_MAX && this.#readAll([plain], raw, MENDED_ENTITIES);
	}

	/** Lines of a container's log: what it split is put together first. */
	#readPartial(raw: Raw): boolean {
		const found = CONTAINER_LOG.exec(raw.text);
		if (found === null) return false;
		const rest = raw.text.slice(found[0].length);
		const joined = this.#partial !== "";
		this.#partial += rest;
		if (found[1] === "P" && this.#partial.length < PARTIAL_CHARS_MAX) return true;
		const text = this.#partial;
		this.#partial = "";
		const mended = raw.mended | MENDED_PREFIX | (joined ? MENDED_PARTIAL : 0);
		if (raw.depth < DEPTH_MAX) this.#read({ ...raw, text, mended, depth: raw.depth + 1 });
		return true;
	}

	/** The line without a known prefix, if it has one and is something without it. */
	#tryStreams(raw: Raw): boolean {
		for (const stream of this.#streams) {
			const length = stream.prefix?.(raw.text) ?? -1;
			if (length < 0) continue;
			const rest = { ...raw, text: raw.text.slice(length), mended: raw.mended | MENDED_PREFIX };
			if (rest.text.trim() === "") {
				stream.section?.empty();
				return true;
			}
			if (this.#try(rest, stream)) return true;
			if (stream.section !== undefined) this.#current = stream;
			if (!this.#try(raw, stream)) this.#stray(rest);
			return true;
		}
		return false;
	}

	#try(raw: Raw, stream: Stream): boolean {
		const line = this.#pasted(raw);
		if (stream.section?.take(line)) return this.#taken(stream);
		if (DUMP_OPENER.opens(line.text)) return this.#open(DUMP_OPENER, line, stream);
		// A whole table in one line has its beginning somewhere in it.
		if (SEVERAL_LINES.test(line.text) && this.#unwrap(raw, line.text, stream)) return true;
		for (const opener of ROW_OPENERS) {
			if (opener.opens(line.text)) return this.#open(opener, line, stream);
		}
		return this.#unwrap(raw, line.text, stream) || this.#tryAnchors(raw, stream);
	}

	#open(opener: Opener, line: PastedLine, stream: Stream): boolean {
		this.#closeSection(stream);
		stream.section = opener.open({ announced: this.#announced, framesBefore: this.#framesBefore });
		this.#announced = undefined;
		this.#framesBefore = 0;
		stream.section.take({ ...line, mended: line.mended | this.#carried | this.#always });
		return this.#taken(stream);
	}

	#taken(stream: Stream): boolean {
		this.#carried = 0;
		this.#current = stream;
		return true;
	}

	#closeSection(stream: Stream): void {
		for (const piece of stream.section?.close() ?? []) this.#keep(piece);
		stream.section = undefined;
	}

	/** Pieces beyond the bound are told, in the last one that is kept. */
	#keep(piece: Piece): void {
		const last = this.#pieces.at(-1);
		if (last === undefined || this.#pieces.length < PIECES_MAX) this.#pieces.push(piece);
		else if (!last.losses.includes(TOO_MANY)) {
			this.#pieces[this.#pieces.length - 1] = { ...last, losses: [...last.losses, TOO_MANY] };
		}
	}

	/** Takes one layer off; true if what was in it was read, whatever became of it. */
	#unwrap(raw: Raw, text: string, stream: Stream): boolean {
		if (raw.depth >= DEPTH_MAX) return false;
		const marks = QUOTE_MARKS.exec(text)?.[0] ?? "";
		if (marks !== "" && marks.length < text.length) {
			const inner = { ...raw, text: text.slice(marks.length), mended: raw.mended | MENDED_QUOTE_MARKS };
			this.#read({ ...inner, depth: raw.depth + 1 });
			return true;
		}
		if (marks !== "") {
			stream.section?.empty();
			return true;
		}
		const texts = jsonTexts(text);
		if (texts !== undefined) return this.#readAll(texts, raw, MENDED_JSON);
		const string = STRING.exec(text);
		if (string !== null) {
			const [, mark, inner = ""] = string;
			const spelled = mark === '"' && inner.includes("\\") ? unescaped(inner) : inner;
			return this.#readAll([spelled], raw, MENDED_STRINGS);
		}
		if (/#01[125]/u.test(text)) {
			const spelled = withoutOctal(raw.text);
			if (spelled !== raw.text) return this.#readAll([spelled], raw, MENDED_OCTAL);
		}
		return /\\[nt"]/u.test(text) && this.#readEscaped(raw, text, stream);
	}

	#readEscaped(raw: Raw, text: string, stream: Stream): boolean {
		const { inner, after } = aroundEscapes(text);
		const spelled = unescaped(inner);
		if (spelled === inner) return false;
		// A single line may be the beginning of one that was broken; then its escapes are its own.
		if ((spelled.trim().match(/\n/gu)?.length ?? 0) < 2) {
			const mended = raw.mended | MENDED_ESCAPES;
			return this.#try(
				{ ...raw, text: spelled.replaceAll("\n", ""), mended, depth: raw.depth + 1, last: false },
				stream,
			);
		}
		this.#readAll([spelled], raw, MENDED_ESCAPES);
		if (/\\[nt]/u.test(after)) this.#readAll([after], raw, MENDED_ESCAPES);
		return true;
	}

	#readAll(texts: readonly string[], raw: Raw, mended: number): boolean {
		for (const text of texts) {
			for (const line of text.replace(/\r?\n$/u, "").split(/\r\n|\n|\r/u)) {
				this.#read({
					text: line,
					at: raw.at,
					mended: raw.mended | mended,
					depth: raw.depth + 1,
					full: raw.full && !text.includes("\n"),
					last: false,
				});
			}
		}
		return true;
	}

	/** A line that holds a beginning behind something: that is the prefix of a log, or stands there once. */
	#tryAnchors(raw: Raw, stream: Stream): boolean {
		for (const opener of OPENERS) {
			const at = opener.find(raw.text.trimEnd());
			if (at <= 0) continue;
			const rest = { ...raw, text: raw.text.slice(at), mended: raw.mended | MENDED_PREFIX };
			const prefix = learnPrefix(raw.text.slice(0, at));
			for (const text of this.#recent)
				this.#lookForAnnouncement(text.slice(Math.max(0, prefix?.(text) ?? 0)).trim());
			const learnt =
				prefix === undefined || this.#streams.length >= STREAMS_MAX ? stream : { prefix, section: undefined };
			if (learnt !== stream) this.#streams.unshift(learnt);
			const line = this.#pasted(rest);
			if (learnt.section?.take(line)) return this.#taken(learnt);
			if (opener.opens(line.text)) return this.#open(opener, line, learnt);
		}
		return false;
	}

	#stray(raw: Raw): void {
		const line = this.#pasted(raw);
		if (this.#current.section?.stray(line)) return;
		this.#unreadLines++;
		this.#found ??= line.text.slice(0, FOUND_CHARS_MAX);
		this.#lookForAnnouncement(line.text);
		this.#recent.push(raw.text.slice(0, RECENT_CHARS_MAX));
		if (this.#recent.length > RECENT_MAX) this.#recent.shift();
		if (line.text === "runtime stack:") this.#framesBefore = Number.NEGATIVE_INFINITY;
		else if (dumpLine(line.text) === "place") this.#framesBefore++;
	}

	#lookForAnnouncement(text: string): void {
		if (OPENERS.some((opener) => opener.announces?.(text) === true)) this.#announced = text;
	}

	#pasted({ text, mended, at, full, last }: Raw): PastedLine {
		const trimmed = text.trim();
		const blankAfter = /\s$/u.test(text);
		return {
			text: trimmed,
			mended: mended | this.#carried,
			at,
			full,
			blankBefore: /^\s/u.test(text),
			blankAfter,
			tabBefore: text.startsWith("\t"),
			last: last && !blankAfter,
		};
	}
}

function mendCharacters(raw: Raw): Raw {
	let { text, mended } = raw;
	if (text.includes("\u001b")) {
		text = withoutColours(text);
		mended |= MENDED_COLOURS;
	}
	if (ODD_CHARACTERS.test(text)) text = withPlainBlanks(text);
	if (text.includes("&")) {
		const spelled = withoutEntities(text);
		if (spelled !== text) {
			text = spelled;
			mended |= MENDED_ENTITIES;
		}
	}
	return text === raw.text ? raw : { ...raw, text, mended };
}
