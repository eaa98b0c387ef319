/** Requests as gates, mirrors and plugins see them, and a route that protects itself by nothing. */
import type { GateRequest } from "../gate.ts";
import { eachPair, type FieldPairs, firstValue, type RequestHead } from "../message.ts";
import type { RouteSettings } from "../settings.ts";

export function testHead(
	method = "GET",
	path = "/",
	fields: FieldPairs = [],
	more: Partial<RequestHead> = {},
): RequestHead {
	return {
		version: "1.1",
		method,
		path,
		scheme: "http",
		authority: "service.test",
		upgrade: undefined,
		expectsContinue: false,
		acceptsTrailers: false,
		bodyLength: 0,
		value: (name) => firstValue(fields, name),
		each: (visit) => eachPair(fields, visit),
		...more,
	};
}

export function testGateRequest(
	method = "GET",
	clientAddress = "192.0.2.1",
	fields: FieldPairs = [],
): GateRequest {
	const client = { address: clientAddress, port: 5000, listener: "test", tls: undefined, requests: 1 };
	return { head: testHead(method, "/", fields), client, clientAddress };
}

export function testRoute(more: Partial<RouteSettings> = {}): RouteSettings {
	return {
		name: "orders",
		match: { hosts: [], path: { kind: "prefix", value: "/" }, methods: [], headers: [] },
		targets: [{ upstream: "orders", share: undefined, header: undefined, cookie: undefined }],
		timeouts: { headMs: 1000, idleMs: 1000, totalMs: 1000, deadlineField: undefined },
		retry: { triesMax: 1, statuses: [], unsafe: false, hedgeMs: undefined },
		requestEdits: { set: [], add: [], remove: [] },
		responseEdits: { set: [], add: [], remove: [] },
		rewrite: undefined,
		host: "client",
		rateLimits: [],
		concurrency: undefined,
		shed: undefined,
		readOnly: { mode: "off", failuresInARow: 5, probeMs: 5000 },
		mirror: undefined,
		plugins: [],
		websocket: false,
		...more,
	};
}
