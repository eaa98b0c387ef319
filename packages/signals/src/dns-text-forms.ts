/**
 * Forms of RDATA that no row of simple fields can tell: LOC (RFC 1876), APL (RFC 3123), IPSECKEY (RFC 4025), AMTRELAY
 * (RFC 8777), HIP (RFC 8005), WKS (RFC 1035), ATMA, A6 (RFC 2874), and the mnemonics of CERT (RFC 4398).
 *
 *     LOC       00 12 16 13  7f c9 11 80  80 6d dd 00  00 98 9a 68     … 30m 200m 5m
 *     APL       00 01 15 03 c0 a8 20                                   1:192.168.32.0/21
 *     IPSECKEY  0a 01 02 c0 00 02 26  01 03 …                          10 1 2 192.0.2.38 AQM…
 */
import { formatIpv4, formatIpv6 } from "./dns-address.ts";
import { base64Text, hexText } from "./dns-octet-text.ts";
import type { DnsReader } from "./dns-reader.ts";
import { type FieldText, plainName, restOf } from "./dns-text-field.ts";

export const DNS_FORMS: Readonly<Record<string, FieldText>> = {
	loc,
	apl,
	ipseckey,
	amtrelay,
	hip,
	wks,
	atma,
	a6,
	"certificate-type": (reader) => mnemonic(CERTIFICATES, reader, 2),
	algorithm: (reader) => mnemonic(ALGORITHMS, reader, 1),
};

const CERTIFICATES: Readonly<Record<number, string>> = {
	1: "PKIX",
	2: "SPKI",
	3: "PGP",
	4: "IPKIX",
	5: "ISPKI",
	6: "IPGP",
	7: "ACPKIX",
	8: "IACPKIX",
	253: "URI",
	254: "OID",
};

/** Of DNSSEC, as CERT names them. */
const ALGORITHMS: Readonly<Record<number, string>> = {
	1: "RSAMD5",
	2: "DH",
	3: "DSA",
	5: "RSASHA1",
	6: "NSEC3DSA",
	7: "NSEC3RSASHA1",
	8: "RSASHA256",
	10: "RSASHA512",
	12: "ECCGOST",
	13: "ECDSAP256SHA256",
	14: "ECDSAP384SHA384",
	15: "ED25519",
	16: "ED448",
	252: "INDIRECT",
	253: "PRIVATEDNS",
	254: "PRIVATEOID",
};

function mnemonic(
	names: Readonly<Record<number, string>>,
	reader: DnsReader,
	octets: 1 | 2,
): string | undefined {
	if (!reader.has(octets)) return undefined;
	const number = octets === 1 ? reader.u8() : reader.u16();
	return names[number] ?? String(number);
}

/** Latitude and longitude 0 stand in the middle of 32 bits, in thousandths of an arc second. */
const MERIDIAN = 0x8000_0000;
/** Altitudes are centimetres above 100 km below the sea. */
const ALTITUDE_ZERO_CM = 10_000_000;
const LATITUDE_MAX = 90 * 3_600_000;
const LONGITUDE_MAX = 180 * 3_600_000;

function loc(reader: DnsReader): string | undefined {
	if (!reader.has(16) || reader.u8() !== 0) return undefined;
	const sizes = [metres(reader.u8()), metres(reader.u8()), metres(reader.u8())];
	const latitude = reader.u32() - MERIDIAN;
	const longitude = reader.u32() - MERIDIAN;
	const altitudeCm = reader.u32() - ALTITUDE_ZERO_CM;
	if (Math.abs(latitude) > LATITUDE_MAX || Math.abs(longitude) > LONGITUDE_MAX) return undefined;
	if (sizes.includes(undefined)) return undefined;
	const altitude = `${(altitudeCm / 100).toFixed(2)}m`;
	return `${angle(latitude)} ${latitude < 0 ? "S" : "N"} ${angle(longitude)} ${longitude < 0 ? "W" : "E"} ${altitude} ${sizes.join(" ")}`;
}

/** `42 21 54.500`: degrees, minutes, seconds. */
function angle(thousandths: number): string {
	const all = Math.abs(thousandths);
	const degrees = Math.floor(all / 3_600_000);
	const minutes = Math.floor((all % 3_600_000) / 60_000);
	return `${degrees} ${minutes} ${((all % 60_000) / 1000).toFixed(3)}`;
}

