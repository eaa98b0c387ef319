/**
 * RDATA that is kept as octets, as text: one layout a type, of the fields below, in the order of the octets.
 *
 *     NAPTR    u16 u16 string string string name      100 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .
 *     DS       u16 u8 u8 hex                          60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118
 *
 * What does not fit its layout, or has none, is shown as octets: `\# 4 0A000001` (RFC 3597).
 */
import { formatIpv4 } from "./dns-address.ts";
import { base32HexText, base64Text, hexText, quotedText } from "./dns-octet-text.ts";
import { DnsReader } from "./dns-reader.ts";
import { type FieldText, plainName, restOf } from "./dns-text-field.ts";
import { DNS_FORMS } from "./dns-text-forms.ts";
import { dnsTypeName } from "./dns-text-names.ts";

const LAYOUTS: Readonly<Record<string, string>> = {
	MD: "name",
	MF: "name",
	MB: "name",
	MG: "name",
	MR: "name",
	HINFO: "string string",
	MINFO: "name name",
	RP: "name name",
	AFSDB: "u16 name",
	X25: "string",
	ISDN: "strings",
	RT: "u16 name",
	NSAP: "0x",
	"NSAP-PTR": "name",
	SIG: "type u8 u8 u32 time time u16 name base64",
	KEY: "u16 u8 u8 base64",
	PX: "u16 name name",
	GPOS: "string string string",
	LOC: "loc",
	EID: "hex",
	NIMLOC: "hex",
	ATMA: "atma",
	NAPTR: "u16 u16 string string string name",
	KX: "u16 name",
	CERT: "certificate-type u16 algorithm base64",
	A6: "a6",
	SINK: "u8 u8 u8 base64",
	APL: "apl",
	DS: "u16 u8 u8 hex",
	SSHFP: "u8 u8 hex",
	IPSECKEY: "ipseckey base64",
	RRSIG: "type u8 u8 u32 time time u16 name base64",
	NSEC: "name types",
	DNSKEY: "u16 u8 u8 base64",
	DHCID: "base64",
	NSEC3: "u8 u8 u16 salt hash types",
	NSEC3PARAM: "u8 u8 u16 salt",
	TLSA: "u8 u8 u8 hex",
	SMIMEA: "u8 u8 u8 hex",
	HIP: "hip",
	NINFO: "strings",
	RKEY: "u16 u8 u8 base64",
	TALINK: "name name",
	CDS: "u16 u8 u8 hex",
	CDNSKEY: "u16 u8 u8 base64",
	OPENPGPKEY: "base64",
	CSYNC: "u32 u16 types",
	ZONEMD: "u32 u8 u8 hex",
	SPF: "strings",
	NID: "u16 locator",
	L32: "u16 ipv4",
	L64: "u16 locator",
	LP: "u16 name",
	EUI48: "eui",
	EUI64: "eui",
	URI: "u16 u16 quoted",
	AVC: "strings",
	DOA: "u32 u32 u8 string base64",
	AMTRELAY: "amtrelay",
	TA: "u16 u8 u8 hex",
	DLV: "u16 u8 u8 hex",
	WKS: "wks",
};

export function opaqueText(type: number, bytes: Uint8Array): string {
	const layout = LAYOUTS[dnsTypeName(type)];
	if (layout === undefined) return unknownText(bytes);
	const reader = new DnsReader(bytes);
	const texts: string[] = [];
	for (const field of layout.split(" ")) {
		const text = FIELDS[field]?.(reader);
		if (text === undefined) return unknownText(bytes);
		if (text !== "") texts.push(text);
	}
	return reader.at === bytes.length ? texts.join(" ") : unknownText(bytes);
}

/** `\# 4 0A000001` */
export function unknownText(bytes: Uint8Array): string {
	return bytes.length === 0 ? "\\# 0" : `\\# ${bytes.length} ${hexText(bytes)}`;
}

const rest =
	(text: (octets: Uint8Array) => string): FieldText =>
	(reader) =>
		text(restOf(reader));

const FIELDS: Readonly<Record<string, FieldText>> = {
	u8: (reader) => (reader.has(1) ? String(reader.u8()) : undefined),
	u16: (reader) => (reader.has(2) ? String(reader.u16()) : undefined),
	u32: (reader) => (reader.has(4) ? String(reader.u32()) : undefined),
	name: plainName,
	string: (reader) => {
		const string = reader.string();
		return string === undefined ? undefined : quotedText(string);
	},
	strings: (reader) => {
		const texts: string[] = [];
		do {
			const string = reader.string();
			if (string === undefined) return undefined;
			texts.push(quotedText(string));
		} while (reader.at < reader.end);
		return texts.join(" ");
	},
	hex: rest(hexText),
	"0x": rest((octets) => `0x${hexText(octets).toLowerCase()}`),
	base64: rest(base64Text),
	quoted: rest(quotedText),
	salt: (reader) => {
		const salt = reader.string();
		return salt === undefined ? undefined : hexText(salt) || "-";
	},
	hash: (reader) => {
		const hash = reader.string();
		return hash === undefined ? undefined : base32HexText(hash);
	},
	ipv4: (reader) => (reader.has(4) ? formatIpv4(reader.take(4), 0) : undefined),
	eui: rest((octets) => Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("-")),
	locator: (reader) =>
		reader.has(8) ? Array.from({ length: 4 }, () => reader.u16().toString(16)).join(":") : undefined,
	type: (reader) => (reader.has(2) ? dnsTypeName(reader.u16()) : undefined),
	types: typeBitmap,
	time: (reader) => (reader.has(4) ? timeText(reader.u32()) : undefined),
	...DNS_FORMS,
};

/** RFC 4034 section 4.1.2: windows of 256 types, each a bitmap of up to 32 octets. */
function typeBitmap(reader: DnsReader): string | undefined {
	const types: string[] = [];
	while (reader.at < reader.end) {
		if (!reader.has(2)) return undefined;
		const window = reader.u8();
		const bitmap = reader.string();
		if (bitmap === undefined || bitmap.length === 0 || bitmap.length > 32) return undefined;
		bitmap.forEach((octet, i) => {
			for (let bit = 0; bit < 8; bit++)
				if ((octet & (0x80 >> bit)) !== 0) types.push(dnsTypeName(window * 256 + i * 8 + bit));
		});
	}
	return types.join(" ");
}

/** Seconds since 1970 as `20300322173103`. */
function timeText(seconds: number): string {
	return new Date(seconds * 1000).toISOString().replace(/[-:T]|\.\d+Z/g, "");
}
