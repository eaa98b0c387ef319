/** Against this very process: what it opens while it is captured. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { decodeTcpLife } from "@plumbline/signals/tcp-life-json";
import { ConnectionLife } from "./tcp-life.ts";
import { recordingOf } from "./testing/recording.ts";

const NEVER = new AbortController().signal;

async function dialNobodysPort(t: TestContext): Promise<{ port: number; dial: () => Promise<Socket> }> {
	const server = createServer((socket) => socket.resume());
	server.listen(0, "127.0.0.1");
	t.after(() => server.close());
	await once(server, "listening");
	const address = server.address();
	assert.ok(address !== null && typeof address === "object");
	const { port } = address;
	const dial = async () => {
		const socket = connect(port, "127.0.0.1");
		t.after(() => socket.destroy());
		const accepted = once(server, "connection");
		await once(socket, "connect");
		await accepted;
		return socket;
	};
	return { port, dial };
}

test("begun before and ended after: one part with both ends of each connection, and nothing left behind", async (t) => {
	const { port, dial } = await dialNobodysPort(t);
	await dial();
	const recording = await recordingOf(async (recorder) => {
		const life = new ConnectionLife(recorder, { pid: process.pid, trace: false });
		await life.begin(NEVER);
		await dial();
		await dial();
		await life.end(4, NEVER);
		await life.close();
	});
	assert.deepEqual(recording.gaps, []);
	const part = recording.part("tcp-life.json");
	assert.deepEqual([part.format, part.sample], ["tcp-life", 4]);
	const decoded = decodeTcpLife(part.bytes);
	assert.ok(decoded.kind === "decoded");
	assert.deepEqual(decoded.flaws, []);
	// This process is its own server: it has both ends.
	const seen = decoded.value.peers.filter((peer) => peer.port === port);
	assert.deepEqual(
		seen
			.map(({ direction, atStart, opens, atEnd }) => ({ direction, atStart, opens, atEnd }))
			.toSorted((a) => (a.direction === "in" ? -1 : 1)),
		["in", "out"].map((direction) => ({ direction, atStart: 1, opens: 2, atEnd: 3 })),
	);
	assert.equal(decoded.value.looks, 2);
});

test("between the ends it looks until told to stop", async () => {
	const stop = new AbortController();
	const recording = await recordingOf(async (recorder) => {
		const life = new ConnectionLife(recorder, { pid: process.pid, trace: false });
		await life.begin(NEVER);
		const between = life.between({ until: stop.signal, signal: NEVER, windowMs: 1000 });
		stop.abort();
		await between;
		await life.end(1, NEVER);
	});
	assert.equal(recording.parts.length, 1);
});

test("a process that does not exist, or ends: a note that says so, and no part", async () => {
	const { parts, gaps } = await recordingOf(async (recorder) => {
		const life = new ConnectionLife(recorder, { pid: 2 ** 22 + 1, trace: false });
		await life.begin(NEVER);
		await life.end(1, NEVER);
	});
	assert.deepEqual(parts, []);
	assert.deepEqual(
		gaps.map(({ line, what, weight }) => ({ line, what, weight })),
		[{ line: "sockets", what: "life of connections", weight: "note" }],
	);
	assert.match(gaps[0]?.why ?? "", /no process 4194305/);
});
