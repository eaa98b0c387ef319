/** What a line of a scenario says a server answers, as a message. */
import { DNS_RCODE, type DnsMessage } from "@plumbline/signals/dns-message";
import type { Ask } from "../upstream.ts";
import { type Line, recordOf, settingOf, subnetOf } from "./scenario-text.ts";

export function messageOf({ words, records }: Line, { question, clientSubnet }: Ask): DnsMessage {
	const section = (at: number) => (records[at] ?? []).map((text) => recordOf(text, question.name));
	const scope = settingOf(words, "scope");
	const echo = settingOf(words, "echo");
	const subnet = echo === undefined ? clientSubnet : subnetOf(echo);
	const options =
		scope === undefined || subnet === undefined
			? []
			: [{ kind: "client-subnet" as const, subnet: { ...subnet, scopePrefix: Number(scope) } }];
	return {
		id: 4711,
		isResponse: true,
		opcode: 0,
		isAuthoritative: true,
		isTruncated: false,
		recursionDesired: true,
		recursionAvailable: true,
		authenticData: words.includes("ad"),
		checkingDisabled: false,
		rcode: rcodeOf(words),
		questions: [question],
		answers: section(0),
		authorities: section(1),
		additionals: section(2),
		edns: { udpSizeMax: 1232, version: 0, dnssecOk: false, options },
	};
}

export function rcodeOf(words: readonly string[]): number {
	return Object.entries(DNS_RCODE).find(([name]) => words.includes(name))?.[1] ?? DNS_RCODE.NOERROR;
}
