/** Against the running kernel, with ss(8) as the independent witness. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import { type TestContext, test } from "node:test";
import type { Decoded } from "@plumbline/signals/decoded";
import type { Socket, SocketTable } from "@plumbline/signals/sockets";
import { decodeProcNetTcp } from "@plumbline/signals/sockets-proc-net-tcp";
import { decodeSockDiag } from "@plumbline/signals/sockets-sock-diag";
import { decodeSs } from "@plumbline/signals/sockets-ss";
import { readProcNetTcp } from "./proc-net-tcp.ts";
import { dumpSockets, LISTEN_STATE, type SockDiagDump, type SockDiagQuery } from "./sock-diag.ts";
import { runSs } from "./ss.ts";
import { holdSockets } from "./testing/socket-holder.ts";

const ROWS_MAX = 1_000_000;

/** Three ports of the holder: LISTEN 1, ESTABLISHED 10, CLOSE_WAIT 2, FIN_WAIT2 2, TIME_WAIT 3 each. */
const HELD = { LISTEN: 3, ESTABLISHED: 30, CLOSE_WAIT: 6, FIN_WAIT2: 6, TIME_WAIT: 9 };

function isMissing(t: TestContext, command: string): boolean {
	if (spawnSync(command, ["--version"]).error === undefined) return false;
	t.skip(`missing tool: ${command}`);
	return true;
}

function isUnprivileged(t: TestContext): boolean {
	if (process.geteuid?.() === 0) return false;
	t.skip("not possible here: not root, so no network namespace of its own");
	return true;
}

async function dump(query: Partial<SockDiagQuery> = {}): Promise<SockDiagDump> {
	const reading = await dumpSockets({ rowsMax: ROWS_MAX, ...query });
	assert.ok(reading.kind === "read", reading.kind === "refused" ? reading.why : "");
	return reading.value;
}

function rows(decoded: Decoded<SocketTable>): readonly Socket[] {
	assert.ok(decoded.kind === "decoded");
	assert.deepEqual(decoded.flaws, []);
	return decoded.value.sockets;
}

function countByState(sockets: readonly Socket[]): Record<string, number> {
	const counts: Record<string, number> = {};
	for (const { state } of sockets) counts[state] = (counts[state] ?? 0) + 1;
	return counts;
}

function ofPorts(sockets: readonly Socket[], ports: readonly number[]): readonly Socket[] {
	return sockets.filter((socket) => ports.includes(socket.localPort) || ports.includes(socket.peerPort));
}

function tuples(sockets: readonly Socket[]): string[] {
	return sockets
		.map(
			(s) =>
				`${s.state} ${s.localIp} ${s.localPort} ${s.peerIp} ${s.peerPort} ${s.recvQ} ${s.uid} ${s.inode}`,
		)
		.toSorted();
}

test("netlink, ss and procfs show the same sockets of a process, state by state", async (t) => {
	if (isMissing(t, "ss")) return;
	const holder = await holdSockets("ours");
	try {
		const byNetlink = ofPorts(rows(decodeSockDiag((await dump()).bytes)), holder.ports);
		const ss = await runSs({ bytesMax: 1 << 28 });
		const proc = await readProcNetTcp(holder.pid, { bytesMax: 1 << 28 });
		assert.ok(ss.kind === "read" && proc.kind === "read");
		assert.deepEqual(countByState(byNetlink), HELD);
		assert.deepEqual(tuples(byNetlink), tuples(ofPorts(rows(decodeSs(ss.value.bytes)), holder.ports)));
		assert.deepEqual(
			tuples(byNetlink),
			tuples(ofPorts(rows(decodeProcNetTcp(proc.value.bytes)), holder.ports)),
		);
	} finally {
		await holder.end();
	}
});

test("in another network namespace there is what ss sees there, and we are back home after", async (t) => {
	if (isUnprivileged(t) || isMissing(t, "ss") || isMissing(t, "nsenter")) return;
	const home = readlinkSync("/proc/thread-self/ns/net");
	const holder = await holdSockets("own");
	try {
		const inside = rows(decodeSockDiag((await dump({ namespaceOf: holder.pid })).bytes));
		const ss = await runSs({ bytesMax: 1 << 28 }, holder.pid);
		assert.ok(ss.kind === "read");
		assert.deepEqual(countByState(inside), HELD);
		assert.deepEqual(tuples(inside), tuples(rows(decodeSs(ss.value.bytes))));
		const ours = rows(decodeSockDiag((await dump()).bytes));
		assert.deepEqual(
			ofPorts(ours, holder.ports).filter((socket) => socket.state === "LISTEN"),
			[],
		);
		assert.equal(readlinkSync("/proc/thread-self/ns/net"), home);
	} finally {
		await holder.end();
	}
});

test("the kernel filters by state", async () => {
	const holder = await holdSockets("ours");
	try {
		const listening = rows(decodeSockDiag((await dump({ states: LISTEN_STATE })).bytes));
		assert.deepEqual(Object.keys(countByState(listening)), ["LISTEN"]);
		assert.equal(ofPorts(listening, holder.ports).length, 3);
	} finally {
		await holder.end();
	}
});

test("the row bound stops a dump and is told; the next dump is whole again", async () => {
	const holder = await holdSockets("ours");
	try {
		const cut = await dump({ rowsMax: 7 });
		assert.equal(cut.rows, 7);
		assert.match(cut.truncated ?? "", /bound of 7 sockets/);
		const decoded = decodeSockDiag(cut.bytes);
		assert.ok(decoded.kind === "decoded");
		assert.equal(decoded.value.sockets.length, 7);
		assert.equal((await dump()).truncated, undefined);
	} finally {
		await holder.end();
	}
});

test("an abort rejects, a dead process is refused in words", async () => {
	await assert.rejects(dumpSockets({ rowsMax: ROWS_MAX, signal: AbortSignal.abort() }), {
		name: "AbortError",
	});
	const refused = await dumpSockets({ rowsMax: ROWS_MAX, namespaceOf: 2 ** 22 + 1 });
	assert.ok(refused.kind === "refused");
	assert.match(refused.why, /does not exist/);
});

test("ss is bounded and its absence is told", async (t) => {
	if (isMissing(t, "ss")) return;
	const holder = await holdSockets("ours");
	const path = process.env.PATH;
	try {
		const cut = await runSs({ bytesMax: 100 });
		assert.ok(cut.kind === "read");
		assert.equal(cut.value.bytes.length, 100);
		assert.match(cut.value.truncated ?? "", /bound of 100 bytes/);
		process.env.PATH = "/nowhere";
		const absent = await runSs({ bytesMax: 100 });
		assert.deepEqual(absent, {
			kind: "refused",
			code: "unsupported",
			why: "ss is not installed (package iproute2)",
		});
		await assert.rejects(runSs({ bytesMax: 100, signal: AbortSignal.abort() }), { name: "AbortError" });
	} finally {
		process.env.PATH = path;
		await holder.end();
	}
});
