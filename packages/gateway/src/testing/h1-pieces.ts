/** Heads and bodies of HTTP/1.1 given to the engine whole or in pieces, and what it made of them as plain data. */
import { type BodySink, H1Body } from "../h1-body.ts";
import type { HeadLimits } from "../h1-head-fields.ts";
import { H1RequestHead, parseRequestHead } from "../h1-request.ts";
import { H1ResponseHead, parseResponseHead } from "../h1-response.ts";
import type { FieldPairs } from "../message.ts";

export const TEST_LIMITS: HeadLimits = { headBytesMax: 1024, fieldsMax: 12, targetBytesMax: 200 };

export interface Told {
	/** Bytes of the head; undefined when it was refused or is not whole. */
	readonly length: number | undefined;
	readonly fault: { readonly status: number; readonly detail: string } | undefined;
}

export function requestOf(text: string | Buffer, limits = TEST_LIMITS): Told & { head: H1RequestHead } {
	const bytes = bytesOf(text);
	const head = new H1RequestHead("http");
	return { ...told(parseRequestHead(bytes, 0, bytes.length, limits, head), head), head };
}

export function responseOf(text: string | Buffer, method = "GET"): Told & { head: H1ResponseHead } {
	const bytes = bytesOf(text);
	const head = new H1ResponseHead();
	return { ...told(parseResponseHead(bytes, 0, bytes.length, TEST_LIMITS, method, head), head), head };
}

function told(length: number, { fault }: H1RequestHead | H1ResponseHead): Told {
	return { length: length > 0 ? length : undefined, fault };
}

export function bytesOf(text: string | Buffer): Buffer {
	return typeof text === "string" ? Buffer.from(text, "latin1") : text;
}

/** Each answer of the parser to more and more of the bytes, moved to another place every time; 0 until it is another. */
export function inPieces(
	bytes: Buffer,
	cuts: readonly number[],
	parse: (bytes: Buffer, start: number, end: number) => number,
): number {
	for (const [index, cut] of [...cuts, bytes.length].entries()) {
		const start = index % 3;
		const moved = Buffer.concat([Buffer.alloc(start, "#"), bytes.subarray(0, cut), Buffer.from("\n\r\n")]);
		const answer = parse(moved, start, start + cut);
		if (answer !== 0) return answer > 0 ? answer - start : answer;
	}
	return 0;
}

/** What a head says, for comparison. */
export function plain(head: H1RequestHead | H1ResponseHead): unknown {
	const fields: string[] = [];
	head.each((name, value) => fields.push(name, value));
	const { version, framing, keepAlive, bodyLength, upgrade, fault } = head;
	const both = { fields, version, framing, keepAlive, bodyLength, upgrade, fault };
	if (head instanceof H1ResponseHead) return { ...both, status: head.status };
	const { method, path, authority, expectsContinue, acceptsTrailers } = head;
	return { ...both, method, path, authority, expectsContinue, acceptsTrailers };
}

export interface ReadBody {
	readonly data: string;
	readonly trailers: FieldPairs | undefined;
	readonly ended: number;
	/** Bytes that were read, of those given. */
	readonly read: number;
	readonly fault: { readonly status: number; readonly detail: string } | undefined;
	readonly done: boolean;
}

/** A body in pieces that end at `cuts`. */
export function bodyOf(
	bytes: Buffer,
	cuts: readonly number[],
	framing: "none" | "length" | "chunked" | "close" = "chunked",
	length = 0,
	bytesMax = Number.POSITIVE_INFINITY,
): ReadBody {
	const body = new H1Body();
	let data = "";
	let trailers: FieldPairs | undefined;
	let ended = 0;
	const sink: BodySink = {
		data(piece) {
			data += piece.toString("latin1");
		},
		end(came) {
			ended++;
			trailers = came;
		},
	};
	body.begin(framing, length, bytesMax);
	let read = 0;
	for (const cut of [...cuts, bytes.length]) {
		if (body.done) break;
		const next = body.read(bytes, read, cut, sink);
		if (next < 0) break;
		read = next;
	}
	return { data, trailers, ended, read, fault: body.fault, done: body.done };
}
