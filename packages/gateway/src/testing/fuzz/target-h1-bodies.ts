/**
 * Bodies in chunks: whole or in pieces it is the same, and what a naive reader makes of it; nothing is read beyond its
 * end, and what was refused has no end.
 */
import type { Chance } from "@plumbline/resolver/testing/fuzz/chance";
import { wounded } from "../h1-heads.ts";
import { bodyOf, type ReadBody } from "../h1-pieces.ts";
import type { Target } from "./target.ts";

const CHUNKS_MAX = 4;
const EXTENSIONS = ["", "", "", ";a", ';a="b c"', ";", ";\xe9", ";\0"];
const TRAILERS = ["X-A: 1\r\n", "Content-Length: 5\r\n", "X-B:\r\n", " X: 1\r\n", "X\r\n", "X-A: 1\n"];
const SIZES = [1, 2, 15, 16, 17, 300];
/** As the naive reader has it; without limits, which these bodies do not reach. */
const CHUNK = /([0-9a-fA-F]{1,13})(?:;[\t -~\x80-\xff]*)?\r\n/y;
const TRAILER = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t -~\x80-\xff]*\r\n/y;

export function bodiesTarget(): Target {
	return {
		run(chance) {
			const text = someBody(chance);
			const bytes = Buffer.from(text, "latin1");
			const whole = bodyOf(bytes, []);
			const step = chance.of([1, 2, 7, 30]);
			const cuts = Array.from({ length: Math.floor(bytes.length / step) }, (_, index) => (index + 1) * step);
			const pieces = bodyOf(bytes, cuts);
			const fail = (what: string) => {
				throw new Error(`${what}: ${JSON.stringify({ text, whole, pieces, step })}`);
			};
			if (summary(whole) !== summary(pieces)) fail("not the same in pieces");
			const end = naiveEnd(text);
			if (whole.ended !== (end === undefined ? 0 : 1)) fail("the naive reader says otherwise");
			if (end !== undefined && (whole.read !== end || !whole.done)) fail("it ends elsewhere");
		},
	};
}

function summary({ data, trailers, ended, fault, done, read }: ReadBody): string {
	return JSON.stringify([data, trailers, ended, fault, done, ended === 0 ? undefined : read]);
}

function someBody(chance: Chance): string {
	let text = "";
	for (let chunks = chance.below(CHUNKS_MAX); chunks > 0; chunks--) {
		const data = "x".repeat(chance.of(SIZES));
		const size = data.length + (chance.oneIn(20) ? chance.below(3) - 1 : 0);
		text += `${chance.oneIn(5) ? "0" : ""}${size.toString(16)}${chance.of(EXTENSIONS)}\r\n${data}\r\n`;
	}
	text += `0${chance.of(EXTENSIONS)}\r\n`;
	for (let trailers = chance.oneIn(3) ? chance.below(3) : 0; trailers > 0; trailers--)
		text += chance.of(TRAILERS);
	text += "\r\n";
	if (chance.oneIn(3)) text += "GET / HTTP/1.1\r\n";
	return chance.oneIn(3) ? wounded(text, chance) : text;
}

/** Where the body ends; undefined: it is refused, or not whole. */
function naiveEnd(text: string): number | undefined {
	for (let at = 0; ; ) {
		CHUNK.lastIndex = at;
		const found = CHUNK.exec(text);
		if (found === null) return undefined;
		at = CHUNK.lastIndex;
		const size = Number.parseInt(found[1] ?? "", 16);
		if (size === 0) return naiveTrailersEnd(text, at);
		if (text.slice(at + size, at + size + 2) !== "\r\n") return undefined;
		at += size + 2;
	}
}

function naiveTrailersEnd(text: string, start: number): number | undefined {
	for (let at = start; ; at = TRAILER.lastIndex) {
		if (text.startsWith("\r\n", at)) return at + 2;
		TRAILER.lastIndex = at;
		if (!TRAILER.test(text)) return undefined;
	}
}
