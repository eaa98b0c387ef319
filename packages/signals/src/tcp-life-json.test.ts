import assert from "node:assert/strict";
import { test } from "node:test";
import type { TcpLife, TcpPeer } from "./tcp-life.ts";
import { decodeTcpLife, encodeTcpLife } from "./tcp-life-json.ts";

const PEER: TcpPeer = {
	direction: "out",
	ip: "10.0.0.5",
	port: 5432,
	atStart: 2,
	atEnd: 3,
	kept: 1,
	opens: 4991,
	closedByUs: 4987,
	closedByPeer: 2,
	closedOtherwise: 1,
	unseen: 4800,
	unattributed: 0,
	foreign: 0,
	states: { ESTABLISHED: 2, CLOSE_WAIT: 1 },
	timeWait: { first: 11_000, last: 11_003, fresh: 4987, freshLooks: 10 },
	portsUsed: { first: 11_002, last: 11_006 },
};
const LIFE: TcpLife = {
	pid: 4711,
	route: "looks",
	spanMs: 10_013,
	looks: 11,
	pauseMsMax: 1_004,
	ephemeralPorts: { first: 32_768, last: 60_999 },
	abortedUnread: 17,
	peers: [PEER, { ...PEER, direction: "in", ip: "::1", port: 8080 }],
	peersLeftOut: 0,
	eventsLost: 0,
};

const bytesOf = (text: string) => new TextEncoder().encode(text);
const decodeText = (text: string) => decodeTcpLife(bytesOf(text));
const text = (life: TcpLife) => new TextDecoder().decode(encodeTcpLife(life));

test("it comes back as it was written, each peer with its offset", () => {
	const decoded = decodeTcpLife(encodeTcpLife(LIFE));
	assert.ok(decoded.kind === "decoded");
	assert.deepEqual(decoded.flaws, []);
	const { peers, ...head } = decoded.value;
	assert.deepEqual({ ...head, peers: peers.map(({ offset: _, ...peer }) => peer) }, LIFE);
	const written = text(LIFE);
	for (const { offset = -1, ip } of peers) {
		assert.ok(
			written.slice(offset).startsWith('{"direction"') && written.slice(offset, offset + 60).includes(ip),
		);
	}
	assert.deepEqual(decodeTcpLife(encodeTcpLife(decoded.value)), decoded, "an offset is never written");
});

test("without peers, and without a port range", () => {
	const { ephemeralPorts: _, ...rest } = LIFE;
	const bare = { ...rest, peers: [] };
	assert.deepEqual(decodeTcpLife(encodeTcpLife(bare)), { kind: "decoded", value: bare, flaws: [] });
});

test("cut at every byte: foreign, or whole peers and the cut told", () => {
	const bytes = encodeTcpLife(LIFE);
	let most = 0;
	for (let length = 0; length < bytes.length - 1; length++) {
		const decoded = decodeTcpLife(bytes.subarray(0, length));
		if (decoded.kind === "foreign") continue;
		assert.deepEqual(
			decoded.flaws.map(({ kind }) => kind),
			["truncated"],
			String(length),
		);
		const { peers } = decoded.value;
		assert.ok(peers.length >= most && peers.length <= 2);
		most = peers.length;
		assert.deepEqual(
			peers.map(({ ip }) => ip),
			LIFE.peers.slice(0, peers.length).map(({ ip }) => ip),
		);
	}
	assert.equal(most, 1);
});

test("a peer that lacks a count, or has an odd one, is left out with a flaw; the others stay", () => {
	const odd: readonly object[] = [
		{ ...PEER, opens: -1 },
		{ ...PEER, opens: "4" },
		{ ...PEER, kept: undefined },
		{ ...PEER, port: 70_000 },
		{ ...PEER, ip: "x".repeat(100) },
		{ ...PEER, direction: "up" },
		{ ...PEER, states: { FLYING: 1 } },
		{ ...PEER, states: { ESTABLISHED: -1 } },
		{ ...PEER, timeWait: { first: 1 } },
		{ ...PEER, portsUsed: [1, 2] },
	];
	const json = { schema: "plumbline.tcp-life/1", ...LIFE, peers: [...odd, null, 7, [], PEER] };
	const decoded = decodeText(JSON.stringify(json));
	assert.ok(decoded.kind === "decoded");
	assert.deepEqual(decoded.value.peers, [PEER]);
	assert.equal(decoded.flaws.length, odd.length + 3);
	for (const flaw of decoded.flaws) assert.match(flaw.why, /^expected .*, found /);
});

test("odd numbers in the head are flaws and count as none; an impossible port range is absent", () => {
	const json = { ...LIFE, schema: "plumbline.tcp-life/1", looks: "many", eventsLost: null };
	const decoded = decodeText(JSON.stringify({ ...json, ephemeralPorts: { first: 60_999, last: 32_768 } }));
	assert.ok(decoded.kind === "decoded");
	const { looks, eventsLost, ephemeralPorts, peers } = decoded.value;
	assert.deepEqual([looks, eventsLost, ephemeralPorts, peers.length], [0, 0, undefined, 2]);
	assert.equal(decoded.flaws.length, 3);
});

test("other bytes are foreign", () => {
	const other = [
		"",
		"null",
		"[]",
		"{}",
		'{"schema":"plumbline.tcp-life/1"}',
		'{"schema":"plumbline.tcp-life/1","peers":[]}',
		text(LIFE).replace("tcp-life/1", "tcp-life/2"),
		text(LIFE).replace('"looks"', '"dreams"'),
		text(LIFE).replace('"pid":4711', '"pid":-1'),
		"[".repeat(100_000),
		" ".repeat(9 << 20),
	];
	for (const one of other) assert.equal(decodeText(one).kind, "foreign", one.slice(0, 40));
});
