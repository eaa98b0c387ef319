import assert from "node:assert/strict";
import { test } from "node:test";
import type { Socket, TcpInfo } from "@plumbline/signals/sockets";
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

/** `n` at both ends, and `more` at the end. */
function growing(n: number, more: readonly Socket[], over: Partial<Socket> = HTTP): Service {
	const [first = [], last = []] = lasting(n, over).sockets ?? [];
	return { sockets: [first, [...last, ...more]] };
}

/** Carried their last byte 6 s before the end; the peer closed `afterMs` later. */
function closed(n: number, afterMs: number, over: Partial<Socket> = HTTP): Socket[] {
	return closeWait(n, 6_000, over, 52_000).map((s) => told(s, { lastAckRecvMs: 6_000 - afterMs }));
}

function told({ tcpInfo, ...socket }: Socket, over: Partial<TcpInfo>): Socket {
	assert.ok(tcpInfo);
	return { ...socket, tcpInfo: { ...tcpInfo, ...over } };
}

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

test("idle connections of a pool that the server timed out are noted as that", () => {
	const REDIS = { peerIp: "10.0.0.6", peerPort: 6_379 };
	const pools = [
		lasting(12, { ...REDIS, recvQ: 1 }),
		// It times out one after another, each five minutes after its last use.
		growing(
			12,
			closeWait(5, 300_000, REDIS, 52_000).map((s) => told(s, { lastAckRecvMs: 3_000 })),
			REDIS,
		),
		growing(12, closed(9, 5_500, REDIS), REDIS),
		growing(12, closed(1, 10, REDIS), REDIS),
	];
	for (const service of pools) {
		const finding = found(service, "close-wait-pile");
		assert.deepEqual([finding?.severity, finding?.count], ["note", 12]);
		assert.equal(finding?.title, "12 idle connections with 10.0.0.6:6379 that the peer has closed");
		assert.match(finding?.stop.join() ?? "", /^nothing needs to be done at once/);
		assert.match(finding?.holderGap ?? "", /see which pool keeps idle connections with 10\.0\.0\.6:6379/);
	}
	const [first = [], last = []] = lasting(12, REDIS).sockets ?? [];
	const [before = [], after = []] = growing(10, closed(2, 10)).sockets ?? [];
	const moved = (sockets: readonly Socket[]) => sockets.map((s) => ({ ...s, inode: s.inode + 30_000 }));
	const both = {
		sockets: [
			[...first, ...moved(before)],
			[...last, ...moved(after)],
		],
	};
	assert.match(found(both, "close-wait-pile")?.title ?? "", /10\.0\.0\.9:8080 closed by the peer and not by/);
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
