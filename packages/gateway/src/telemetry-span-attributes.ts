/** What spans say of a request, by the semantic conventions of HTTP (1.38), and `plumbline.*` where they have no name. */
import type { Attributes } from "@opentelemetry/api";
import { redactPath } from "./access-log-query.ts";
import type { ExchangeRecord } from "./observer.ts";
import { isError } from "./telemetry-keep.ts";

const METHODS: ReadonlySet<string> = new Set([
	...["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY"],
]);
/** Of one value of a client. */
const VALUE_LENGTH_MAX = 1024;

export function forwardAttributes(record: ExchangeRecord): Attributes {
	const { head, client, route, upstream, refused, failure, grpcStatus } = record;
	const [path = "", query] = splitAt(redactPath(head.path).slice(0, VALUE_LENGTH_MAX), "?");
	const agent = head.value("user-agent");
	return {
		...methodOf(head.method),
		"url.scheme": head.scheme,
		"url.path": path,
		...(query !== undefined && { "url.query": query }),
		...addressOf("server", head.authority),
		"client.address": record.clientAddress,
		"network.peer.address": client.address,
		"network.peer.port": client.port,
		"network.protocol.name": "http",
		"network.protocol.version": head.version,
		"http.request.body.size": record.requestBytes,
		"http.response.body.size": record.responseBytes,
		...(record.status > 0 && { "http.response.status_code": record.status }),
		...(agent !== undefined && { "user_agent.original": agent.slice(0, VALUE_LENGTH_MAX) }),
		...(grpcStatus !== undefined && { "rpc.grpc.status_code": grpcStatus }),
		...(route !== undefined && { "plumbline.route": route }),
		...(upstream !== undefined && { "plumbline.upstream": upstream }),
		...(refused !== undefined && { "plumbline.refused": refused }),
		...(failure !== undefined && { "plumbline.failure": failure.detail.slice(0, VALUE_LENGTH_MAX) }),
		...errorType(record),
	};
}

export function upstreamAttributes(record: ExchangeRecord): Attributes {
	const { head, endpoint = "", upstream, tries } = record;
	return {
		...methodOf(head.method),
		...addressOf("server", endpoint),
		...addressOf("network.peer", endpoint),
		...(record.answeredMs !== undefined &&
			record.status > 0 && { "http.response.status_code": record.status }),
		...(tries > 1 && { "http.request.resend_count": tries - 1 }),
		...(upstream !== undefined && { "plumbline.upstream": upstream }),
		"plumbline.reused": record.reused,
		...(record.failedSide === "client" ? {} : errorType(record)),
	};
}

/** `address:port`, `[::1]:80`, `name`. */
export function addressOf(prefix: string, text: string): Attributes {
	const [, address = text, port] = /^(.*?)(?::(\d{1,5}))?$/.exec(text) ?? [];
	const bare = address.replace(/^\[|\]$/g, "");
	return { [`${prefix}.address`]: bare, ...(port !== undefined && { [`${prefix}.port`]: Number(port) }) };
}

function methodOf(method: string): Attributes {
	if (METHODS.has(method)) return { "http.request.method": method };
	return {
		"http.request.method": "_OTHER",
		"http.request.method_original": method.slice(0, VALUE_LENGTH_MAX),
	};
}

/** What ended it, or the status where that is the error. */
function errorType(record: ExchangeRecord): Attributes {
	const { failure, status, grpcStatus } = record;
	if (failure !== undefined) {
		const clock = failure.timeout === undefined ? "" : `.${failure.timeout}`;
		return { "error.type": failure.kind + clock };
	}
	if (!isError(record)) return {};
	return { "error.type": String(status >= 500 ? status : grpcStatus) };
}

function splitAt(text: string, mark: string): readonly [string, string | undefined] {
	const at = text.indexOf(mark);
	return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
