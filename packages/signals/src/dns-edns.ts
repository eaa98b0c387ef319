/**
 * What stands in the RDATA of an OPT record (RFC 6891 section 6.1.2): options, each behind its code and length.
 *
 *     00 08 00 07  00 01 18 00 c0 00 02            client subnet (RFC 7871): IPv4, 24 bits, scope 0, 192.0.2.0
 *     00 0f 00 08  00 16 't' 'i' 'm' 'e' 'u' 'p'   extended error (RFC 8914): 22, "timeup"
 *     00 0c 00 04  00 00 00 00                     padding (RFC 7830)
 *     00 0a 00 08  24 a5 ac d2 23 14 bd 37         a cookie: kept as it is, as all others are
 */
import { formatIpv4, formatIpv6 } from "./dns-address.ts";
import type { ClientSubnet, DnsOption } from "./dns-message.ts";
import type { DnsReader } from "./dns-reader.ts";
import type { DnsWriter } from "./dns-writer.ts";

const EDNS_OPTION = { CLIENT_SUBNET: 8, PADDING: 12, EXTENDED_ERROR: 15 } as const;

const TEXT = new TextDecoder("utf-8", { ignoreBOM: true });

/** From where the reader stands to its end. Undefined: `fault` of the reader says why. */
export function readOptions(reader: DnsReader): DnsOption[] | undefined {
	const options: DnsOption[] = [];
	const rdataEnd = reader.end;
	while (reader.at < rdataEnd) {
		const at = reader.at;
		const code = rdataEnd - at < 4 ? 0 : reader.u16();
		const length = rdataEnd - at < 4 ? rdataEnd : reader.u16();
		if (length > rdataEnd - reader.at)
			return reader.wrong(
				"option-overrun",
				at,
				`an option goes on beyond the OPT record, which ends at ${rdataEnd}`,
			);
		const option = readOption(reader, code, length);
		if (option === undefined) return undefined;
		options.push(option);
	}
	return options;
}

function readOption(reader: DnsReader, code: number, length: number): DnsOption | undefined {
	switch (code) {
		case EDNS_OPTION.CLIENT_SUBNET:
			return readClientSubnet(reader, length);
		case EDNS_OPTION.PADDING:
			reader.at += length;
			return { kind: "padding", length };
		case EDNS_OPTION.EXTENDED_ERROR: {
			if (length < 2)
				return reader.wrong("option-length", reader.at, `an extended error of ${length} octets`);
			const info = reader.u16();
			return { kind: "extended-error", code: info, text: TEXT.decode(reader.take(length - 2)) };
		}
		default:
			return { kind: "unknown", code, bytes: reader.take(length) };
	}
}

const FAMILIES = { 1: "ipv4", 2: "ipv6" } as const;

function readClientSubnet(reader: DnsReader, length: number): DnsOption | undefined {
	const start = reader.at;
	if (length < 4) return reader.wrong("option-length", start, `a client subnet of ${length} octets`);
	const number = reader.u16();
	const sourcePrefix = reader.u8();
	const scopePrefix = reader.u8();
	const octets = reader.take(length - 4);
	if (number !== 1 && number !== 2) {
		reader.at = start;
		return { kind: "unknown", code: EDNS_OPTION.CLIENT_SUBNET, bytes: reader.take(length) };
	}
	const wide = number === 1 ? 4 : 16;
	if (sourcePrefix > 8 * wide || scopePrefix > 8 * wide)
		return reader.wrong("client-subnet", start, `a prefix of ${Math.max(sourcePrefix, scopePrefix)} bits`);
	if (octets.length !== Math.ceil(sourcePrefix / 8))
		return reader.wrong(
			"option-length",
			start,
			`${octets.length} octets for a prefix of ${sourcePrefix} bits`,
		);
	const spare = 8 * octets.length - sourcePrefix;
	if (((octets.at(-1) ?? 0) & ((1 << spare) - 1)) !== 0)
		return reader.wrong("client-subnet", start, `bits are set beyond the prefix of ${sourcePrefix}`);
	const whole = new Uint8Array(wide);
	whole.set(octets);
	const address = number === 1 ? formatIpv4(whole, 0) : formatIpv6(whole, 0);
	return { kind: "client-subnet", subnet: { family: FAMILIES[number], sourcePrefix, scopePrefix, address } };
}

/** Octets that an option takes, with its code and length. */
export function optionOctets(option: DnsOption): number {
	return 4 + contentOctets(option);
}

function contentOctets(option: DnsOption): number {
	switch (option.kind) {
		case "client-subnet":
			return 4 + Math.ceil(option.subnet.sourcePrefix / 8);
		case "extended-error":
			return 2 + new TextEncoder().encode(option.text).length;
		case "padding":
			return option.length;
		case "unknown":
			return option.bytes.length;
		default:
			return option satisfies never;
	}
}

export function writeOption(writer: DnsWriter, option: DnsOption): void {
	const length = contentOctets(option);
	switch (option.kind) {
		case "client-subnet":
			writer.u16(EDNS_OPTION.CLIENT_SUBNET);
			writer.u16(length);
			writeSubnet(writer, option.subnet);
			break;
		case "extended-error":
			writer.u16(EDNS_OPTION.EXTENDED_ERROR);
			writer.u16(length);
			writer.u16(option.code);
			writer.octets(new TextEncoder().encode(option.text));
			break;
		case "padding":
			writer.u16(EDNS_OPTION.PADDING);
			writer.u16(length);
			writer.zeros(length);
			break;
		case "unknown":
			writer.u16(option.code);
			writer.u16(length);
			writer.octets(option.bytes);
			break;
		default:
			option satisfies never;
	}
}

function writeSubnet(writer: DnsWriter, subnet: ClientSubnet): void {
	const { family, sourcePrefix, scopePrefix, address } = subnet;
	const wide = family === "ipv4" ? 4 : 16;
	if (!(sourcePrefix >= 0 && sourcePrefix <= 8 * wide))
		throw new RangeError(`a client subnet of ${sourcePrefix} bits`);
	writer.u16(family === "ipv4" ? 1 : 2);
	writer.u8(sourcePrefix);
	writer.u8(scopePrefix);
	const count = Math.ceil(sourcePrefix / 8);
	writer.address(address, wide, count);
	// A server must refuse what has bits beyond the prefix (RFC 7871 section 7.2.1): they say more than was meant.
	const last = writer.at - 1;
	if (count > 0) writer.bytes[last] = (writer.bytes[last] ?? 0) & (0xff << (8 * count - sourcePrefix));
}
