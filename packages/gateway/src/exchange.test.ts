import assert from "node:assert/strict";
import { test } from "node:test";
import type { RequestHead } from "./message.ts";
import type { Failure } from "./stream.ts";
import { exchangeStage, type Stage } from "./testing/exchange-stage.ts";
import { plainHead } from "./testing/plain-request.ts";

const BROKEN: Failure = { kind: "broken", detail: "the connection broke" };
const FIVE = new Uint8Array(5);
const RETRY = { triesMax: 1, statuses: [], unsafe: false, hedgeMs: undefined };

function bodied(method: string): RequestHead {
	return { ...plainHead({ method }), bodyLength: undefined };
}

function last(stage: Stage) {
	const upstream = stage.upstreams.at(-1);
	assert.ok(upstream !== undefined, "no connection was granted");
	return upstream;
}

test("an answer goes through with its body, and everybody is told how it ended", () => {
	const stage = exchangeStage();
	const exchange = stage.begin();
	exchange.end(undefined);
	const upstream = last(stage);
	upstream.answers(200, [], 5);
	upstream.receiver.data(FIVE);
	upstream.receiver.end(undefined);
	assert.deepEqual(upstream.told, ["GET", "end"]);
	assert.deepEqual(stage.client.told, ["200", "data 5", "end"]);
	assert.deepEqual(stage.outcomes, ["10.0.0.1:80 success"]);
	const [record] = stage.finished;
	assert.equal(record?.status, 200);
	assert.equal(record?.responseBytes, 5);
	assert.equal(stage.finished.length, 1);
});

test("a kept connection that broke before any answer is tried once more, on a fresh one, whatever the tries", () => {
	const stage = exchangeStage();
	stage.begin().end(undefined);
	last(stage).receiver.reset(BROKEN);
	assert.deepEqual(
		stage.waiting.map(({ fresh }) => fresh),
		[false, true],
	);
	last(stage).receiver.reset(BROKEN);
	assert.deepEqual(stage.client.told.slice(0, 1), ["502"]);
	assert.equal(stage.upstreams.length, 2);
});

test("POST is not sent twice, nor is it risked on a used connection as a client's first request", () => {
	const stage = exchangeStage({ requests: 1 });
	stage.begin(plainHead({ method: "POST" })).end(undefined);
	assert.equal(stage.waiting[0]?.fresh, true);
	last(stage).receiver.reset(BROKEN);
	assert.equal(stage.upstreams.length, 1);
	assert.deepEqual(stage.client.told.slice(0, 1), ["502"]);
	assert.deepEqual(stage.outcomes, ["10.0.0.1:80 failure"]);
});

test("a status to try again after goes to another endpoint, and the client sees one answer", () => {
	const stage = exchangeStage({ route: { retry: { ...RETRY, statuses: [503] } } });
	stage.begin().end(undefined);
	last(stage).answers(503);
	assert.deepEqual(stage.upstreams[0]?.told, ["GET", "end", "reset cancelled"]);
	last(stage).answers(200, [], 0);
	last(stage).receiver.end(undefined);
	assert.deepEqual(stage.client.told, ["200", "end"]);
	assert.deepEqual(stage.outcomes, ["10.0.0.1:80 failure", "10.0.0.2:80 success"]);
});

test("once something has been answered nothing is tried again: the client sees that it is cut", () => {
	const stage = exchangeStage({ route: { retry: { ...RETRY, triesMax: 3 } } });
	stage.begin().end(undefined);
	last(stage).answers(200, [], 10);
	last(stage).receiver.data(FIVE);
	last(stage).receiver.reset(BROKEN);
	assert.deepEqual(stage.client.told, ["200", "data 5", "reset broken"]);
	assert.equal(stage.upstreams.length, 1);
	assert.equal(stage.finished[0]?.failedSide, "upstream");
});

test("a body that is held is sent again; one that was too long is not", () => {
	const small = exchangeStage({ route: { retry: RETRY }, reused: false });
	const put = small.begin(bodied("PUT"));
	put.data(FIVE);
	put.end(undefined);
	last(small).receiver.reset(BROKEN);
	assert.deepEqual(last(small).told, ["PUT", "data 5", "end"]);
	assert.equal(small.upstreams.length, 2);

	const large = exchangeStage({ route: { retry: RETRY }, reused: false });
	const second = large.begin(bodied("PUT"));
	second.data(new Uint8Array(65_000));
	second.data(new Uint8Array(1000));
	second.end(undefined);
	last(large).receiver.reset(BROKEN);
	assert.equal(large.upstreams.length, 1);
	assert.deepEqual(large.client.told.slice(0, 1), ["502"]);
});

