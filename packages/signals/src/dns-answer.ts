/** The answer of a resolver: what all have alike, and what this one says. */
import { DNS_RCODE, type DnsMessage, type DnsQuestion } from "./dns-message.ts";

/** NOERROR without any record, unless `said` has it otherwise. */
export function dnsAnswer(question: DnsQuestion, said: Partial<DnsMessage> = {}): DnsMessage {
	return {
		id: 0,
		isResponse: true,
		opcode: 0,
		isAuthoritative: false,
		isTruncated: false,
		recursionDesired: true,
		recursionAvailable: true,
		authenticData: false,
		checkingDisabled: false,
		rcode: DNS_RCODE.NOERROR,
		questions: [question],
		answers: [],
		authorities: [],
		additionals: [],
		...said,
	};
}
