/**
 * Data of one record into RDATA; the layouts are those of `dns-rdata-decode.ts`. Names are compressed in NS, CNAME,
 * PTR, SOA and MX alone: readers need not understand it elsewhere (RFC 3597 section 4).
 */
import { DNS_TYPE, type DnsData, type DnsRecord } from "./dns-message.ts";
import { CAA_TAG } from "./dns-rdata-decode.ts";
import type { DnsWriter } from "./dns-writer.ts";

export function writeRdata(writer: DnsWriter, { type, data }: Pick<DnsRecord, "type" | "data">): void {
	switch (data.kind) {
		case "address":
			writer.address(data.address, type === DNS_TYPE.A ? 4 : 16);
			break;
		case "name":
			writer.name(data.name, type !== DNS_TYPE.DNAME);
			break;
		case "soa":
			writer.name(data.primary, true);
			writer.name(data.mailbox, true);
			writer.u32(data.serial);
			writer.u32(data.refresh);
			writer.u32(data.retry);
			writer.u32(data.expire);
			writer.u32(data.minimum);
			break;
		case "mx":
			writer.u16(data.preference);
			writer.name(data.exchange, true);
			break;
		case "srv":
			writer.u16(data.priority);
			writer.u16(data.weight);
			writer.u16(data.port);
			writer.name(data.target, false);
			break;
		case "text":
			if (data.strings.length === 0) throw new RangeError("TXT needs a string");
			for (const string of data.strings) writer.string(string);
			break;
		case "service":
			writeService(writer, data);
			break;
		case "caa":
			if (!CAA_TAG.test(data.tag)) throw new RangeError(`no tag of CAA: "${data.tag}"`);
			writer.u8(data.flags);
			writer.string(new TextEncoder().encode(data.tag));
			writer.octets(data.value);
			break;
		case "opaque":
			writer.octets(data.bytes);
			break;
		default:
			data satisfies never;
	}
}

function writeService(writer: DnsWriter, data: Extract<DnsData, { kind: "service" }>): void {
	writer.u16(data.priority);
	writer.name(data.target, false);
	let last = -1;
	for (const { key, value } of data.parameters) {
		if (key <= last) throw new RangeError(`service parameter ${key} after ${last}: they must ascend`);
		last = key;
		writer.u16(key);
		writer.u16(value.length);
		writer.octets(value);
	}
}
