/**
 * Records in presentation form, as dig prints them (RFC 1035 section 5.1, RFC 3597 section 5).
 *
 *     www.example.com. 60 IN A 192.0.2.1
 *     example.com. 60 IN HTTPS 1 . alpn="h2,h3" port=8443
 *     odd.example.com. 60 IN TYPE65280 \# 4 0A000001
 */
import type { DnsData, DnsQuestion, DnsRecord } from "./dns-message.ts";
import { quotedText } from "./dns-octet-text.ts";
import { serviceParameterText } from "./dns-service-binding.ts";
import { dnsClassName, dnsTypeName } from "./dns-text-names.ts";
import { opaqueText, unknownText } from "./dns-text-rdata.ts";

export * from "./dns-text-names.ts";

/** `www.example.com. 60 IN A 192.0.2.1` */
export function dnsRecordText({ name, type, class: rrClass, ttl, data }: DnsRecord): string {
	return `${name} ${ttl} ${dnsClassName(rrClass)} ${dnsTypeName(type)} ${dnsRecordDataText(data, type)}`;
}

/** `www.example.com. IN A` */
export function dnsQuestionText({ name, type, class: qclass }: DnsQuestion): string {
	return `${name} ${dnsClassName(qclass)} ${dnsTypeName(type)}`;
}

/** RDATA alone. Without its type, what has no kind of its own is shown as octets (`\# 2 0102`). */
export function dnsRecordDataText(data: DnsData, type?: number): string {
	switch (data.kind) {
		case "address":
			return data.address;
		case "name":
			return data.name;
		case "soa": {
			const { primary, mailbox, serial, refresh, retry, expire, minimum } = data;
			return `${primary} ${mailbox} ${serial} ${refresh} ${retry} ${expire} ${minimum}`;
		}
		case "mx":
			return `${data.preference} ${data.exchange}`;
		case "srv":
			return `${data.priority} ${data.weight} ${data.port} ${data.target}`;
		case "text":
			return data.strings.map(quotedText).join(" ");
		case "service":
			return [data.priority, data.target, ...data.parameters.map(serviceParameterText)].join(" ");
		case "caa":
			return `${data.flags} ${data.tag} ${quotedText(data.value)}`;
		case "opaque":
			return type === undefined ? unknownText(data.bytes) : opaqueText(type, data.bytes);
		default:
			return data satisfies never;
	}
}
