/**
 * Messages as real programs sent them (named 9.18, knotd and kdig 3.2, unbound 1.17, dig, nsupdate), taken on loopback,
 * and what they say as text that a person can check. UPDATE_GOLDENS=1 writes the texts anew.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { DnsMessage, DnsOption, DnsRecord } from "./dns-message.ts";
import { decodeDnsMessage } from "./dns-message-decode.ts";
import { encodeDnsMessage } from "./dns-message-encode.ts";
import {
	dnsExtendedErrorName,
	dnsOpcodeName,
	dnsQuestionText,
	dnsRcodeName,
	dnsRecordText,
} from "./dns-text.ts";
import { walkRecords } from "./dns-wire.ts";

const FOLDER = join(import.meta.dirname, "..", "fixtures", "dns");
const GOLDEN = join(FOLDER, "messages.txt");
const FIXTURES = readdirSync(FOLDER)
	.filter((name) => name.endsWith(".dns"))
	.sort()
	.map((name) => ({
		name: name.replace(/\.dns$/, ""),
		bytes: new Uint8Array(readFileSync(join(FOLDER, name))),
	}));

function decoded(bytes: Uint8Array): DnsMessage {
	const found = decodeDnsMessage(bytes);
	assert.ok(found.kind === "decoded", JSON.stringify(found));
	assert.equal(found.trailingBytes, undefined);
	return found.message;
}

test("real messages say what they say", () => {
	const text = FIXTURES.map(({ name, bytes }) => `== ${name}\n${textOf(decoded(bytes))}\n`).join("\n");
	if (process.env.UPDATE_GOLDENS === "1") writeFileSync(GOLDEN, text);
	assert.equal(text, readFileSync(GOLDEN, "utf8"));
});

for (const { name, bytes } of FIXTURES) {
	test(`${name}: encoded and decoded again it is the same`, () => {
		const message = decoded(bytes);
		assert.deepEqual(decoded(encodeDnsMessage(message)), message);
	});

	test(`${name}: cut at any octet it is truncated, and keeps what was whole`, () => {
		const whole = decoded(bytes);
		for (let length = 0; length < bytes.length; length++) {
			const cut = decodeDnsMessage(bytes.subarray(0, length));
			if (length < 12) {
				assert.ok(cut.kind === "malformed" && cut.flaw === "short-header", `at ${length}`);
				continue;
			}
			assert.ok(cut.kind === "truncated", `at ${length}: ${JSON.stringify(cut)}`);
			assert.equal(cut.at, length);
			assert.deepEqual(cut.partial.answers, whole.answers.slice(0, cut.partial.answers.length));
			assert.deepEqual(cut.partial.authorities, whole.authorities.slice(0, cut.partial.authorities.length));
			encodeDnsMessage(cut.partial);
			assert.equal(walkRecords(bytes.subarray(0, length)).kind, "broken");
		}
	});

	test(`${name}: walked, it has the records that decoding finds`, () => {
		const { answers, authorities, additionals, edns } = decoded(bytes);
		const walked = walkRecords(bytes);
		assert.ok(walked.kind === "walked");
		assert.equal(walked.end, bytes.length);
		const expected = [...answers, ...authorities, ...additionals].map(({ type }) => type);
		assert.equal(walked.records.length, expected.length + (edns === undefined ? 0 : 1));
		const view = new DataView(bytes.buffer, bytes.byteOffset);
		const found = walked.records.filter(({ type }) => type !== 41);
		assert.deepEqual(
			found.map(({ type }) => type),
			expected,
		);
		assert.deepEqual(
			found.map(({ ttlAt }) => view.getUint32(ttlAt)),
			[...answers, ...authorities, ...additionals].map(({ ttl }) => ttl),
		);
	});
}

function textOf(message: DnsMessage): string {
	const flags = [
		message.isResponse && "response",
		message.isAuthoritative && "authoritative",
		message.isTruncated && "truncated",
		message.recursionDesired && "recursion desired",
		message.recursionAvailable && "recursion available",
		message.authenticData && "authentic",
		message.checkingDisabled && "checking disabled",
	].filter(Boolean);
	const { edns } = message;
	const options = edns?.options.map(optionText) ?? [];
	const section = (name: string, records: readonly DnsRecord[]) =>
		records.map((record) => `${name}: ${dnsRecordText(record)}`);
	return [
		`${message.id} ${dnsOpcodeName(message.opcode)} ${dnsRcodeName(message.rcode)}: ${flags.join(", ")}`,
		...message.questions.map((question) => `question: ${dnsQuestionText(question)}`),
		...section("answer", message.answers),
		...section("authority", message.authorities),
		...section("additional", message.additionals),
		...(edns === undefined
			? []
			: [
					`edns: ${[edns.udpSizeMax, `version ${edns.version}`, edns.dnssecOk ? "DO" : "-", ...options].join(", ")}`,
				]),
	].join("\n");
}

function optionText(option: DnsOption): string {
	switch (option.kind) {
		case "client-subnet": {
			const { address, sourcePrefix, scopePrefix } = option.subnet;
			return `subnet ${address}/${sourcePrefix}/${scopePrefix}`;
		}
		case "extended-error":
			return `error ${dnsExtendedErrorName(option.code)} "${option.text}"`;
		case "padding":
			return `padding ${option.length}`;
		case "unknown":
			return `option ${option.code} of ${option.bytes.length}`;
		default:
			return option satisfies never;
	}
}
