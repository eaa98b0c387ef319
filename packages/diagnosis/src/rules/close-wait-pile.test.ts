import assert from "node:assert/strict";
import { test } from "node:test";
import { diagnose } from "../diagnose.ts";
import { closed, closeWait, growing, HTTP, lasting, told } from "../testing/close-wait.ts";
import { dbSocket, pool } from "../testing/lines.ts";
import { signalsOf } from "../testing/service.ts";
import { alarms, found, gist, times } from "../testing/verdict.ts";

test("thirteen sockets in CLOSE_WAIT at both ends of the window, and more come: with their peer and age", () => {
	const leak = growing(13, closed(2, 10));
	const finding = found(leak, "close-wait-pile");
	assert.deepEqual([finding?.count, finding?.severity, finding?.level], [13, "warning", "suspected"]);
	assert.match(finding?.title ?? "", /^13 connections with 10\.0\.0\.9:8080 closed by the peer/);
	assert.match(finding?.story ?? "", /the oldest for 14 min; 2 more came that had been in use just before$/);
	assert.deepEqual(alarms(leak), ["close-wait-pile"]);
});

test("answers that nobody has read: a leak, though no more come; a farewell is no answer", () => {
	const unread = lasting(13, { ...HTTP, recvQ: 60_001 });
	assert.deepEqual(alarms(unread), ["close-wait-pile"]);
	assert.match(
		found(unread, "close-wait-pile")?.story ?? "",
		/; 13 of them hold bytes that nobody has read$/,
	);
	assert.deepEqual(alarms(lasting(13, { ...HTTP, recvQ: 25 })), [], "close_notify of TLS");
});

test("silent: half closed by the peer, and we still send: tunnels, clients that have asked all", () => {
	const listener = dbSocket(8_080, 0, { state: "LISTEN", inode: 7, peerIp: "0.0.0.0", peerPort: 0 });
	const halves = (sentMs: number) =>
		closeWait(30, 60_000).map((s, i) => {
			return told({ ...s, localPort: 8_080, peerPort: 50_000 + i }, { lastDataSentMs: sentMs });
		});
	const service = (sentMs: number) => ({ sockets: [0, 1].map(() => [listener, ...halves(sentMs)]) });
	assert.equal(found(service(40), "close-wait-pile"), undefined);
	assert.equal(found(service(9_999), "close-wait-pile"), undefined);
	assert.deepEqual(alarms(service(10_000)), ["close-wait-pile"]);
	const dialled = lasting(30).sockets?.map((all) => all.map((s) => told(s, { lastDataSentMs: 40 }))) ?? [];
	assert.equal(found({ sockets: dialled }, "close-wait-pile"), undefined);
});

test("where the kernel was not asked whether we still send, it is noted", () => {
	const listener = dbSocket(8_080, 0, { state: "LISTEN", inode: 7, peerIp: "0.0.0.0", peerPort: 0 });
	const accepted = closeWait(11, 60_000).map(({ tcpInfo: _, ...socket }, i) => {
		return { ...socket, localPort: 8_080, peerPort: 50_000 + i };
	});
	const service = { sockets: [0, 1].map(() => [listener, ...accepted]) };
	assert.equal(gist(service, "close-wait-pile")?.severity, "note");
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

test("at a database more than the pool has idle is a leak", () => {
	const toDatabase = lasting(13, {});
	const counted = (idle: number) => ({ ...toDatabase, pools: [0, 1].map(() => [pool({ inUse: 1, idle })]) });
	assert.equal(gist(counted(5), "close-wait-pile")?.severity, "warning");
	assert.equal(gist(counted(13), "close-wait-pile"), undefined);
	assert.equal(gist(toDatabase, "close-wait-pile"), undefined);
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
