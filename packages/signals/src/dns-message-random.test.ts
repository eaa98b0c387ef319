/** Random messages there and back, and random octets: nothing throws, and what decodes once decodes again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { DnsMessage } from "./dns-message.ts";
import { decodeDnsMessage } from "./dns-message-decode.ts";
import { encodeDnsMessage } from "./dns-message-encode.ts";
import { dnsRecordText } from "./dns-text.ts";
import { walkRecords } from "./dns-wire.ts";
import { dnsMessages } from "./testing/dns-messages.ts";

function decoded(bytes: Uint8Array): DnsMessage {
	const found = decodeDnsMessage(bytes);
	assert.ok(found.kind === "decoded", JSON.stringify(found));
	return found.message;
}

test("any message comes back as it was", () => {
	fc.assert(
		fc.property(dnsMessages, (message) => {
			assert.deepEqual(decoded(encodeDnsMessage(message)), message);
		}),
		{ numRuns: 500 },
	);
});

test("compression makes it no longer, and pointers lead only to names before", () => {
	fc.assert(
		fc.property(dnsMessages, (message) => {
			const once = encodeDnsMessage(message);
			const doubled = { ...message, answers: [...message.answers, ...message.answers] };
			const added = encodeDnsMessage(doubled).length - once.length;
			// The second time every owner name that can be pointed to is two octets.
			const owners = message.answers.reduce((sum, { name }) => sum + Math.min(2, name.length), 0);
			assert.ok(added >= owners && added <= once.length);
		}),
		{ numRuns: 200 },
	);
});

test("a limit is kept, and what is left out is whole sets from the end", () => {
	fc.assert(
		fc.property(dnsMessages, fc.integer({ min: 512, max: 1_500 }), (message, sizeMax) => {
			const bytes = encodeDnsMessage(message, { sizeMax });
			assert.ok(bytes.length <= sizeMax);
			const kept = decoded(bytes);
			const whole = decoded(encodeDnsMessage(message));
			for (const section of ["answers", "authorities", "additionals"] as const) {
				const records = kept[section];
				assert.deepEqual(records, whole[section].slice(0, records.length));
				const [last, next] = [records.at(-1), whole[section][records.length]];
				const isSplit = last?.name === next?.name && last?.type === next?.type && last?.class === next?.class;
				assert.ok(last === undefined || !isSplit, "an RRset was split");
			}
			const isCut =
				kept.questions.length < whole.questions.length ||
				kept.answers.length < whole.answers.length ||
				kept.authorities.length < whole.authorities.length;
			assert.equal(kept.isTruncated, message.isTruncated || isCut);
			assert.equal(kept.edns === undefined, message.edns === undefined);
		}),
		{ numRuns: 500 },
	);
});

test("a message cut anywhere is truncated, never another message", () => {
	fc.assert(
		fc.property(dnsMessages, fc.nat(), (message, seed) => {
			const bytes = encodeDnsMessage(message);
			const cut = bytes.subarray(0, 12 + (seed % Math.max(1, bytes.length - 12)));
			if (cut.length < bytes.length) assert.equal(decodeDnsMessage(cut).kind, "truncated");
		}),
		{ numRuns: 500 },
	);
});

test("random octets behind a header: no throw, and what decodes is stable", () => {
	const header = fc
		.tuple(
			fc.uint8Array({ minLength: 4, maxLength: 4 }),
			fc.array(fc.nat({ max: 2 }), { minLength: 4, maxLength: 4 }),
		)
		.map(([start, counts]) => Uint8Array.from([...start, ...counts.flatMap((count) => [0, count])]));
	const telling = fc.constantFrom(0, 0, 0, 1, 4, 12, 16, 28, 41, 64, 65, 128, 192, 255);
	const body = fc.array(fc.oneof(telling, fc.nat({ max: 255 })), { maxLength: 120 });
	fc.assert(
		fc.property(header, body, (start, octets) => {
			const bytes = Uint8Array.from([...start, ...octets]);
			const found = decodeDnsMessage(bytes);
			const walked = walkRecords(bytes);
			if (found.kind !== "decoded") return;
			assert.equal(walked.kind, "walked");
			for (const record of found.message.answers) dnsRecordText(record);
			assert.deepEqual(decoded(encodeDnsMessage(found.message)), found.message);
		}),
		{ numRuns: 5_000 },
	);
});
