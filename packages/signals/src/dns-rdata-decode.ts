/**
 * RDATA of one record into data. Layouts: RFC 1035 section 3.3 (NS, CNAME, SOA, PTR, MX, TXT), RFC 2782 (SRV),
 * RFC 3596 (AAAA), RFC 8659 (CAA), RFC 9460 (SVCB, HTTPS).
 *
 *     MX     00 0a  04 'm' 'a' 'i' 'l' c0 0c                          10 mail.example.com.
 *     HTTPS  00 01  00  00 01 00 03 02 'h' '2'                        1 . alpn="h2"
 *     CAA    00  05 'i' 's' 's' 'u' 'e'  'c' 'a' '.' 't' 'e' 's' 't'  0 issue "ca.test"
 *
 * Names are decompressed in the types whose names may be compressed (RFC 3597 section 4). Of those that have no kind
 * of their own the octets are kept with their names written out, so that they mean the same in any message.
 */
import { formatIpv4, formatIpv6 } from "./dns-address.ts";
import { DNS_CLASS, DNS_TYPE, type DnsData } from "./dns-message.ts";
import { wireFromDnsName } from "./dns-name.ts";
import type { DnsReader } from "./dns-reader.ts";

/**
 * Old types with names that may come compressed: `n` a name, `2` two octets, `s` a string, `*` the rest.
 * MD MF MB MG MR, MINFO, RP, AFSDB, RT, SIG, PX, NXT, NAPTR.
 */
const COMPRESSED_LAYOUTS = new Map<number, string>([
	[3, "n"],
	[4, "n"],
	[7, "n"],
	[8, "n"],
	[9, "n"],
	[14, "nn"],
	[17, "nn"],
	[18, "2n"],
	[21, "2n"],
	[24, "222222222n*"],
	[26, "2nn"],
	[30, "n*"],
	[DNS_TYPE.NAPTR, "22sssn"],
]);

/** Undefined: `fault` of the reader says why. The reader stands at RDATA, and `end` is its end. */
export function readRdata(reader: DnsReader, type: number, rrClass: number): DnsData | undefined {
	const length = reader.end - reader.at;
	// An update (RFC 2136) names records without their data.
	if (length === 0 && (rrClass === DNS_CLASS.ANY || rrClass === CLASS_NONE || type === DNS_TYPE.ANY))
		return { kind: "opaque", bytes: reader.take(0) };
	switch (type) {
		case DNS_TYPE.A:
			return rrClass === DNS_CLASS.IN ? readAddress(reader, 4) : readOpaque(reader);
		case DNS_TYPE.AAAA:
			return rrClass === DNS_CLASS.IN ? readAddress(reader, 16) : readOpaque(reader);
		case DNS_TYPE.NS:
		case DNS_TYPE.CNAME:
		case DNS_TYPE.PTR:
		case DNS_TYPE.DNAME: {
			const name = reader.name();
			return name === undefined ? undefined : { kind: "name", name };
		}
		case DNS_TYPE.SOA:
			return readSoa(reader);
		case DNS_TYPE.MX:
			return readMx(reader);
		case DNS_TYPE.SRV:
			return readSrv(reader);
		case DNS_TYPE.TXT:
			return readText(reader);
		case DNS_TYPE.SVCB:
		case DNS_TYPE.HTTPS:
			return readService(reader);
		case DNS_TYPE.CAA:
			return readCaa(reader);
		default: {
			const layout = COMPRESSED_LAYOUTS.get(type);
			return layout === undefined ? readOpaque(reader) : readLayout(reader, layout);
		}
	}
}

const CLASS_NONE = 254;

function readOpaque(reader: DnsReader): DnsData {
	return { kind: "opaque", bytes: reader.take(reader.end - reader.at) };
}

