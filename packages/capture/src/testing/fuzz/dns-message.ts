/**
 * DNS messages under fire: what decodes must be written and read again as the same, walking must agree with decoding,
 * and what was cut off must be fit to be written too.
 */
import type { DnsMessage } from "@plumbline/signals/dns-message";
import { decodeDnsMessage } from "@plumbline/signals/dns-message-decode";
import { encodeDnsMessage } from "@plumbline/signals/dns-message-encode";
import { dnsRecordText } from "@plumbline/signals/dns-text";
import { walkRecords } from "@plumbline/signals/dns-wire";

export function isDnsMessage(bytes: Uint8Array): boolean {
	const decoded = decodeDnsMessage(bytes);
	return decoded.kind === "decoded" && decoded.trailingBytes === undefined;
}

/** Throws where something does not hold. */
export function tryDnsMessage(bytes: Uint8Array): void {
	const decoded = decodeDnsMessage(bytes);
	const walked = walkRecords(bytes);
	if (decoded.kind === "malformed") return;
	const message = decoded.kind === "decoded" ? decoded.message : decoded.partial;
	for (const record of [...message.answers, ...message.authorities, ...message.additionals])
		dnsRecordText(record);
	const again = rewritten(message);
	if (decoded.kind === "truncated") return;
	if (walked.kind !== "walked") throw new Error(`it decodes and cannot be walked: ${walked.why}`);
	if (walked.end !== bytes.length - (decoded.trailingBytes ?? 0))
		throw new Error(`walked to ${walked.end} of ${bytes.length}`);
	// A message that became too long by names written out is cut, and says so.
	if (again.isTruncated && !message.isTruncated) return;
	const [first, second] = [JSON.stringify(message), JSON.stringify(again)];
	if (first !== second) throw new Error(`not the same again:\n${first}\n${second}`);
}

function rewritten(message: DnsMessage): DnsMessage {
	const decoded = decodeDnsMessage(encodeDnsMessage(message));
	if (decoded.kind !== "decoded") throw new Error(`what was written is ${decoded.kind}: ${decoded.why}`);
	return decoded.message;
}
