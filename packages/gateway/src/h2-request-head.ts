/**
 * The head of a request that came by HTTP/2:
 *
 *     :method POST   :scheme https   :authority shop.example   :path /cart?n=1   content-type ...
 *     :method CONNECT   :protocol websocket   ...                                  (RFC 8441)
 *
 * The second is shown to the rest of the gateway as what it would be in HTTP/1.1: a GET that wants to change to
 * `websocket`, with a key of ours.
 */
import { contentLength, largeness, type SortedFields, sortFields } from "./h2-fields.ts";
import { websocketKey } from "./h2-websocket.ts";
import { eachPair, type FieldPairs, firstValue, type RequestHead } from "./message.ts";
import type { MessageLimits } from "./settings.ts";

/** `status` undefined: not HTTP/2 at all, the stream is reset with PROTOCOL_ERROR. */
export interface H2HeadFault {
	readonly kind: "fault";
	readonly status: 400 | 405 | 413 | 414 | 431 | 501 | undefined;
	readonly detail: string;
}

const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Visible ASCII, without the fragment that no request carries. */
const PATH = /^\/[!"$-~]*$/;
const AUTHORITY = /^(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z\-._~!$&'()*+,;=%]+)(?::\d{0,5})?$/;

export class H2RequestHead implements RequestHead {
	readonly kind = "head";
	readonly version = "2";
	readonly method: string;
	readonly scheme: "http" | "https";
	readonly authority: string;
	readonly path: string;
	readonly upgrade: string | undefined;
	readonly expectsContinue: boolean;
	readonly acceptsTrailers: boolean;
	readonly bodyLength: number | undefined;
	readonly fields: FieldPairs;
	/** Of an extended CONNECT: the key given to whoever answers it. */
	readonly websocketKey: string | undefined;

	constructor(
		sorted: SortedFields,
		method: string,
		scheme: "http" | "https",
		authority: string,
		path: string,
		bodyLength: number | undefined,
		key: string | undefined,
	) {
		this.method = key === undefined ? method : "GET";
		this.scheme = scheme;
		this.authority = authority;
		this.path = path;
		this.upgrade = key === undefined ? undefined : "websocket";
		this.expectsContinue = firstValue(sorted.hop, "expect")?.toLowerCase() === "100-continue";
		this.acceptsTrailers = firstValue(sorted.hop, "te") !== undefined;
		this.bodyLength = bodyLength;
		this.fields = sorted.kept;
		this.websocketKey = key;
	}

	value(name: string): string | undefined {
		return firstValue(this.fields, name);
	}

	each(visit: (name: string, value: string) => void): void {
		eachPair(this.fields, visit);
	}
}

/** `endsHere`: END_STREAM came with it. The scheme is the connection's, whatever the client says of it. */
export function readRequestHead(
	raw: FieldPairs,
	scheme: "http" | "https",
	endsHere: boolean,
	limits: MessageLimits,
): H2RequestHead | H2HeadFault {
	const tooLarge = largeness(raw, limits);
	if (tooLarge !== undefined) return fault(431, tooLarge);
	const sorted = sortFields(raw);
	if (sorted.fault !== undefined) return fault(undefined, sorted.fault);
	const method = onlyPseudo(sorted, ":method");
	const path = onlyPseudo(sorted, ":path");
	const said = onlyPseudo(sorted, ":scheme");
	if (method === undefined || !METHOD.test(method)) return fault(undefined, "expected one :method");
	const te = firstValue(sorted.hop, "te");
	if (te !== undefined && te.toLowerCase() !== "trailers")
		return fault(undefined, `expected te: trailers, found ${JSON.stringify(te)}`);
	const authority = agreedAuthority(sorted);
	if (authority === undefined) return fault(undefined, "expected one host[:port] in :authority and host");
	const protocol = onlyPseudo(sorted, ":protocol");
	if (method === "CONNECT" && protocol === undefined) return fault(405, "expected no CONNECT");
	if (protocol !== undefined && method !== "CONNECT")
		return fault(undefined, "expected :protocol with CONNECT only");
	if (said !== "http" && said !== "https") return fault(undefined, "expected :scheme http or https");
	if (path === undefined || !(PATH.test(path) || (path === "*" && method === "OPTIONS")))
		return fault(undefined, "expected a :path that begins with / and has visible characters only");
	if (path.length > limits.targetBytesMax)
		return fault(414, `expected a :path of at most ${limits.targetBytesMax} bytes`);
	const length = endsHere ? 0 : contentLength(sorted.hop);
	if (Number.isNaN(length)) return fault(undefined, "expected one number in content-length");
	if (length !== undefined && length > limits.bodyBytesMax)
		return fault(413, `expected at most ${limits.bodyBytesMax} bytes, content-length says ${length}`);
	if (protocol === undefined)
		return new H2RequestHead(sorted, method, scheme, authority, path, length, undefined);
	if (protocol.toLowerCase() !== "websocket")
		return fault(501, `expected :protocol websocket, found ${JSON.stringify(protocol)}`);
	const key = websocketKey();
	sorted.kept.push("sec-websocket-key", key);
	return new H2RequestHead(sorted, method, scheme, authority, path, 0, key);
}

function onlyPseudo(sorted: SortedFields, name: string): string | undefined {
	return firstValue(sorted.pseudo, name);
}

/** Of :authority and any number of host, which must all say the same; undefined if they do not, or say nothing. */
function agreedAuthority(sorted: SortedFields): string | undefined {
	let agreed = firstValue(sorted.pseudo, ":authority");
	for (let at = 0; at < sorted.hop.length; at += 2) {
		if (sorted.hop[at] !== "host") continue;
		const host = sorted.hop[at + 1] as string;
		if (agreed !== undefined && agreed.toLowerCase() !== host.toLowerCase()) return undefined;
		agreed = host;
	}
	return agreed !== undefined && AUTHORITY.test(agreed) ? agreed : undefined;
}

function fault(status: H2HeadFault["status"], detail: string): H2HeadFault {
	return { kind: "fault", status, detail };
}
