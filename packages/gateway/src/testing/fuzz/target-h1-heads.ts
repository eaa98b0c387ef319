/**
 * Heads of HTTP/1.1: the engine says what the naive reader says, whole or in pieces; and what it passes on is read
 * again as the same head, with nothing left over, by itself and naively.
 */
import type { Chance } from "@plumbline/resolver/testing/fuzz/chance";
import { H1RequestHead, parseRequestHead } from "../../h1-request.ts";
import { H1ResponseHead, parseResponseHead } from "../../h1-response.ts";
import { H1Hop, writeRequestHead, writeResponseHead } from "../../h1-write-head.ts";
import { NO_EDITS } from "../../message.ts";
import { agreesOnRequest, agreesOnResponse } from "../h1-agreement.ts";
import { someRequest, someResponse } from "../h1-heads.ts";
import { naiveRequest, naiveResponse } from "../h1-naive.ts";
import type { Target } from "./target.ts";

const LIMITS = { headBytesMax: 65_536, fieldsMax: 1000, targetBytesMax: 65_536 };
const OUT_BYTES = 16_384;
/** A head in pieces of so many bytes. */
const PIECES = [1, 2, 7, 30];

export function requestHeadsTarget(): Target {
	const head = new H1RequestHead("http");
	const out = Buffer.alloc(OUT_BYTES);
	const hop = new H1Hop();
	return {
		run(chance) {
			const text = someRequest(chance);
			agreesOnRequest(text);
			const whole = inPieces(text, chance, head, (bytes, end) =>
				parseRequestHead(bytes, 0, end, LIMITS, head),
			);
			if (!whole || head.method === "CONNECT" || head.authority === "") return;
			hop.framing = head.bodyLength === undefined ? "chunked" : chance.of(["none", "length"]);
			hop.length = chance.of([head.bodyLength ?? 0, 7]);
			const end = writeRequestHead(out, 0, head, NO_EDITS, hop);
			const written = out.toString("latin1", 0, end);
			agreesOnRequest(written);
			const again = naiveRequest(written);
			if (again === undefined || again === "refused" || again.length !== end || again.framing !== hop.framing)
				throw new Error(`passed on wrongly: ${JSON.stringify([text, written])}`);
			if (JSON.stringify([again.first[1], again.authority]) !== JSON.stringify([head.path, head.authority]))
				throw new Error(`passed on to another place: ${JSON.stringify([text, written])}`);
		},
	};
}

export function responseHeadsTarget(): Target {
	const head = new H1ResponseHead();
	const out = Buffer.alloc(OUT_BYTES);
	const hop = new H1Hop();
	return {
		run(chance) {
			const text = someResponse(chance);
			const method = chance.of(["GET", "HEAD"]);
			agreesOnResponse(text, method);
			const whole = inPieces(text, chance, head, (bytes, end) =>
				parseResponseHead(bytes, 0, end, LIMITS, method, head),
			);
			if (!whole) return;
			hop.framing = head.bodyLength === undefined ? "chunked" : "length";
			hop.length = head.bodyLength ?? 0;
			const end = writeResponseHead(out, 0, head, NO_EDITS, hop);
			const written = out.toString("latin1", 0, end);
			const again = naiveResponse(written, method);
			if (again === undefined || again === "refused" || again.length !== end)
				throw new Error(`passed on wrongly: ${JSON.stringify([text, written])}`);
		},
	};
}

/** Whether it is a head. It must be the same at once. */
function inPieces(
	text: string,
	chance: Chance,
	head: H1RequestHead | H1ResponseHead,
	parse: (bytes: Buffer, end: number) => number,
): boolean {
	const bytes = Buffer.from(text, "latin1");
	const atOnce = parse(bytes, bytes.length);
	const fault = head.fault;
	head.release();
	const step = chance.of(PIECES);
	let answer = 0;
	for (let end = step; answer === 0 && end < bytes.length + step; end += step)
		answer = parse(bytes, Math.min(end, bytes.length));
	// What is wrong with a line may be seen before its end, or not.
	const isEarly = atOnce < 0 && answer === 0 && !text.endsWith("\n");
	if (!isEarly && (answer !== atOnce || head.fault !== fault))
		throw new Error(
			`${answer} ${head.fault?.detail} in ${step}s, ${atOnce} ${fault?.detail} at once: ${JSON.stringify(text)}`,
		);
	if (answer === 0) head.release();
	return answer > 0;
}
