import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeDnsMessage } from "./dns-message-decode.ts";
import { encodeDnsMessage } from "./dns-message-encode.ts";
import { walkRecords } from "./dns-wire.ts";
import { dnsMessages } from "./testing/dns-messages.ts";

const OPT = 41;

test("new TTLs where it says change the TTLs and nothing else", () => {
	fc.assert(
		fc.property(dnsMessages, fc.integer({ min: 0, max: 0x7fff_ffff }), (message, ttl) => {
			const bytes = encodeDnsMessage(message);
			const walked = walkRecords(bytes);
			assert.ok(walked.kind === "walked");
			const view = new DataView(bytes.buffer);
			for (const { type, ttlAt } of walked.records) if (type !== OPT) view.setUint32(ttlAt, ttl);
			const found = decodeDnsMessage(bytes);
			assert.ok(found.kind === "decoded");
			const aged = (records: typeof message.answers) => records.map((record) => ({ ...record, ttl }));
			assert.deepEqual(found.message, {
				...message,
				answers: aged(message.answers),
				authorities: aged(message.authorities),
				additionals: aged(message.additionals),
			});
		}),
	);
});

test("records lie one behind the other, from the questions to the end, each in its section", () => {
	fc.assert(
		fc.property(dnsMessages, (message) => {
			const bytes = encodeDnsMessage(message);
			const walked = walkRecords(bytes);
			assert.ok(walked.kind === "walked");
			let at = walked.questionEnd;
			for (const { start, ttlAt, end } of walked.records) {
				assert.equal(start, at);
				assert.ok(ttlAt > start && ttlAt + 6 <= end);
				at = end;
			}
			assert.equal(at, bytes.length);
			const count = (name: string) => walked.records.filter(({ section }) => section === name).length;
			assert.equal(count("answer"), message.answers.length);
			assert.equal(count("authority"), message.authorities.length);
			const opt = message.edns === undefined ? 0 : 1;
			assert.equal(count("additional"), message.additionals.length + opt);
			const alone = encodeDnsMessage({ ...message, answers: [], authorities: [], additionals: [] });
			const bare = walkRecords(alone);
			assert.ok(bare.kind === "walked");
			assert.equal(bare.questionEnd, walked.questionEnd);
		}),
	);
});

test("random octets: no throw", () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
			const walked = walkRecords(bytes);
			if (walked.kind === "walked") assert.ok(walked.end <= bytes.length);
		}),
		{ numRuns: 2_000 },
	);
});

test("what is broken says where", () => {
	assert.equal(walkRecords(new Uint8Array(11)).kind, "broken");
	assert.equal(walkRecords(new Uint8Array(65_536)).kind, "broken");
	const counts = Uint8Array.of(0, 0, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 1, 0, 1);
	assert.deepEqual(walkRecords(counts), {
		kind: "broken",
		at: 17,
		why: "no whole record at 17, 65535 more are announced",
	});
	const label = Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x40, 0, 1, 0, 1);
	assert.equal(walkRecords(label).kind, "broken");
});
