/** What an active check sends: a request with few fields, and for gRPC the message of its health service. */
import { eachPair, type FieldPairs, firstValue, type RequestHead } from "./message.ts";

export class CheckRequestHead implements RequestHead {
	readonly version = "1.1";
	readonly method: "GET" | "POST";
	readonly scheme: "http" | "https";
	readonly authority: string;
	readonly path: string;
	readonly upgrade = undefined;
	readonly expectsContinue = false;
	readonly acceptsTrailers: boolean;
	readonly bodyLength: number;
	readonly #fields: FieldPairs;

	constructor(
		to: { readonly scheme: "http" | "https"; readonly authority: string; readonly path: string },
		fields: FieldPairs,
		bodyLength: number,
	) {
		this.method = bodyLength === 0 ? "GET" : "POST";
		this.scheme = to.scheme;
		this.authority = to.authority;
		this.path = to.path;
		this.acceptsTrailers = bodyLength > 0;
		this.bodyLength = bodyLength;
		this.#fields = fields;
	}

	value(name: string): string | undefined {
		return firstValue(this.#fields, name);
	}

	each(visit: (name: string, value: string) => void): void {
		eachPair(this.#fields, visit);
	}
}

export const GRPC_CHECK_PATH = "/grpc.health.v1.Health/Check";

const LENGTH_PREFIXED = 5;
/** Field 1 of HealthCheckRequest, a string. */
const SERVICE_TAG = 0x0a;
/** Field 1 of HealthCheckResponse, a number. */
const STATUS_TAG = 0x08;
const SERVING = 1;
/** A length of one octet in protobuf. */
const SERVICE_OCTETS_MAX = 127;

/**
 * grpc.health.v1.HealthCheckRequest{service: "orders"} with gRPC's prefix:
 *
 *   00 00000008  0a 06 6f7264657273
 */
export function grpcCheckMessage(service: string): Uint8Array {
	const name = new TextEncoder().encode(service).subarray(0, SERVICE_OCTETS_MAX);
	const message = name.length === 0 ? [] : [SERVICE_TAG, name.length, ...name];
	return Uint8Array.of(0, 0, 0, 0, message.length, ...message);
}

/** Of HealthCheckResponse{status: SERVING}: 00 00000002 08 01. Anything else is not serving. */
export function isServing(message: Uint8Array): boolean {
	return (
		message[0] === 0 && message[LENGTH_PREFIXED] === STATUS_TAG && message[LENGTH_PREFIXED + 1] === SERVING
	);
}
