/** Names of fields that are about this hop, and not passed on as they came. */
import { fieldNames } from "./field-names.ts";
import { isWordAt, word } from "./h1-head-bytes.ts";

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

const WORDS = {
	te: word("te"),
	host: word("host"),
	expect: word("expect"),
	upgrade: word("upgrade"),
	connection: word("connection"),
	keepAlive: word("keep-alive"),
	contentLength: word("content-length"),
	http2Settings: word("http2-settings"),
	proxyConnection: word("proxy-connection"),
	transferEncoding: word("transfer-encoding"),
	realIp: word("x-real-ip"),
	forwarded: word("x-forwarded-"),
} as const;
const FORWARDED = "x-forwarded-";
const REAL_IP = "x-real-ip";
const UNDERSCORE = 0x5f;
const DASH = 0x2d;

/**
 * By its length first: most names are told apart from ours by that and their first letter.
 *
 * CGI and its children turn dashes into underscores, so that `content_length` and `x_forwarded_for` would be read as the
 * fields that we check or set ourselves: they are not passed on. Other names with underscores are nobody's business.
 */
export function fieldKind(bytes: Uint8Array, start: number, end: number): number {
	switch (end - start) {
		case 2:
			return isWordAt(bytes, start, WORDS.te) ? TE : ORDINARY;
		case 4:
			return isWordAt(bytes, start, WORDS.host) ? HOST_FIELD : ORDINARY;
		case 6:
			return isWordAt(bytes, start, WORDS.expect) ? EXPECT : ORDINARY;
		case 7:
			return isWordAt(bytes, start, WORDS.upgrade) ? UPGRADE : ORDINARY;
		case 9:
			return isLike(bytes, start, WORDS.realIp) ? dashed(bytes, start, end, ORDINARY) : ORDINARY;
		case 10:
			if (isWordAt(bytes, start, WORDS.connection)) return CONNECTION;
			return isLike(bytes, start, WORDS.keepAlive) ? NOT_PASSED_ON : ORDINARY;
		case 14:
			if (isLike(bytes, start, WORDS.contentLength)) return dashed(bytes, start, end, CONTENT_LENGTH);
			return isLike(bytes, start, WORDS.http2Settings) ? NOT_PASSED_ON : forwardedKind(bytes, start, end);
		case 16:
			if (isLike(bytes, start, WORDS.proxyConnection)) return NOT_PASSED_ON;
			return forwardedKind(bytes, start, end);
		case 17:
			if (isLike(bytes, start, WORDS.transferEncoding)) return dashed(bytes, start, end, TRANSFER_ENCODING);
			return forwardedKind(bytes, start, end);
		default:
			return forwardedKind(bytes, start, end);
	}
}

function forwardedKind(bytes: Uint8Array, start: number, end: number): number {
	if (((bytes[start] as number) | 0x20) !== 0x78 || end - start < FORWARDED.length) return ORDINARY;
	return isLike(bytes, start, WORDS.forwarded) ? dashed(bytes, start, end, ORDINARY) : ORDINARY;
}

function dashed(bytes: Uint8Array, start: number, end: number, kind: number): number {
	for (let at = start; at < end; at++) if (bytes[at] === UNDERSCORE) return NOT_PASSED_ON;
	return kind;
}

/** As isWordAt, with underscores for dashes. */
function isLike(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
	for (let at = 0; at < name.length; at++) {
		const byte = bytes[start + at] as number;
		if ((byte === UNDERSCORE ? DASH : byte | 0x20) !== name[at]) return false;
	}
	return true;
}

/** Names are to be in lower case; one that is not must not bring a second length all the same. */
export function isHopField(name: string): boolean {
	switch (name.length) {
		case 2:
		case 4:
		case 6:
		case 7:
		case 10:
		case 14:
		case 16:
		case 17:
			return HOP_FIELDS.has(name.toLowerCase());
		default:
			return false;
	}
}

/** As NOT_PASSED_ON of fieldKind, of a name as text. */
export function isLookalike(name: string): boolean {
	if (!name.includes("_")) return false;
	const dashes = name.toLowerCase().replaceAll("_", "-");
	return HOP_FIELDS.has(dashes) || dashes === REAL_IP || dashes.startsWith(FORWARDED);
}
