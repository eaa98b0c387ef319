/**
 * A query as the server's fast path reads it: where its question ends and what it asks for, without making anything. The
 * view is filled anew for each packet and belongs to one reader; decoding in full is only for what the table does not
 * hold. RFC 1035 section 4.1, EDNS by RFC 6891 section 6.1.
 *
 *   0  id (2)   2  QR opcode(4) AA TC RD   3  RA Z AD CD rcode(4)   4  QDCOUNT   6  ANCOUNT   8  NSCOUNT   10  ARCOUNT
 *   12 labels … 0   type (2)   class (2)   [ 0  00 29  size (2)  rcode version  DO … (2)  length (2)  options … ]
 */

/** What is to become of a packet. Everything but `ask` is settled here, nobody else is asked about it. */
export type QueryFate = "ask" | "drop" | "form-error" | "not-implemented" | "bad-version" | "refuse";

/** Mutable: one view serves millions of packets. */
export interface QueryView {
	/** Of the question behind the name, type and class, from the start of the packet; 0 if it could not be read. */
	questionEnd: number;
	type: number;
	/** What of the query beside its question decides over the answer: `KEY_DNSSEC_OK`, `KEY_CHECKING_DISABLED`. */
	keyBits: number;
	recursionDesired: boolean;
	/** The client can make sense of the AD bit: it set it, or DO (RFC 6840 section 5.7). */
	wantsAuthenticData: boolean;
	edns: boolean;
	/** Octets of an answer: over UDP what the client takes, 512 without EDNS. Who answers may set it to less, or more. */
	sizeMax: number;
	/** An answer for one network is nobody else's (RFC 7871): never from the table. */
	clientSubnet: boolean;
	/** A padded query wants a padded answer, over TLS (RFC 7830 section 4). */
	wantsPadding: boolean;
}

export const KEY_DNSSEC_OK = 1;
export const KEY_CHECKING_DISABLED = 2;

export const HEADER_BYTES = 12;
const PLAIN_UDP_BYTES_MAX = 512;
const NAME_BYTES_MAX = 255;
const LABEL_BYTES_MAX = 63;
const TYPE_OPT = 41;
/** TKEY, TSIG, IXFR, AXFR, MAILB, MAILA: no questions for a cache. 255 is ANY, which is one. */
const META_TYPE_MIN = 249;
const META_TYPE_MAX = 254;
const CLASS_IN = 1;
const OPTION_CLIENT_SUBNET = 8;
const OPTION_PADDING = 12;
const OPT_FIXED_BYTES = 11;

export function emptyQueryView(): QueryView {
	return {
		questionEnd: 0,
		type: 0,
		keyBits: 0,
		recursionDesired: false,
		wantsAuthenticData: false,
		edns: false,
		sizeMax: PLAIN_UDP_BYTES_MAX,
		clientSubnet: false,
		wantsPadding: false,
	};
}

/** An answer is never answered: two servers could keep each other busy for ever. Nor does it count for its sender. */
export function looksLikeQuery(bytes: Uint8Array, at: number, length: number): boolean {
	return length >= HEADER_BYTES && (octet(bytes, at + 2) & 0x80) === 0;
}

/** Reads the packet of `length` octets at `at`. Offsets in the view count from `at`. */
export function readQuery(bytes: Uint8Array, at: number, length: number, view: QueryView): QueryFate {
	view.questionEnd = 0;
	view.keyBits = 0;
	view.edns = false;
	view.sizeMax = PLAIN_UDP_BYTES_MAX;
	view.clientSubnet = false;
	view.wantsPadding = false;
	if (!looksLikeQuery(bytes, at, length)) return "drop";
	const high = octet(bytes, at + 2);
	const low = octet(bytes, at + 3);
	view.recursionDesired = (high & 0x01) !== 0;
	view.wantsAuthenticData = (low & 0x20) !== 0;
	if ((low & 0x10) !== 0) view.keyBits = KEY_CHECKING_DISABLED;
	if ((high & 0x78) !== 0) return "not-implemented";
	// TC in a query means nothing, and neither do answers and authorities.
	if ((high & 0x02) !== 0) return "form-error";
	if (pair(bytes, at + 4) !== 1 || pair(bytes, at + 6) !== 0 || pair(bytes, at + 8) !== 0)
		return "form-error";
	const end = at + length;
	const nameEnd = skipName(bytes, at + HEADER_BYTES, end);
	if (nameEnd === 0 || nameEnd + 4 > end) return "form-error";
	view.type = pair(bytes, nameEnd);
	const questionClass = pair(bytes, nameEnd + 2);
	view.questionEnd = nameEnd + 4 - at;
	const additionals = pair(bytes, at + 10);
	if (additionals === 0) {
		if (nameEnd + 4 !== end) return "form-error";
	} else {
		const fate = additionals === 1 ? readOpt(bytes, nameEnd + 4, end, view) : "form-error";
		if (fate !== "ask") return fate;
	}
	// OPT is a record of the message itself, TYPE0 is reserved: neither can be asked for.
	if (view.type === 0 || view.type === TYPE_OPT) return "form-error";
	if (questionClass !== CLASS_IN) return "refuse";
	if (view.type >= META_TYPE_MIN && view.type <= META_TYPE_MAX) return "refuse";
	// Without RD only what somebody else has asked for would be told, and that is nobody's business.
	return view.recursionDesired ? "ask" : "refuse";
}

/** Where the name ends, 0 if it does not. A question has no earlier name to point to. */
function skipName(bytes: Uint8Array, start: number, end: number): number {
	const limit = Math.min(end, start + NAME_BYTES_MAX);
	let at = start;
	while (at < limit) {
		const length = octet(bytes, at);
		if (length === 0) return at + 1;
		if (length > LABEL_BYTES_MAX) return 0;
		at += length + 1;
	}
	return 0;
}

function readOpt(bytes: Uint8Array, at: number, end: number, view: QueryView): QueryFate {
	if (at + OPT_FIXED_BYTES > end || octet(bytes, at) !== 0 || pair(bytes, at + 1) !== TYPE_OPT) {
		return "form-error";
	}
	const optionsEnd = at + OPT_FIXED_BYTES + pair(bytes, at + 9);
	if (optionsEnd !== end) return "form-error";
	view.edns = true;
	view.sizeMax = Math.max(PLAIN_UDP_BYTES_MAX, pair(bytes, at + 3));
	if ((octet(bytes, at + 7) & 0x80) !== 0) {
		view.keyBits |= KEY_DNSSEC_OK;
		view.wantsAuthenticData = true;
	}
	if (octet(bytes, at + 6) !== 0) return "bad-version";
	let option = at + OPT_FIXED_BYTES;
	while (option < optionsEnd) {
		if (option + 4 > optionsEnd) return "form-error";
		const code = pair(bytes, option);
		if (code === OPTION_CLIENT_SUBNET) view.clientSubnet = true;
		else if (code === OPTION_PADDING) view.wantsPadding = true;
		option += 4 + pair(bytes, option + 2);
	}
	return option === optionsEnd ? "ask" : "form-error";
}

function octet(bytes: Uint8Array, at: number): number {
	return bytes[at] ?? 0;
}

function pair(bytes: Uint8Array, at: number): number {
	return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
