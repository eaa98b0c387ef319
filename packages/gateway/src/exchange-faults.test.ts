/** What clients do wrong or slowly, and what an exchange is told while it waits at its gate. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeTime } from "@plumbline/resolver/testing/fake-time";
import type { Admitted } from "./gate.ts";
import { Mirror, type MirrorSend } from "./mirror.ts";
import type { Failure } from "./stream.ts";
import { ADMITTED, exchangeStage } from "./testing/exchange-stage.ts";
import { plainHead } from "./testing/plain-request.ts";

const TOO_LARGE: Failure = { kind: "too-large", detail: "expected at most 10 bytes", status: 413 };
const POST = { ...plainHead({ method: "POST" }), bodyLength: undefined };

test("whoever sends too much is told so, and its upstream gives it up without blame", () => {
	const stage = exchangeStage();
	const exchange = stage.begin(POST);
	exchange.data(new Uint8Array(5));
	exchange.reset(TOO_LARGE);
	assert.equal(stage.client.told[0], "413");
	assert.equal(stage.client.told.at(-1), "end");
	assert.deepEqual(stage.upstreams[0]?.told.at(-1), "reset too-large");
	assert.deepEqual(stage.outcomes, ["10.0.0.1:80 ignored"]);
	assert.equal(stage.finished[0]?.status, 413);
	assert.equal(stage.finished[0]?.failedSide, "client");
});

test("whoever sends too much while it is answered is cut off", () => {
	const stage = exchangeStage();
	const exchange = stage.begin(POST);
	stage.upstreams[0]?.answers(200);
	exchange.reset(TOO_LARGE);
	assert.deepEqual(stage.client.told, ["200", "reset too-large"]);
	assert.equal(stage.finished.length, 1);
});

test("a request that cannot be written is its client's fault: no circuit opens for it", () => {
	const stage = exchangeStage();
	stage.begin(POST);
	stage.upstreams[0]?.receiver.reset({ kind: "malformed", detail: "a host that cannot be", status: 400 });
	assert.equal(stage.client.told[0], "400");
	assert.deepEqual(stage.outcomes, ["10.0.0.1:80 ignored"]);
	assert.equal(stage.finished[0]?.failedSide, "client");
});

test("a client that reads slowly is not idle, and the time begins anew when it has taken all", async () => {
	const timeouts = { headMs: 1000, idleMs: 3000, totalMs: Infinity, deadlineField: undefined };
	const stage = exchangeStage({ route: { timeouts } });
	const exchange = stage.begin();
	exchange.end(undefined);
	const [upstream] = stage.upstreams;
	upstream?.answers(200);
	stage.client.hasRoom = false;
	upstream?.receiver.data(new Uint8Array(5));
	assert.equal(upstream?.isPaused, true);
	await stage.time.pass(20_000);
	assert.deepEqual(stage.client.told, ["200", "data 5"]);
	exchange.drained();
	assert.equal(upstream?.isPaused, false);
	await stage.time.pass(2500);
	assert.deepEqual(stage.client.told, ["200", "data 5"]);
	await stage.time.pass(1000);
	assert.deepEqual(stage.client.told, ["200", "data 5", "reset timeout"]);
});

test("a tunnel that its server has ended is idle at its time, though its client was full", async () => {
	const timeouts = { headMs: 1000, idleMs: 3000, totalMs: Infinity, deadlineField: undefined };
	const stage = exchangeStage({ route: { timeouts } });
	stage.begin({ ...plainHead(), upgrade: "websocket" });
	const [upstream] = stage.upstreams;
	upstream?.answers(101);
	stage.client.hasRoom = false;
	upstream?.receiver.data(new Uint8Array(5));
	upstream?.receiver.end(undefined);
	assert.equal(stage.finished.length, 0);
	await stage.time.pass(3500);
	assert.deepEqual(stage.client.told, ["101", "data 5", "end", "reset timeout"]);
	assert.equal(stage.finished.length, 1);
});

test("a request that waited at the gate is mirrored whole, and its place is free again", () => {
	const sent: (Uint8Array | undefined)[] = [];
	const send: MirrorSend = (_upstream, _head, body, done) => {
		sent.push(body);
		done(true);
		return () => undefined;
	};
	const settings = { upstream: "shadow", share: 1, bodyBytesMax: 100, inFlightMax: 1 };
	const mirror = new Mirror(settings, { send, timers: fakeTime().timers, random: () => 0.5 });
	const waiting: ((decision: Admitted) => void)[] = [];
	const stage = exchangeStage({
		mirror,
		enter: (_request, _nowMs, later) => {
			waiting.push(later);
			return { kind: "waiting", cancel: () => undefined };
		},
	});
	const post = stage.begin(POST);
	post.data(Uint8Array.of(1, 2));
	post.data(Uint8Array.of(3));
	post.end(undefined);
	waiting[0]?.(ADMITTED);
	stage.begin().end(undefined);
	waiting[1]?.(ADMITTED);
	assert.deepEqual(sent, [Buffer.of(1, 2, 3), undefined]);
	assert.equal(mirror.counts.inFlight, 0);
	assert.deepEqual(stage.upstreams[0]?.told, ["POST", "data 2", "data 1", "end"]);
});
