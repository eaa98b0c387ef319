import assert from "node:assert/strict";
import { test } from "node:test";
import type { Socket } from "@plumbline/signals/sockets";
import { closed, closeWait, growing, HTTP, lasting, told } from "../testing/close-wait.ts";
import { dbSocket, pool } from "../testing/lines.ts";
import { alarms, found, gist } from "../testing/verdict.ts";

const REDIS = { peerIp: "10.0.0.6", peerPort: 6_379 };

test("idle connections of a pool that the server timed out are noted as that, and as nothing else", () => {
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
		const finding = found(service, "server-closed-idle");
		assert.deepEqual([finding?.severity, finding?.level, finding?.count], ["note", "suspected", 12]);
		assert.equal(finding?.title, "12 idle connections with 10.0.0.6:6379 that the peer has closed");
		assert.match(finding?.stop.join() ?? "", /^nothing needs to be done at once/);
		assert.match(finding?.holderGap ?? "", /see which pool keeps idle connections with 10\.0\.0\.6:6379/);
		assert.equal(found(service, "close-wait-pile"), undefined);
	}
});

test("a pile that leaks beside it is told as well", () => {
	const [first = [], last = []] = lasting(12, REDIS).sockets ?? [];
	const [before = [], after = []] = growing(10, closed(2, 10)).sockets ?? [];
	const moved = (sockets: readonly Socket[]) => sockets.map((s) => ({ ...s, inode: s.inode + 30_000 }));
	const sockets = [
		[...first, ...moved(before)],
		[...last, ...moved(after)],
	];
	assert.match(
		found({ sockets }, "close-wait-pile")?.title ?? "",
		/10\.0\.0\.9:8080 closed by the peer and not by/,
	);
	assert.equal(gist({ sockets }, "server-closed-idle")?.count, 12);
});

test("at a database the pool's own count confirms it, unless it has fewer idle", () => {
	const farewell = lasting(13, { recvQ: 117 });
	const counted = (idle: number) => ({ ...farewell, pools: [0, 1].map(() => [pool({ inUse: 1, idle })]) });
	const finding = found(counted(13), "server-closed-idle");
	assert.deepEqual([finding?.level, finding?.severity, finding?.confidence], ["confirmed", "note", 0.9]);
	assert.match(finding?.story ?? "", /13 of them hold a few bytes of farewell; the pool counts as many idle/);
	assert.equal(gist(farewell, "server-closed-idle")?.level, "suspected");
	assert.equal(found(counted(5), "server-closed-idle"), undefined);
});

test("silent: a leak, those that others opened, few, or nobody asked the kernel", () => {
	assert.equal(found(lasting(13, { ...HTTP, recvQ: 60_001 }), "server-closed-idle"), undefined);
	assert.equal(found(growing(13, closed(2, 10)), "server-closed-idle"), undefined);
	const listener = dbSocket(8_080, 0, { state: "LISTEN", inode: 7, peerIp: "0.0.0.0", peerPort: 0 });
	const accepted = closeWait(11, 60_000).map((s, i) => ({ ...s, localPort: 8_080, peerPort: 50_000 + i }));
	const service = { sockets: [0, 1].map(() => [listener, ...accepted]) };
	assert.equal(found(service, "server-closed-idle"), undefined);
	assert.equal(found(lasting(9, REDIS), "server-closed-idle"), undefined);
	const blind = lasting(12, REDIS).sockets?.map((all) => all.map(({ tcpInfo: _, ...s }) => s)) ?? [];
	assert.equal(gist({ sockets: blind }, "server-closed-idle"), undefined);
	assert.equal(gist({ sockets: blind }, "close-wait-pile")?.severity, "note");
});

test("without sockets nothing is told", () => {
	assert.deepEqual(alarms({}), []);
	assert.equal(found({ pools: [0, 1].map(() => [pool({ idle: 13 })]) }, "server-closed-idle"), undefined);
});
