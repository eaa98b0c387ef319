/**
 * The head of a response that came by HTTP/2:
 *
 *     :status 200   content-type application/grpc   ...
 */
import { contentLength, largeness, sortFields } from "./h2-fields.ts";
import { websocketAccept } from "./h2-websocket.ts";
import { type FieldPairs, firstValue, ListResponseHead } from "./message.ts";

/** What was wrong, for logs. */
export interface H2ResponseFault {
	readonly kind: "malformed" | "too-large";
	readonly detail: string;
}

/** What of the request decides how its answer is read. */
export interface AnsweredRequest {
	readonly method: string;
	/** It went out as an extended CONNECT, for a client that sent this key. */
	readonly websocketKey: string | undefined;
}

const STATUS = /^[1-5]\d\d$/;

export function readResponseHead(
	raw: FieldPairs,
	endsHere: boolean,
	request: AnsweredRequest,
	limits: { readonly headBytesMax: number; readonly fieldsMax: number },
): ListResponseHead | H2ResponseFault {
	const tooLarge = largeness(raw, limits);
	if (tooLarge !== undefined) return { kind: "too-large", detail: tooLarge };
	const sorted = sortFields(raw);
	if (sorted.fault !== undefined) return fault(sorted.fault);
	const text = firstValue(sorted.pseudo, ":status");
	if (text === undefined || !STATUS.test(text)) return fault(`expected :status 100 to 599, found ${text}`);
	const status = Number(text);
	if (status === 101) return fault("expected no 101, which HTTP/2 has not");
	if (request.websocketKey !== undefined && status >= 200 && status < 300) {
		// Nothing of an answer to CONNECT has a length.
		if (endsHere) return fault("expected a tunnel, found its end with its begin");
		sorted.kept.push("sec-websocket-accept", websocketAccept(request.websocketKey));
		return new ListResponseHead(101, sorted.kept, undefined);
	}
	const length = contentLength(sorted.hop);
	if (Number.isNaN(length)) return fault("expected one number in content-length");
	if (status < 200 || status === 204) return new ListResponseHead(status, sorted.kept, 0);
	const saysOnly = request.method === "HEAD" || status === 304;
	return new ListResponseHead(status, sorted.kept, endsHere && !saysOnly ? 0 : length);
}

function fault(detail: string): H2ResponseFault {
	return { kind: "malformed", detail };
}
