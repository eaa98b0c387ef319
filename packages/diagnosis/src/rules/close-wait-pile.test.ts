import assert from "node:assert/strict";
import { test } from "node:test";
import type { Socket } from "@plumbline/signals/sockets";
import { diagnose } from "../diagnose.ts";
import { dbSocket, pool } from "../testing/lines.ts";
import { type Service, signalsOf } from "../testing/service.ts";
import { alarms, found, gist, times } from "../testing/verdict.ts";

const HTTP = { peerIp: "10.0.0.9", peerPort: 8_080 };

function closeWait(n: number, ageMs: number, over: Partial<Socket> = {}, from = 41_000): Socket[] {
	return times(n, (i) => dbSocket(from + i, ageMs, { state: "CLOSE_WAIT", ...over }));
}

/** The same sockets at both ends. */
function lasting(n: number, over: Partial<Socket> = HTTP): Service {
	return { sockets: [0, 10_000].map((at) => closeWait(n, 840_000 + at, over)) };
}

test("thirteen sockets in CLOSE_WAIT at both ends of the window, with their peer and age", () => {
	const finding = found(lasting(13), "close-wait-pile");
	assert.deepEqual([finding?.count, finding?.severity, finding?.level], [13, "warning", "suspected"]);
	assert.match(finding?.title ?? "", /^13 connections with 10\.0\.0\.9:8080 closed by the peer/);
	assert.match(finding?.story ?? "", /the oldest for 14 min/);
	assert.deepEqual(alarms(lasting(13)), ["close-wait-pile"]);
});

test("accepted ones are told by the port we listen on", () => {
	const listener = dbSocket(8_080, 0, { state: "LISTEN", inode: 7, peerIp: "0.0.0.0", peerPort: 0 });
	const accepted = closeWait(11, 60_000).map((s, i) => ({ ...s, localPort: 8_080, peerPort: 50_000 + i }));
	const service = { sockets: [0, 1].map(() => [listener, ...accepted]) };
	assert.match(found(service, "close-wait-pile")?.title ?? "", /^11 connections to 10\.0\.0\.7:8080/);
});

test("half of the descriptors: critical", () => {
	const signals = signalsOf(lasting(60));
	const { part } = signals.sockets[0] ?? assert.fail();
	const [finding] = diagnose({
		...signals,
		process: [{ part, value: { pid: 4711, fdLimit: 100 } }],
	}).findings;
	assert.equal(finding?.severity, "critical");
});

test("at a database they may be idle ones the server closed: a note, unless the pool has fewer idle", () => {
	const toDatabase = lasting(13, {});
	assert.equal(gist(toDatabase, "close-wait-pile")?.severity, "note");
	const counted = (idle: number) => ({ ...toDatabase, pools: [0, 1].map(() => [pool({ inUse: 1, idle })]) });
	assert.equal(gist(counted(13), "close-wait-pile")?.severity, "note");
	assert.equal(gist(counted(5), "close-wait-pile")?.severity, "warning");
});

test("silent: few of them, those that pass, and a window too short to tell", () => {
	assert.equal(found(lasting(9), "close-wait-pile"), undefined);
	const passing = { sockets: [closeWait(30, 5, HTTP), closeWait(30, 5, HTTP, 51_000)] };
	assert.equal(found(passing, "close-wait-pile"), undefined);
	const becoming = { sockets: [times(30, (i) => dbSocket(41_000 + i, 5, HTTP)), closeWait(30, 5, HTTP)] };
	assert.equal(found(becoming, "close-wait-pile"), undefined);
	assert.equal(found({ ...lasting(30), windowMs: 2_000 }, "close-wait-pile"), undefined);
});

test("no sockets, or one sample of them: nothing is told", () => {
	assert.deepEqual(alarms({}), []);
	assert.equal(found({ sockets: [closeWait(30, 60_000, HTTP)] }, "close-wait-pile"), undefined);
});