test("before there is a connection the body waits, and the client with it", () => {
	const stage = exchangeStage({ grants: false });
	const exchange = stage.begin(bodied("POST"));
	exchange.data(new Uint8Array(65_536));
	assert.equal(stage.client.isPaused, true);
	stage.waiting[0]?.waiter.denied({ kind: "full", detail: "the queue is full" });
	assert.deepEqual(stage.client.told.slice(0, 1), ["503"]);
	assert.deepEqual(
		stage.outcomes,
		["10.0.0.1:80 ignored"],
		"a full queue of ours is not the endpoint's fault",
	);
});

test("a client that leaves takes its request back, wherever it is", () => {
	const left: Failure = { kind: "cancelled", detail: "gone" };
	const queued = exchangeStage({ grants: false });
	queued.begin().reset(left);
	assert.equal(queued.waiting[0]?.cancelled, true);
	const asking = exchangeStage();
	asking.begin().reset(left);
	assert.deepEqual(asking.upstreams[0]?.told, ["GET", "reset cancelled"]);
	for (const stage of [queued, asking]) {
		assert.deepEqual(stage.client.told, []);
		assert.deepEqual(stage.outcomes, ["10.0.0.1:80 ignored"]);
		assert.equal(stage.finished[0]?.failedSide, "client");
	}
});

test("time limits: the head's runs from the request's end, the idle one from the last byte, the total one for all", async () => {
	const timeouts = { headMs: 1000, idleMs: 3000, totalMs: 10_000, deadlineField: undefined };
	const head = exchangeStage({ route: { timeouts } });
	const upload = head.begin(bodied("POST"));
	await head.time.pass(2000);
	assert.deepEqual(head.client.told, [], "it is still sending");
	upload.end(undefined);
	await head.time.pass(1200);
	assert.deepEqual(head.client.told.slice(0, 1), ["504"]);
	assert.deepEqual(head.upstreams[0]?.told, ["POST", "end", "reset timeout"]);

	const idle = exchangeStage({ route: { timeouts } });
	idle.begin().end(undefined);
	last(idle).answers(200);
	await idle.time.pass(2500);
	last(idle).receiver.data(FIVE);
	last(idle).receiver.batchEnd();
	await idle.time.pass(2500);
	assert.deepEqual(idle.client.told, ["200", "data 5"]);
	await idle.time.pass(700);
	assert.deepEqual(idle.client.told, ["200", "data 5", "reset timeout"]);

	const total = exchangeStage({ route: { timeouts } });
	total.begin().end(undefined);
	last(total).answers(200);
	for (let at = 0; at < 12; at++) {
		await total.time.pass(900);
		last(total).receiver.batchEnd();
	}
	assert.deepEqual(total.client.told, ["200", "reset timeout"]);
	assert.equal(total.finished[0]?.failure?.timeout, "total");
	assert.ok(total.finished[0].endedMs <= 10_100);
});

test("what is left of the deadline is told to the upstream", async () => {
	const timeouts = { headMs: 5000, idleMs: 5000, totalMs: 4000, deadlineField: "x-deadline-ms" };
	const stage = exchangeStage({ grants: false, route: { timeouts } });
	stage.begin(plainHead({ fields: ["x-deadline-ms", "2500"] })).end(undefined);
	await stage.time.pass(500);
	const granted = exchangeStage({ route: { timeouts } });
	granted.begin(plainHead({ fields: ["x-deadline-ms", "2500"] })).end(undefined);
	const { set = [], drop } = last(granted).edits ?? {};
	assert.equal(set[set.indexOf("x-deadline-ms") + 1], "2500");
	assert.equal(drop?.has("x-deadline-ms"), true);
	await stage.time.pass(2200);
	assert.deepEqual(stage.client.told.slice(0, 1), ["504"], "the client's own deadline is over");
});

