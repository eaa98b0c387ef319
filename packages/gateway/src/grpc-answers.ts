/**
 * gRPC's own words for what the gateway says and hears (gRPC over HTTP2, protocol document of grpc/grpc):
 *
 *     request   content-type: application/grpc+proto   grpc-timeout: 250m
 *     answer    :status 200   content-type: application/grpc   grpc-status: 14   grpc-message: try%0Aagain
 *
 * An answer without messages is one head and no body, "trailers-only": a client of gRPC takes any other as broken, and
 * an HTTP status it would have to guess at.
 */
import type { FieldPairs, RequestHead } from "./message.ts";

/** With a subtype or parameters; application/grpc-web has its status elsewhere and is not meant. */
const CONTENT_TYPE = /^application\/grpc(?:$|[+; \t])/i;
const TIMEOUT = /^(\d{1,8})([HMSmun])$/;
const TIMEOUT_VALUE_MAX = 99_999_999;
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1 };
const NO_BODY = new Uint8Array(0);

const CANCELLED = 1;
const UNKNOWN = 2;
const DEADLINE_EXCEEDED = 4;
const PERMISSION_DENIED = 7;
const RESOURCE_EXHAUSTED = 8;
const UNIMPLEMENTED = 12;
const INTERNAL = 13;
const UNAVAILABLE = 14;
const DATA_LOSS = 15;
const UNAUTHENTICATED = 16;

/** As it goes out: a status of HTTP that says nothing, fields that do, no body. */
export interface GrpcAnswer {
	readonly status: 200;
	readonly fields: FieldPairs;
	readonly body: Uint8Array;
}

export function isGrpc(head: RequestHead): boolean {
	const type = head.value("content-type");
	return type !== undefined && CONTENT_TYPE.test(type);
}

/** The gateway's own refusal, which as HTTP would have this status. */
export function grpcAnswer(status: number, message: string, fields: FieldPairs = []): GrpcAnswer {
	return {
		status: 200,
		fields: [
			"content-type",
			"application/grpc",
			"grpc-status",
			String(grpcStatusOf(status)),
			"grpc-message",
			percentEncoded(message),
			...fields,
		],
		body: NO_BODY,
	};
}

/** As the protocol maps them, but where the gateway knows better what it meant: 408, 413, 429, 499, 504. */
export function grpcStatusOf(httpStatus: number): number {
	switch (httpStatus) {
		case 401:
			return UNAUTHENTICATED;
		case 403:
			return PERMISSION_DENIED;
		case 404:
		case 405:
		case 501:
			return UNIMPLEMENTED;
		case 408:
		case 504:
			return DEADLINE_EXCEEDED;
		case 413:
		case 414:
		case 429:
		case 431:
			return RESOURCE_EXHAUSTED;
		case 499:
			return CANCELLED;
		case 400:
		case 500:
		case 508:
			return INTERNAL;
		case 502:
		case 503:
			return UNAVAILABLE;
		default:
			return UNKNOWN;
	}
}

/** What as HTTP would be a 5xx of a server that is not well. UNIMPLEMENTED is about the request, like 501. */
export function isGrpcFailure(grpcStatus: number): boolean {
	switch (grpcStatus) {
		case UNKNOWN:
		case DEADLINE_EXCEEDED:
		case INTERNAL:
		case UNAVAILABLE:
		case DATA_LOSS:
			return true;
		default:
			return false;
	}
}

/** undefined: there is none, or not one that we understand. Parts of a millisecond are kept. */
export function parseGrpcTimeoutMs(value: string | undefined): number | undefined {
	const parts = value === undefined ? null : TIMEOUT.exec(value);
	if (parts === null) return undefined;
	const count = Number(parts[1]);
	const unit = parts[2] as string;
	if (unit === "u") return count / 1000;
	return unit === "n" ? count / 1_000_000 : count * (UNIT_MS[unit] as number);
}

/** In the finest unit that has room for it, never longer than asked for. */
export function formatGrpcTimeout(ms: number): string {
	if (ms < 1) return `${Math.max(1, Math.floor(ms * 1000))}u`;
	for (const unit of ["m", "S", "M", "H"]) {
		const count = Math.floor(ms / (UNIT_MS[unit] as number));
		if (count <= TIMEOUT_VALUE_MAX) return `${count}${unit}`;
	}
	return `${TIMEOUT_VALUE_MAX}H`;
}

/** UTF-8, with everything but visible ASCII and space as %XX; % too. */
export function percentEncoded(message: string): string {
	let encoded = "";
	for (const byte of new TextEncoder().encode(message)) {
		const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
		encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
	}
	return encoded;
}
