/** One field of RDATA as text. The reader stands where it begins; the octets are those of RDATA alone. */
import { wireFromDnsName } from "./dns-name.ts";
import type { DnsReader } from "./dns-reader.ts";

/** Undefined: it is not there, or not so. Empty: there is nothing to show. */
export type FieldText = (reader: DnsReader) => string | undefined;

/** Compression has no place here: a pointer would lead out of RDATA. */
export function plainName(reader: DnsReader): string | undefined {
	const start = reader.at;
	const name = reader.name();
	if (name === undefined || wireFromDnsName(name)?.length !== reader.at - start) return undefined;
	return name;
}

/** What is left of RDATA. */
export function restOf(reader: DnsReader): Uint8Array {
	return reader.take(reader.end - reader.at);
}
