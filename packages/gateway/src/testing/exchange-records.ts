/** Records as an exchange hands them over, for tests and benchmarks of what is made of them. */
import { eachPair, type FieldPairs, firstValue, type RequestHead } from "../message.ts";
import type { ExchangeRecord } from "../observer.ts";

export function requestHead(
	parts: { readonly method?: string; readonly path?: string; readonly fields?: FieldPairs } = {},
): RequestHead {
	const { method = "GET", path = "/v1/orders/17?page=2", fields = USUAL_FIELDS } = parts;
	return {
		version: "1.1",
		method,
		scheme: "http",
		authority: "shop.example:8080",
		path,
		upgrade: undefined,
		expectsContinue: false,
		acceptsTrailers: false,
		bodyLength: 0,
		value: (name) => firstValue(fields, name),
		each: (visit) => eachPair(fields, visit),
	};
}

const USUAL_FIELDS: FieldPairs = [
	...[
		"accept",
		"*/*",
		"user-agent",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
	],
	...["referer", "https://shop.example/cart"],
];

/** One that went well, on a connection that was there; `parts` is what is another. */
export function exchangeRecord(parts: Partial<ExchangeRecord> = {}): ExchangeRecord {
	return {
		head: requestHead(),
		client: { address: "192.0.2.7", port: 40_017, listener: "127.0.0.1:8080", tls: undefined, requests: 3 },
		clientAddress: "192.0.2.7",
		beganMs: 1000,
		traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
		parentSpanId: undefined,
		spanId: "00f067aa0ba902b7",
		sampled: undefined,
		route: "shop",
		upstream: "orders",
		endpoint: "10.0.0.1:8080",
		tries: 1,
		status: 200,
		requestBytes: 0,
		responseBytes: 512,
		askedPoolMs: 1000.1,
		connectedMs: 1000.111,
		answeredMs: 1001.173,
		endedMs: 1001.204,
		dialled: undefined,
		reused: true,
		refused: undefined,
		failure: undefined,
		failedSide: undefined,
		grpcStatus: undefined,
		...parts,
	};
}
