/** Netlink messages built by hand: round trip, and each flaw by its name. Real ones: sockets-routes.test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FLAWS_MAX } from "./decoded.ts";
import { decodeSockDiag } from "./sockets-sock-diag.ts";

interface Row {
	readonly state: number;
	readonly localPort: number;
	readonly peerPort: number;
	readonly inode: number;
	readonly cookie: bigint;
	readonly acked: bigint;
}

const DONE = message(3, new Uint8Array(4));

function message(type: number, payload: Uint8Array): Uint8Array {
	const length = 16 + payload.length;
	const bytes = new Uint8Array((length + 3) & ~3);
	const view = new DataView(bytes.buffer);
	view.setUint32(0, length, true);
	view.setUint16(4, type, true);
	bytes.set(payload, 16);
	return bytes;
}

/** A socket of 127.0.0.1 with an attribute of five bytes (padded to eight) before its tcp_info. */
function socketMessage(row: Row, infoBytes = 232): Uint8Array {
	const payload = new Uint8Array(72 + 8 + 4 + infoBytes);
	const view = new DataView(payload.buffer);
	payload[0] = 2;
	payload[1] = row.state;
	view.setUint16(4, row.localPort);
	view.setUint16(6, row.peerPort);
	view.setUint32(8, 0x7f000001);
	view.setUint32(24, 0x7f000001);
	view.setBigUint64(44, row.cookie, true);
	view.setUint32(68, row.inode, true);
	view.setUint16(72, 5, true);
	view.setUint16(74, 8, true);
	view.setUint16(80, 4 + infoBytes, true);
	view.setUint16(82, 2, true);
	if (infoBytes >= 136) view.setBigUint64(84 + 120, row.acked, true);
	return message(20, payload);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
	return new Uint8Array(Buffer.concat(parts));
}

const SOME: Row = { state: 1, localPort: 5432, peerPort: 40001, inode: 7, cookie: 9n, acked: 11n };

function decode(bytes: Uint8Array) {
	const decoded = decodeSockDiag(bytes);
	assert.ok(decoded.kind === "decoded");
	return { sockets: decoded.value.sockets, flaws: decoded.flaws };
}

test("whatever is put into messages comes out", () => {
	const port = fc.nat(65535);
	const word = fc.nat(0xffffffff);
	const long = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
	const anyRow = fc.record({
		state: fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12),
		localPort: port,
		peerPort: port,
		inode: word,
		cookie: long,
		acked: long,
	});
	fc.assert(
		fc.property(fc.array(anyRow, { maxLength: 20 }), (rows) => {
			const bytes = concat(...rows.map((row) => socketMessage(row)), DONE, DONE);
			const { sockets, flaws } = decode(bytes);
			assert.deepEqual(flaws, []);
			const back = sockets.map(({ localPort, peerPort, inode, cookie, tcpInfo }) => {
				return { localPort, peerPort, inode, cookie, acked: tcpInfo?.bytesAcked };
			});
			assert.deepEqual(
				back,
				rows.map(({ state: _, ...row }) => row),
			);
		}),
	);
});

test("random bytes after a good start never throw and never run away", () => {
	const good = socketMessage(SOME);
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 600 }), (noise) => {
			const { sockets } = decode(concat(good, noise));
			assert.equal(sockets[0]?.inode, 7);
		}),
	);
});

test("two empty dumps are a namespace without sockets, one is a truncation", () => {
	assert.deepEqual(decode(concat(DONE, DONE)), { sockets: [], flaws: [] });
	assert.equal(decode(DONE).flaws[0]?.kind, "truncated");
});

test("hostile: a length of zero does not loop", () => {
	const { sockets, flaws } = decode(concat(socketMessage(SOME), new Uint8Array(64)));
	assert.equal(sockets.length, 1);
	assert.match(flaws[0]?.why ?? "", /found length 0/);
});

test("hostile: a length beyond the end is a truncation at that message", () => {
	const good = socketMessage(SOME);
	const { flaws } = decode(concat(good, good.subarray(0, 40)));
	assert.deepEqual([flaws[0]?.kind, flaws[0]?.at], ["truncated", good.length]);
});

test("hostile: a socket message too short for a socket costs that row only", () => {
	const { sockets, flaws } = decode(
		concat(socketMessage(SOME), message(20, new Uint8Array(20)), socketMessage(SOME), DONE, DONE),
	);
	assert.equal(sockets.length, 2);
	assert.equal(flaws.length, 1);
});

test("hostile: unknown state, family and message type cost their row only", () => {
	const oddState = socketMessage({ ...SOME, state: 77 });
	const oddFamily = socketMessage(SOME);
	oddFamily[16] = 9;
	const { sockets, flaws } = decode(
		concat(socketMessage(SOME), oddState, oddFamily, message(99, new Uint8Array(4)), DONE, DONE),
	);
	assert.equal(sockets.length, 1);
	assert.equal(flaws.length, 3);
});

test("hostile: attribute lengths of 0 and beyond the message cost the tcp_info only", () => {
	for (const length of [0, 3, 65535]) {
		const bytes = socketMessage(SOME);
		new DataView(bytes.buffer).setUint16(16 + 72, length, true);
		const { sockets, flaws } = decode(concat(bytes, DONE, DONE));
		assert.equal(sockets[0]?.tcpInfo, undefined);
		assert.deepEqual(flaws, []);
	}
});

test("a tcp_info from before Linux 4.1 is left out", () => {
	assert.equal(decode(concat(socketMessage(SOME, 104), DONE, DONE)).sockets[0]?.tcpInfo, undefined);
});

test("a kernel without IPv6 is no flaw, a refusal is", () => {
	const refusal = (errno: number) => message(2, new Uint8Array(new Int32Array([-errno]).buffer));
	assert.deepEqual(decode(concat(DONE, refusal(2))).flaws, []);
	assert.match(decode(concat(DONE, refusal(13))).flaws[0]?.why ?? "", /errno 13/);
});

test("flaws are bounded and the rest is counted", () => {
	const bad = Array.from({ length: FLAWS_MAX + 30 }, () => message(99, new Uint8Array(4)));
	const { flaws } = decode(concat(DONE, DONE, ...bad));
	assert.equal(flaws.length, FLAWS_MAX);
	assert.match(flaws.at(-1)?.why ?? "", /and 30 more flaws/);
});
