/** The collector on real sockets: every route, another namespace, missing rights, processes that end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readProcessStat } from "@plumbline/kernel/process-stat";
import { holdSockets } from "@plumbline/kernel/testing/socket-holder";
import type { Part } from "@plumbline/signals/capture";
import type { FdTable, Socket, SocketTable } from "@plumbline/signals/sockets";
import { decodeFdTable } from "@plumbline/signals/sockets-fd-table";
import { decodeProcNetTcp } from "@plumbline/signals/sockets-proc-net-tcp";
import { decodeSockDiag } from "@plumbline/signals/sockets-sock-diag";
import { decodeSs } from "@plumbline/signals/sockets-ss";
import { systemClock } from "./clock.ts";
import { collectSockets, type SocketRoute } from "./sockets.ts";
import { type Recording, recordingOf } from "./testing/recording.ts";

const ROUTES: readonly (readonly [SocketRoute, string])[] = [
	["sock-diag", "sock-diag.bin"],
	["ss", "ss.txt"],
	["proc-net-tcp", "proc-net-tcp.txt"],
];
const NOBODY = 65534;
/** 3 ports: a listener, 5 pairs, and 2 pairs half closed; TIME_WAIT has no owner any more. */
const OWN_ROWS = 3 * (1 + 10 + 4);

function tableOf(part: Part): SocketTable {
	const decoders = { "sock-diag": decodeSockDiag, ss: decodeSs, "proc-net-tcp": decodeProcNetTcp };
	const decoded = decoders[part.format as keyof typeof decoders](part.bytes);
	assert.ok(decoded.kind === "decoded");
	assert.deepEqual(decoded.flaws, []);
	return decoded.value;
}

function ownersOf(recording: Recording, sample: number): FdTable["byInode"] {
	const decoded = decodeFdTable(recording.part(`fds.${sample}.tsv`).bytes);
	assert.ok(decoded.kind === "decoded");
	assert.deepEqual(decoded.flaws, []);
	return decoded.value.byInode;
}

/** Rows the process holds, as text that does not depend on the route. */
function ownRows(sockets: readonly Socket[], owners: FdTable["byInode"]): string[] {
	return sockets
		.filter((socket) => owners.has(socket.inode))
		.map((s) => `${s.state} ${s.localIp}:${s.localPort} ${s.peerIp}:${s.peerPort} recvQ=${s.recvQ}`)
		.toSorted();
}

for (const namespace of ["ours", "own"] as const) {
	test(`every route gives the same sockets of a process in ${namespace} namespace`, async (t) => {
		if (namespace === "own" && process.geteuid?.() !== 0) {
			t.skip("not possible here: not root, so no network namespace of its own");
			return;
		}
		const holder = await holdSockets(namespace);
		t.after(holder.end);
		const byRoute: string[][] = [];
		for (const [sample, [route, extension]] of ROUTES.entries()) {
			const recording = await recordingOf((recorder) =>
				collectSockets(recorder, { pid: holder.pid, sample, routes: [route] }),
			);
			assert.deepEqual(recording.gaps, []);
			const part = recording.part(`sockets.${sample}.${extension}`);
			assert.equal(part.format, route);
			assert.notEqual(part.source, "");
			byRoute.push(ownRows(tableOf(part).sockets, ownersOf(recording, sample)));
		}
		assert.equal(byRoute[0]?.length, OWN_ROWS);
		assert.deepEqual(byRoute[1], byRoute[0]);
		assert.deepEqual(byRoute[2], byRoute[0]);
	});
}

test("the first route that works is taken, and why not a better one is noted", async (t) => {
	const holder = await holdSockets("ours");
	const path = process.env.PATH;
	t.after(async () => {
		process.env.PATH = path;
		await holder.end();
	});
	process.env.PATH = "/nowhere";
	const recording = await recordingOf((recorder) =>
		collectSockets(recorder, { pid: holder.pid, sample: 1, routes: ["ss", "proc-net-tcp"] }),
	);
	assert.equal(recording.part("sockets.1.proc-net-tcp.txt").format, "proc-net-tcp");
	assert.deepEqual(recording.gaps, [
		{
			line: "sockets",
			what: "socket details",
			why: "read by proc-net-tcp, without timers and byte counts, since ss: ss is not installed (package iproute2)",
			weight: "note",
		},
	]);
	const none = await recordingOf((recorder) =>
		collectSockets(recorder, { pid: holder.pid, sample: 1, routes: ["ss"] }),
	);
	assert.deepEqual(none.gaps[0], {
		line: "sockets",
		what: "sockets",
		why: "ss: ss is not installed (package iproute2)",
		weight: "loss",
	});
});

