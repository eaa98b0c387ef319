import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FrameReader, frame } from "./transport-frames.ts";

const message = fc.uint8Array({ minLength: 12, maxLength: 600 });

test("messages come out as they went in, however the stream is cut", () => {
	fc.assert(
		fc.property(
			fc.array(message, { maxLength: 20 }),
			fc.infiniteStream(fc.integer({ min: 1, max: 700 })),
			(messages, cuts) => {
				const stream = Buffer.concat(messages.map((each) => frame(each, 0x1234)));
				const reader = new FrameReader();
				const read: Uint8Array[] = [];
				for (let at = 0; at < stream.length; ) {
					const { value: size = 1 } = cuts.next();
					const whole = reader.read(stream.subarray(at, at + size));
					assert.ok(whole !== undefined);
					read.push(...whole);
					at += size;
				}
				const sent = messages.map((each) => Buffer.concat([Buffer.from([0x12, 0x34]), each.subarray(2)]));
				assert.deepEqual(
					read.map((each) => Buffer.from(each)),
					sent,
				);
			},
		),
	);
});

test("a length shorter than a header ends the reading, also when it comes octet by octet", () => {
	for (let length = 0; length < 12; length++) {
		const reader = new FrameReader();
		assert.deepEqual(reader.read(Uint8Array.of(0)), []);
		assert.equal(reader.read(Uint8Array.of(length)), undefined);
	}
});

test("the longest message passes", () => {
	const reader = new FrameReader();
	const [whole] = reader.read(frame(new Uint8Array(65_535), 1)) ?? [];
	assert.equal(whole?.length, 65_535);
});
