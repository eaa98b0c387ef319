/** Requests as routes, keys and balancing see them, made of what a test cares for. */
import type { GateRequest } from "../gate.ts";
import { eachPair, type FieldPairs, firstValue, type RequestHead } from "../message.ts";

type Told = Partial<Pick<RequestHead, "method" | "authority" | "path" | "version">> & {
	readonly fields?: FieldPairs;
};

export function plainHead(told: Told = {}): RequestHead {
	const { method = "GET", authority = "example.com", path = "/", version = "1.1", fields = [] } = told;
	return {
		version,
		method,
		scheme: "http",
		authority,
		path,
		upgrade: undefined,
		expectsContinue: false,
		acceptsTrailers: false,
		bodyLength: 0,
		value: (name) => firstValue(fields, name),
		each: (visit) => eachPair(fields, visit),
	};
}

export function plainRequest(clientAddress: string, told: Told = {}): GateRequest {
	const client = { address: clientAddress, port: 1, listener: "test", tls: undefined, requests: 1 };
	return { head: plainHead(told), client, clientAddress };
}