test("without the right to look into the process: its sockets without owners, and what right is missing", async (t) => {
	if (process.geteuid?.() !== 0) {
		t.skip("not possible here: not root, so no other user to be");
		return;
	}
	const holder = await holdSockets("ours");
	t.after(holder.end);
	process.seteuid?.(NOBODY);
	let recording: Recording;
	try {
		recording = await recordingOf((recorder) => collectSockets(recorder, { pid: holder.pid, sample: 0 }));
	} finally {
		process.seteuid?.(0);
	}
	const { sockets } = tableOf(recording.part("sockets.0.proc-net-tcp.txt"));
	assert.ok(sockets.some((socket) => socket.localPort === holder.ports[0] && socket.state === "LISTEN"));
	const owners = recording.gaps.find((gap) => gap.what === "socket owners");
	assert.equal(owners?.weight, "loss");
	assert.match(
		owners?.why ?? "",
		/no right to read \/proc\/\d+\/fd: it runs as uid 0, plumbline as uid 65534/,
	);
	assert.match(owners?.why ?? "", /CAP_DAC_READ_SEARCH: sudo plumbline diagnose --pid \d+$/);
});

test("as the service's own user all is there, without root", async (t) => {
	if (process.geteuid?.() !== 0) {
		t.skip("not possible here: not root, so no other user to be");
		return;
	}
	// That user may not be allowed to read this very checkout.
	const holder = await holdSockets("ours", NOBODY).catch(() => undefined);
	if (holder === undefined) {
		t.skip("not possible here: uid 65534 may not read this checkout");
		return;
	}
	t.after(holder.end);
	process.seteuid?.(NOBODY);
	let recording: Recording;
	try {
		recording = await recordingOf((recorder) => collectSockets(recorder, { pid: holder.pid, sample: 0 }));
	} finally {
		process.seteuid?.(0);
	}
	assert.deepEqual(recording.gaps, []);
	const { sockets } = tableOf(recording.part("sockets.0.sock-diag.bin"));
	assert.equal(ownRows(sockets, ownersOf(recording, 0)).length, OWN_ROWS);
});

test("no such process, and one that has ended", async () => {
	const nobody = await recordingOf((recorder) => collectSockets(recorder, { pid: 2 ** 22 + 1, sample: 0 }));
	assert.deepEqual(nobody.parts, []);
	assert.deepEqual(nobody.gaps, [
		{ line: "sockets", what: "sockets", why: "no process 4194305 on this host", weight: "loss" },
	]);
	const holder = await holdSockets("ours");
	await holder.end();
	const ended = await recordingOf((recorder) => collectSockets(recorder, { pid: holder.pid, sample: 0 }));
	assert.match(ended.gaps[0]?.why ?? "", new RegExp(`no process ${holder.pid} on this host`));
});

test("a process that ends between its table and its descriptors leaves a gap that says so", async () => {
	const holder = await holdSockets("ours");
	let stamps = 0;
	const killAtThirdStamp = {
		now() {
			// Start and end of the table, then the start of the descriptors.
			if (++stamps === 3) {
				process.kill(holder.pid, "SIGKILL");
				while (readProcessStat(holder.pid).kind === "read");
			}
			return systemClock.now();
		},
	};
	const recording = await recordingOf(
		(recorder) => collectSockets(recorder, { pid: holder.pid, sample: 0 }),
		killAtThirdStamp,
	);
	await holder.end();
	assert.deepEqual(
		recording.parts.map((part) => part.name),
		["sockets.0.sock-diag.bin"],
	);
	assert.equal(recording.gaps.length, 1);
	assert.match(recording.gaps[0]?.why ?? "", /^process \d+ \(.+\) exited while it was examined$/);
});

test("an abort is passed on", async () => {
	await assert.rejects(
		recordingOf((recorder) =>
			collectSockets(recorder, { pid: process.pid, sample: 0, signal: AbortSignal.abort() }),
		),
		{ name: "AbortError" },
	);
});