function readAddress(reader: DnsReader, octets: 4 | 16): DnsData | undefined {
	const { at, end, bytes } = reader;
	if (end - at !== octets)
		return reader.wrong("rdata-length", at, `an address of ${end - at} octets, not ${octets}`);
	reader.at = end;
	return { kind: "address", address: octets === 4 ? formatIpv4(bytes, at) : formatIpv6(bytes, at) };
}

function readSoa(reader: DnsReader): DnsData | undefined {
	const primary = reader.name();
	const mailbox = primary === undefined ? undefined : reader.name();
	if (primary === undefined || mailbox === undefined || !reader.has(20)) return undefined;
	return {
		kind: "soa",
		primary,
		mailbox,
		serial: reader.u32(),
		refresh: reader.u32(),
		retry: reader.u32(),
		expire: reader.u32(),
		minimum: reader.u32(),
	};
}

function readMx(reader: DnsReader): DnsData | undefined {
	if (!reader.has(2)) return undefined;
	const preference = reader.u16();
	const exchange = reader.name();
	return exchange === undefined ? undefined : { kind: "mx", preference, exchange };
}

function readSrv(reader: DnsReader): DnsData | undefined {
	if (!reader.has(6)) return undefined;
	const priority = reader.u16();
	const weight = reader.u16();
	const port = reader.u16();
	const target = reader.name();
	return target === undefined ? undefined : { kind: "srv", priority, weight, port, target };
}

function readText(reader: DnsReader): DnsData | undefined {
	if (reader.at === reader.end) return reader.wrong("rdata-length", reader.at, "TXT without a string");
	const strings: Uint8Array[] = [];
	while (reader.at < reader.end) {
		const string = reader.string();
		if (string === undefined) return undefined;
		strings.push(string);
	}
	return { kind: "text", strings };
}

function readService(reader: DnsReader): DnsData | undefined {
	if (!reader.has(2)) return undefined;
	const priority = reader.u16();
	const target = reader.name();
	if (target === undefined) return undefined;
	const parameters: { key: number; value: Uint8Array }[] = [];
	let last = -1;
	while (reader.at < reader.end) {
		const at = reader.at;
		if (!reader.has(4)) return undefined;
		const key = reader.u16();
		const length = reader.u16();
		if (key <= last)
			return reader.wrong("service-parameters", at, `parameter ${key} after ${last}: they must ascend`);
		if (!reader.has(length)) return undefined;
		parameters.push({ key, value: reader.take(length) });
		last = key;
	}
	return { kind: "service", priority, target, parameters };
}

function readCaa(reader: DnsReader): DnsData | undefined {
	if (!reader.has(2)) return undefined;
	const flags = reader.u8();
	const length = reader.u8();
	if (!reader.has(length)) return undefined;
	let tag = "";
	for (const octet of reader.take(length)) tag += String.fromCharCode(octet);
	if (!CAA_TAG.test(tag))
		return reader.wrong("caa-tag", reader.at - length, "a tag not of letters and digits");
	return { kind: "caa", flags, tag, value: reader.take(reader.end - reader.at) };
}

/** RFC 8659 section 4.1. */
export const CAA_TAG = /^[0-9A-Za-z]+$/;

function readLayout(reader: DnsReader, layout: string): DnsData | undefined {
	const pieces: Uint8Array[] = [];
	for (const field of layout) {
		const piece = readField(reader, field);
		if (piece === undefined) return undefined;
		pieces.push(piece);
	}
	const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
	let at = 0;
	for (const piece of pieces) {
		bytes.set(piece, at);
		at += piece.length;
	}
	return { kind: "opaque", bytes };
}

function readField(reader: DnsReader, field: string): Uint8Array | undefined {
	if (field === "n") {
		const name = reader.name();
		return name === undefined ? undefined : wireFromDnsName(name);
	}
	if (field === "2") return reader.has(2) ? reader.take(2) : undefined;
	if (field === "*") return reader.take(reader.end - reader.at);
	const start = reader.at;
	const string = reader.string();
	return string === undefined ? undefined : reader.bytes.slice(start, reader.at);
}
