/** The engine and the naive reader about one text. Throws where they differ. */
import { H1RequestHead, parseRequestHead } from "../h1-request.ts";
import { H1ResponseHead, parseResponseHead } from "../h1-response.ts";
import { type NaiveHead, naiveRequest, naiveResponse } from "./h1-naive.ts";

/** None that these texts reach: the naive reader has none. */
const LIMITS = { headBytesMax: 65_536, fieldsMax: 1000, targetBytesMax: 65_536 };
const request = new H1RequestHead("http");
const response = new H1ResponseHead();

export function agreesOnRequest(text: string): void {
	const bytes = Buffer.from(text, "latin1");
	const length = parseRequestHead(bytes, 0, bytes.length, LIMITS, request);
	const theirs = naiveRequest(text);
	if (!isHead(text, length, request.fault?.detail, theirs)) {
		request.release();
		return;
	}
	compare(text, length, theirs, {
		length,
		first: [request.method, request.path, request.version],
		framing: request.framing,
		bodyLength: request.bodyLength,
		fields: fieldsOf(request),
		authority: request.authority,
	});
}

export function agreesOnResponse(text: string, method: string): void {
	const bytes = Buffer.from(text, "latin1");
	const length = parseResponseHead(bytes, 0, bytes.length, LIMITS, method, response);
	const theirs = naiveResponse(text, method);
	if (!isHead(text, length, response.fault?.detail, theirs)) {
		response.release();
		return;
	}
	compare(text, length, theirs, {
		length,
		first: [String(response.status), response.version],
		framing: response.framing,
		bodyLength: response.bodyLength,
		fields: fieldsOf(response),
		authority: "",
	});
}

/** Both have one. Of text that is not whole the engine may say already what is wrong with it. */
function isHead(
	text: string,
	length: number,
	fault: string | undefined,
	theirs: NaiveHead | "refused" | undefined,
): theirs is NaiveHead {
	const ours = length > 0 ? "head" : length === 0 ? "more" : "refused";
	const naive = theirs === undefined ? "more" : theirs === "refused" ? "refused" : "head";
	if (ours !== naive && !(ours === "refused" && naive === "more"))
		throw new Error(`${ours} (${fault}), naively ${naive}: ${JSON.stringify(text)}`);
	return ours === "head";
}

function compare(text: string, length: number, theirs: NaiveHead, ours: NaiveHead): void {
	const { first, framing, bodyLength, fields, authority } = theirs;
	const naive = JSON.stringify({ length: theirs.length, first, framing, bodyLength, fields, authority });
	if (JSON.stringify(ours) !== naive)
		throw new Error(`${JSON.stringify(ours)}, naively ${naive}: ${JSON.stringify(text)} to ${length}`);
}

function fieldsOf(head: H1RequestHead | H1ResponseHead): string[] {
	const fields: string[] = [];
	head.each((name, value) => fields.push(name, value));
	return fields;
}
