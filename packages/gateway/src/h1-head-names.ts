/** Names of fields that are about this hop, and not passed on as they came. */
import { fieldNames, isNameAt } from "./field-names.ts";

/** What a field is to the hop; ORDINARY ones are passed on. */
export const ORDINARY = 0;
export const HOST_FIELD = 1;
export const CONTENT_LENGTH = 2;
export const TRANSFER_ENCODING = 3;
export const CONNECTION = 4;
export const UPGRADE = 5;
export const TE = 6;
export const EXPECT = 7;
/** Keep-Alive, Proxy-Connection, HTTP2-Settings, what Connection names, and lookalikes with underscores. */
export const NOT_PASSED_ON = 8;

export const HOP_FIELDS = fieldNames([
	"host",
	"content-length",
	"transfer-encoding",
	"connection",
	"keep-alive",
	"proxy-connection",
	"upgrade",
	"te",
	"expect",
	"http2-settings",
]);

/** By its length first: most names are told apart from ours by that and their first letter. */
export function fieldKind(bytes: Uint8Array, start: number, end: number): number {
	switch (end - start) {
		case 2:
			return isNameAt(bytes, start, "te") ? TE : ORDINARY;
		case 4:
			return isNameAt(bytes, start, "host") ? HOST_FIELD : ORDINARY;
		case 6:
			return isNameAt(bytes, start, "expect") ? EXPECT : ORDINARY;
		case 7:
			return isNameAt(bytes, start, "upgrade") ? UPGRADE : ORDINARY;
		case 10:
			if (isNameAt(bytes, start, "connection")) return CONNECTION;
			return isNameAt(bytes, start, "keep-alive") ? NOT_PASSED_ON : ORDINARY;
		case 14:
			if (isNameAt(bytes, start, "content-length")) return CONTENT_LENGTH;
			return isNameAt(bytes, start, "http2-settings") ? NOT_PASSED_ON : ORDINARY;
		case 16:
			return isNameAt(bytes, start, "proxy-connection") ? NOT_PASSED_ON : ORDINARY;
		case 17:
			return isNameAt(bytes, start, "transfer-encoding") ? TRANSFER_ENCODING : ORDINARY;
		default:
			return ORDINARY;
	}
}

/**
 * CGI and its children turn dashes into underscores, so that `content_length` and `x_forwarded_for` would be read as the
 * fields that we check or set ourselves. Other names with underscores are nobody's business.
 */
export function isLookalike(name: string): boolean {
	if (!name.includes("_")) return false;
	const dashed = name.toLowerCase().replaceAll("_", "-");
	return HOP_FIELDS.has(dashed) || dashed.startsWith("x-forwarded-");
}