/** A digit and a power of ten, in centimetres. */
function metres(octet: number): string | undefined {
	const digit = octet >> 4;
	const power = octet & 0xf;
	if (digit > 9 || power > 9) return undefined;
	return power < 2 ? `${((digit * 10 ** power) / 100).toFixed(2)}m` : `${digit * 10 ** (power - 2)}m`;
}

function apl(reader: DnsReader): string | undefined {
	const items: string[] = [];
	while (reader.at < reader.end) {
		if (!reader.has(4)) return undefined;
		const family = reader.u16();
		const prefix = reader.u8();
		const length = reader.u8();
		const octets = new Uint8Array(family === 1 ? 4 : 16);
		const given = length & 0x7f;
		if ((family !== 1 && family !== 2) || given > octets.length || prefix > 8 * octets.length)
			return undefined;
		if (!reader.has(given)) return undefined;
		octets.set(reader.take(given));
		const address = family === 1 ? formatIpv4(octets, 0) : formatIpv6(octets, 0);
		items.push(`${length >= 0x80 ? "!" : ""}${family}:${address}/${prefix}`);
	}
	return items.join(" ");
}

/** Of a gateway or a relay: 0 none, 1 IPv4, 2 IPv6, 3 a name. */
function gateway(reader: DnsReader, type: number): string | undefined {
	if (type === 0) return ".";
	if (type === 1) return reader.has(4) ? formatIpv4(reader.take(4), 0) : undefined;
	if (type === 2) return reader.has(16) ? formatIpv6(reader.take(16), 0) : undefined;
	return type === 3 ? plainName(reader) : undefined;
}

/** The key follows. */
function ipseckey(reader: DnsReader): string | undefined {
	if (!reader.has(3)) return undefined;
	const precedence = reader.u8();
	const type = reader.u8();
	const algorithm = reader.u8();
	const where = gateway(reader, type);
	return where === undefined ? undefined : `${precedence} ${type} ${algorithm} ${where}`;
}

function amtrelay(reader: DnsReader): string | undefined {
	if (!reader.has(2)) return undefined;
	const precedence = reader.u8();
	const octet = reader.u8();
	const type = octet & 0x7f;
	const where = gateway(reader, type);
	return where === undefined ? undefined : `${precedence} ${octet >> 7} ${type} ${where}`;
}

function hip(reader: DnsReader): string | undefined {
	if (!reader.has(4)) return undefined;
	const tagLength = reader.u8();
	const algorithm = reader.u8();
	const keyLength = reader.u16();
	if (!reader.has(tagLength + keyLength)) return undefined;
	const texts = [String(algorithm), hexText(reader.take(tagLength)), base64Text(reader.take(keyLength))];
	while (reader.at < reader.end) {
		const server = plainName(reader);
		if (server === undefined) return undefined;
		texts.push(server);
	}
	return texts.join(" ");
}

/** Address, protocol, and a bitmap of ports. */
function wks(reader: DnsReader): string | undefined {
	if (!reader.has(5)) return undefined;
	const texts = [formatIpv4(reader.take(4), 0), String(reader.u8())];
	restOf(reader).forEach((octet, i) => {
		for (let bit = 0; bit < 8; bit++) if ((octet & (0x80 >> bit)) !== 0) texts.push(String(i * 8 + bit));
	});
	return texts.join(" ");
}

/** Form 0 is octets of an ATM address, 1 a telephone number. */
function atma(reader: DnsReader): string | undefined {
	if (!reader.has(2)) return undefined;
	const form = reader.u8();
	const octets = restOf(reader);
	if (form === 0) return hexText(octets).toLowerCase();
	if (form !== 1 || octets.some((octet) => octet < 0x30 || octet > 0x39)) return undefined;
	return `+${String.fromCharCode(...octets)}`;
}

function a6(reader: DnsReader): string | undefined {
	if (!reader.has(1)) return undefined;
	const prefix = reader.u8();
	const given = 16 - Math.floor(prefix / 8);
	if (prefix > 128 || !reader.has(given)) return undefined;
	const octets = new Uint8Array(16);
	octets.set(reader.take(given), 16 - given);
	const texts = [String(prefix)];
	if (prefix < 128) texts.push(formatIpv6(octets, 0));
	if (prefix > 0) {
		const name = plainName(reader);
		if (name === undefined) return undefined;
		texts.push(name);
	}
	return texts.join(" ");
}
