/** What the cache holds, made fit for one ask: its type where the answer is for all of them, its network (RFC 7871). */
import type { ClientSubnet, DnsMessage, DnsOption } from "@plumbline/signals/dns-message";
import type { Held } from "./cache-read.ts";
import type { Scope } from "./cache-scope.ts";
import type { Ask } from "./upstream.ts";

const UDP_SIZE_MAX = 1232;

export function tailored(held: Held, ask: Ask, scope: Scope | undefined): Held {
	const { message } = held.resolution;
	const question = message.questions[0];
	const isForOtherType = question !== undefined && question.type !== ask.question.type;
	if (!isForOtherType && ask.clientSubnet === undefined) return held;
	const questions =
		isForOtherType && question !== undefined ? [{ ...question, type: ask.question.type }] : message.questions;
	const fit = withSubnet({ ...message, questions }, ask, scope);
	return { ...held, resolution: { ...held.resolution, message: fit } };
}

/** With the client's network told back, and how much of it the answer depends on. */
export function withSubnet(message: DnsMessage, ask: Ask, scope: Scope | undefined): DnsMessage {
	if (ask.clientSubnet === undefined) return message;
	const scopePrefix = scope?.kind === "network" ? scope.prefix : 0;
	const subnet: ClientSubnet = { ...ask.clientSubnet, scopePrefix };
	const option: DnsOption = { kind: "client-subnet", subnet };
	return {
		...message,
		edns: {
			udpSizeMax: UDP_SIZE_MAX,
			version: 0,
			dnssecOk: ask.dnssecOk ?? false,
			options: [...(message.edns?.options ?? []), option],
		},
	};
}
