import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeTime } from "@plumbline/resolver/testing/fake-time";
import type { RequestHead } from "./message.ts";
import { Mirror, type MirrorSend } from "./mirror.ts";
import type { MirrorSettings } from "./settings.ts";
import { testHead } from "./testing/test-requests.ts";

const SETTINGS: MirrorSettings = { upstream: "shadow", share: 1, bodyBytesMax: 10, inFlightMax: 2 };

interface Sent {
	readonly upstream: string;
	readonly head: RequestHead;
	readonly body: Uint8Array | undefined;
	readonly done: (answered: boolean) => void;
	givenUp: boolean;
}

function mirrorUnderTest(more: Partial<MirrorSettings> = {}, random = () => 0.5) {
	const time = fakeTime();
	const sent: Sent[] = [];
	const send: MirrorSend = (upstream, head, body, done) => {
		const entry: Sent = { upstream, head, body, done, givenUp: false };
		sent.push(entry);
		return () => {
			entry.givenUp = true;
		};
	};
	return { mirror: new Mirror({ ...SETTINGS, ...more }, { send, timers: time.timers, random }), sent, time };
}

test("a copy is sent when the request is whole, with head and body of its own", () => {
	const { mirror, sent, time } = mirrorUnderTest();
	const fields = ["x-user", "7"];
	const copy = mirror.begin(
		testHead("POST", "/orders?x=1", fields, { bodyLength: undefined, expectsContinue: true }),
	);
	const bytes = Buffer.from("hello");
	copy?.data(bytes);
	bytes.fill(0);
	copy?.data(Buffer.from("!"));
	fields[1] = "8";
	assert.equal(sent.length, 0);
	copy?.end();
	copy?.end();
	copy?.abandon();
	assert.equal(sent.length, 1);
	assert.equal(sent[0]?.upstream, "shadow");
	assert.equal(sent[0]?.head.path, "/orders?x=1");
	assert.equal(sent[0]?.head.value("x-user"), "7");
	assert.equal(sent[0]?.head.bodyLength, 6);
	assert.equal(sent[0]?.head.expectsContinue, false);
	assert.equal(Buffer.from(sent[0]?.body ?? []).toString(), "hello!");
	assert.equal(mirror.counts.inFlight, 1);
	sent[0]?.done(true);
	sent[0]?.done(false);
	assert.deepEqual(mirror.counts, {
		sent: 1,
		answered: 1,
		failed: 0,
		full: 0,
		tooLarge: 0,
		abandoned: 0,
		inFlight: 0,
	});
	assert.equal(time.waiting(), 0);
});

test("what is too large is not mirrored, whether it was told before or is seen on the way", () => {
	const { mirror, sent } = mirrorUnderTest();
	assert.equal(mirror.begin(testHead("POST", "/", [], { bodyLength: 11 })), undefined);
	const copy = mirror.begin(testHead("POST", "/", [], { bodyLength: undefined }));
	for (let at = 0; at < 4; at++) copy?.data(Buffer.from("four"));
	copy?.end();
	assert.equal(sent.length, 0);
	assert.equal(mirror.counts.tooLarge, 2);
	assert.equal(mirror.counts.inFlight, 0);
});

test("no more copies than there are places, those being gathered among them", () => {
	const { mirror, sent } = mirrorUnderTest();
	const gathered = mirror.begin(testHead("POST", "/", [], { bodyLength: 3 }));
	mirror.begin(testHead())?.end();
	assert.equal(mirror.begin(testHead()), undefined);
	gathered?.abandon();
	assert.notEqual(mirror.begin(testHead()), undefined);
	assert.equal(mirror.counts.full, 1);
	assert.equal(mirror.counts.abandoned, 1);
	assert.equal(sent.length, 1);
});

test("a mirror that never answers loses its place for it, and is given up", async () => {
	const { mirror, sent, time } = mirrorUnderTest();
	mirror.begin(testHead())?.end();
	await time.pass(30_000);
	assert.equal(mirror.counts.failed, 1);
	assert.equal(mirror.counts.inFlight, 0);
	assert.equal(sent[0]?.givenUp, true);
	sent[0]?.done(true);
	assert.equal(mirror.counts.answered, 0);
});

test("a sender that throws, or fails at once, is nothing to the request", () => {
	const time = fakeTime();
	const sends: MirrorSend[] = [
		() => {
			throw new Error("no such upstream");
		},
		(_upstream, _head, _body, done) => {
			done(false);
			return () => {};
		},
	];
	for (const send of sends) {
		const mirror = new Mirror(SETTINGS, { send, timers: time.timers, random: () => 0 });
		mirror.begin(testHead())?.end();
		assert.equal(mirror.counts.failed, 1);
		assert.equal(mirror.counts.inFlight, 0);
	}
	assert.equal(time.waiting(), 0);
});

test("a share of the requests, and never a tunnel", () => {
	let next = 0;
	const { mirror } = mirrorUnderTest({ share: 0.25, inFlightMax: 1000 }, () => (next++ % 100) / 100);
	let copied = 0;
	for (let at = 0; at < 400; at++) if (mirror.begin(testHead()) !== undefined) copied++;
	assert.equal(copied, 100);
	const all = mirrorUnderTest().mirror;
	assert.equal(all.begin(testHead("GET", "/", [], { upgrade: "websocket" })), undefined);
	assert.equal(all.begin(testHead("CONNECT")), undefined);
});