test("hedging: the second endpoint is asked late, the first answer counts, the other is taken back", async () => {
	const stage = exchangeStage({ route: { retry: { ...RETRY, hedgeMs: 200 } } });
	stage.begin().end(undefined);
	await stage.time.pass(150);
	assert.equal(stage.upstreams.length, 1);
	await stage.time.pass(150);
	assert.equal(stage.upstreams.length, 2);
	last(stage).answers(200, [], 0);
	last(stage).receiver.end(undefined);
	assert.deepEqual(stage.upstreams[0]?.told, ["GET", "end", "reset cancelled"]);
	stage.upstreams[0]?.receiver.reset(BROKEN);
	assert.deepEqual(stage.client.told, ["200", "end"]);
	assert.deepEqual(stage.outcomes, ["10.0.0.1:80 ignored", "10.0.0.2:80 success"]);
});

test("with hedging, one that fails leaves the request to the other", async () => {
	const stage = exchangeStage({ route: { retry: { ...RETRY, hedgeMs: 200 } } });
	stage.begin().end(undefined);
	await stage.time.pass(300);
	stage.upstreams[0]?.receiver.reset(BROKEN);
	assert.deepEqual(stage.client.told, []);
	stage.upstreams[1]?.answers(200, [], 0);
	stage.upstreams[1]?.receiver.end(undefined);
	assert.deepEqual(stage.client.told, ["200", "end"]);
});

test("whoever cannot take more stops the other side, and starts it again", () => {
	const stage = exchangeStage();
	const exchange = stage.begin(bodied("POST"));
	const upstream = last(stage);
	upstream.hasRoom = false;
	exchange.data(FIVE);
	assert.equal(stage.client.isPaused, true);
	upstream.receiver.drained();
	assert.equal(stage.client.isPaused, false);
	stage.client.hasRoom = false;
	upstream.answers(200);
	upstream.receiver.data(FIVE);
	assert.equal(upstream.isPaused, true);
	exchange.drained();
	assert.equal(upstream.isPaused, false);
});

test("an answer that is whole before its request ends the exchange, and the upstream hears it", () => {
	const stage = exchangeStage();
	const exchange = stage.begin(bodied("POST"));
	last(stage).answers(413, [], 0);
	last(stage).receiver.end(undefined);
	assert.deepEqual(stage.client.told, ["413", "end"]);
	assert.deepEqual(last(stage).told, ["POST", "reset cancelled"]);
	exchange.data(FIVE);
	exchange.end(undefined);
	assert.equal(stage.finished.length, 1);
});

test("after 101 both ways are bytes until both have ended; no total time limit", async () => {
	const timeouts = { headMs: 1000, idleMs: 60_000, totalMs: 2000, deadlineField: undefined };
	const stage = exchangeStage({ route: { timeouts } });
	const exchange = stage.begin({ ...plainHead(), upgrade: "websocket" });
	last(stage).answers(101);
	await stage.time.pass(30_000);
	exchange.data(FIVE);
	last(stage).receiver.data(FIVE);
	exchange.end(undefined);
	assert.equal(stage.finished.length, 0);
	last(stage).receiver.end(undefined);
	assert.deepEqual(last(stage).told, ["GET", "data 5", "end"]);
	assert.deepEqual(stage.client.told, ["101", "data 5", "end"]);
	assert.equal(stage.finished.length, 1);
});

test("an upstream that says nothing to a WebSocket is not waited for longer than for any head", async () => {
	const timeouts = { headMs: 1000, idleMs: 60_000, totalMs: Infinity, deadlineField: undefined };
	const stage = exchangeStage({ route: { timeouts } });
	stage.begin({ ...plainHead(), upgrade: "websocket" });
	await stage.time.pass(1200);
	assert.deepEqual(stage.client.told.slice(0, 1), ["504"]);
});

test("what no upstream is asked about", () => {
	const circle = plainHead({ fields: ["via", Array(8).fill("1.1 plumbline").join(", ")] });
	const cases: readonly [head: RequestHead, status: string][] = [
		[circle, "508"],
		[plainHead({ method: "CONNECT" }), "501"],
		[{ ...plainHead(), upgrade: "websocket", bodyLength: 5 }, "400"],
	];
	for (const [head, status] of cases) {
		const stage = exchangeStage();
		stage.begin(head);
		assert.equal(stage.client.told[0], status);
		assert.equal(stage.upstreams.length, 0);
		assert.equal(stage.finished.length, 1);
	}
});
