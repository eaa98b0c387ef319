/** Whose connections are whose, when the socket table is text that somebody pasted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Signals } from "@plumbline/signals/signals";
import type { Socket } from "@plumbline/signals/sockets";
import { diagnose } from "./diagnose.ts";
import { serviceSessions } from "./session-history.ts";
import { socketOwners } from "./socket-owners.ts";
import { socketView } from "./sockets-view.ts";
import { dbSocket, idleInTx } from "./testing/lines.ts";
import { type Service, signalsOf } from "./testing/service.ts";
import { times } from "./testing/verdict.ts";

/** A row as `ss -tanp` gives it: no inode, perhaps a pid. */
function pasted(port: number, over: Partial<Socket> = {}): Socket {
	const { tcpInfo, cookie, ...row } = dbSocket(port, 0);
	return { ...row, inode: 0, ...over };
}

function looseFiles(service: Service, target: Signals["target"] = { files: ["ss.txt"] }): Signals {
	return { ...signalsOf(service), fds: [], process: [], target };
}

const orders = { pid: 4711, program: "orders" };
const audit = { pid: 4712, program: "audit" };
const table = (...sockets: Socket[]): Service => ({ sockets: [sockets] });

test("one process named: its rows; the others' and the ownerless are left out", () => {
	const signals = looseFiles(
		table(pasted(41_000, orders), pasted(41_001, { state: "TIME_WAIT" }), pasted(41_002, orders)),
	);
	assert.equal(socketOwners(signals)?.kind, "pid");
	assert.deepEqual(
		socketView(signals)?.last.map((o) => o.socket.localPort),
		[41_000, 41_002],
	);
});

test("several processes: the one asked for, else the one that has the sessions, else all and a note", () => {
	const two = table(pasted(41_000, orders), pasted(42_000, audit));
	const ports = (signals: Signals) => socketView(signals)?.last.map((o) => o.socket.localPort);
	assert.deepEqual(ports(looseFiles(two, { files: ["a"], pid: 4712 })), [42_000]);
	assert.deepEqual(ports(looseFiles({ ...two, sessions: [[idleInTx(42_000, 9_000)]] })), [42_000]);
	const unknown = looseFiles(two);
	assert.deepEqual(ports(unknown), [41_000, 42_000]);
	const gap = diagnose(unknown).gaps.find((g) => g.what === "whose the connections are");
	assert.equal(gap?.weight, "note");
	assert.match(gap?.why ?? "", /2 processes \(orders \(4711\), audit \(4712\)\), and nothing says which/);
});

test("no process named: the table as it is, and it says so; a live table of the host is not taken", () => {
	const bare = table(...times(3, (i) => pasted(41_000 + i)));
	const signals = looseFiles(bare);
	assert.equal(socketView(signals)?.last.length, 3);
	const { examined, gaps } = diagnose(signals);
	assert.match(examined.find((e) => e.line === "sockets")?.what ?? "", /3 connections of any process/);
	assert.match(gaps.map((g) => g.why).join(), /names no process: its rows are of the whole host/);
	assert.equal(socketView({ ...signals, target: { pid: 4711 } }), undefined);
});

test("sessions are joined to a pasted table with less confidence the less it tells", () => {
	const join = (over: Partial<Socket>, sessionPort = 41_000) => {
		const service = { ...table(pasted(41_000, over)), sessions: [[idleInTx(sessionPort, 9_000)]] };
		const joined = serviceSessions(looseFiles(service));
		return [joined?.ours.length, joined?.link.confidence];
	};
	assert.deepEqual(join(orders), [1, 0.9]);
	assert.deepEqual(join({}), [1, 0.7]);
	assert.deepEqual(join({ ...orders, localIp: "172.17.0.2" }), [1, 0.5]);
	assert.deepEqual(join({ localIp: "172.17.0.2" }), [1, 0.4]);
	assert.deepEqual(join(orders, 50_000), [0, 0]);
});

test("two pasted tables: connections without inodes are told apart by their addresses", () => {
	const closed = (port: number) =>
		pasted(port, { ...orders, state: "CLOSE_WAIT", recvQ: 1, peerIp: "10.9.9.9", peerPort: 443 });
	const pile = (last: (i: number) => number) =>
		diagnose(
			looseFiles({ sockets: [times(40, (i) => closed(41_000 + i)), times(40, (i) => closed(last(i)))] }),
		).findings.find((f) => f.id === "close-wait-pile");
	assert.equal(
		pile((i) => 51_000 + i),
		undefined,
	);
	const stayed = pile((i) => 41_000 + i);
	assert.equal(stayed?.count, 40);
	assert.ok((stayed?.confidence ?? 1) <= 0.7);
});
