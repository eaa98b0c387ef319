/** What every answer of the server keeps to, whatever it was asked. Read by the codec, not by the server's own reader. */
import type { Edns } from "@plumbline/signals/dns-message";
import { decodeDnsMessage } from "@plumbline/signals/dns-message-decode";
import type { Carrier } from "../../server-answerer.ts";
import type { QueryFate } from "../../server-query.ts";

const PLAIN_UDP_OCTETS = 512;
const OWN_UDP_OCTETS = 1232;
const STREAM_OCTETS = 65_535;
/** OPT with an extended error, and padding to a block. */
const OPT_OCTETS = 17;
const BLOCK_OCTETS = 468;
const HEADER_OCTETS = 12;

/** Throws where it does not hold. */
export function checkAnswer(query: Uint8Array, answer: Uint8Array, fate: QueryFate, carrier: Carrier): void {
	const expect = (holds: boolean, what: string) => {
		if (holds) return;
		throw new Error(`${what}\nquery  ${hex(query)} (${fate}, ${carrier})\nanswer ${hex(answer)}`);
	};
	const decoded = decodeDnsMessage(answer);
	if (decoded.kind !== "decoded") {
		expect(false, `the answer is ${decoded.kind}: ${decoded.why}`);
		return;
	}
	const { message, trailingBytes } = decoded;
	expect(trailingBytes === undefined, "octets behind the answer");
	expect(answer[0] === query[0] && answer[1] === query[1], "another id");
	expect(message.isResponse && message.recursionAvailable, "not marked as an answer");
	expect(message.opcode === (((query[2] ?? 0) >> 3) & 15), "another opcode");
	expect(message.recursionDesired === (((query[2] ?? 0) & 1) !== 0), "RD is not what it was");
	const [question] = message.questions;
	expect(message.questions.length <= 1, "more than one question");
	if (question !== undefined) {
		let end = HEADER_OCTETS;
		while (answer[end]) end += 1 + (answer[end] ?? 0);
		const same = hex(answer.subarray(HEADER_OCTETS, end + 5)) === hex(query.subarray(HEADER_OCTETS, end + 5));
		expect(same, "another question");
	} else expect(fate !== "ask", "the question was lost");
	const edns = ednsOf(query);
	if (edns === "unreadable") {
		expect(answer.length <= query.length + OPT_OCTETS + BLOCK_OCTETS, "much for what cannot be read");
		expect(message.rcode !== 0 && message.answers.length === 0, "an answer to what cannot be read");
		return;
	}
	const told = edns === undefined ? PLAIN_UDP_OCTETS : Math.max(PLAIN_UDP_OCTETS, edns.udpSizeMax);
	const sizeMax = carrier === "udp" ? Math.min(told, OWN_UDP_OCTETS) : STREAM_OCTETS;
	expect(answer.length <= sizeMax, `${answer.length} octets, where ${sizeMax} are taken`);
	if (fate !== "ask") {
		const padded = carrier === "tls" ? BLOCK_OCTETS : 0;
		expect(
			answer.length <= Math.max(query.length, padded) + OPT_OCTETS,
			"a refusal is larger than its query",
		);
		expect(message.answers.length + message.authorities.length === 0, "records in a refusal");
	}
	expect(message.edns === undefined || edns !== undefined || fate !== "ask", "OPT, unasked for");
	const knowsAuthenticData = ((query[3] ?? 0) & 0x20) !== 0 || edns?.dnssecOk === true;
	expect(!message.authenticData || knowsAuthenticData, "AD, unasked for");
	for (const { ttl } of [...message.answers, ...message.authorities]) expect(ttl <= 300, `a TTL of ${ttl}`);
}

function ednsOf(query: Uint8Array): Edns | undefined | "unreadable" {
	const decoded = decodeDnsMessage(query);
	if (decoded.kind === "malformed") return "unreadable";
	return decoded.kind === "decoded" ? decoded.message.edns : decoded.partial.edns;
}

function hex(bytes: Uint8Array): string {
	return Buffer.from(bytes).toString("hex");
}
