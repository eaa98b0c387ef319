/** One contract for every way into the kernel, against connections we ordered and another process's at once. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { TRACE_WAYS, type TraceWay } from "./tcp-life-trace.ts";
import { type WatchedLife, watchTcpLife } from "./tcp-life-watch.ts";
import { makeConnections } from "./testing/connection-maker.ts";
import { accepted, peerAt, scene } from "./testing/tcp-life-scene.ts";

function isUntraced(t: TestContext, life: WatchedLife): boolean {
	if (life.untraced === undefined) return false;
	t.skip(`not possible here: ${life.untraced}`);
	return true;
}

for (const way of TRACE_WAYS) {
	test(`${way}: every connection counts, seen or not, and those of others do not`, (t) => countsOurs(t, way));
	test(`${way}: what was accepted counts when we close it or still hold it`, (t) => countsAccepted(t, way));
	test(`${way}: a reset is neither side's close, of an old connection and of a new one`, (t) =>
		countsResets(t, way));
}

function countsOurs(t: TestContext, way: TraceWay): Promise<void> {
	return scene(
		async ({ child, life, look, served, port }) => {
			if (isUntraced(t, life)) return;
			const other = await makeConnections(port);
			await Promise.all([child.tell("churn 137"), other.tell("churn 149")]);
			await other.end();
			await child.tell("open 5");
			const last = (await served(7 + 137 + 149 + 5)).at(-1);
			assert.ok(last !== undefined);
			await once(last.end(), "finish");
			await look();
			const { opens, closedByUs, closedByPeer, closedOtherwise, unseen, unattributed, atEnd } = peerAt(
				life.result(),
				port,
			);
			// Seven were there before: the oldest go first, so all seven and 130 of the 137.
			assert.deepEqual(
				{ opens, closedByUs, closedByPeer, closedOtherwise },
				{ opens: 142, closedByUs: 137, closedByPeer: 1, closedOtherwise: 0 },
			);
			assert.deepEqual({ unseen, unattributed, atEnd }, { unseen: 0, unattributed: 0, atEnd: 11 });
			assert.deepEqual([life.result().route, life.result().eventsLost], ["trace", 0]);
			assert.equal(life.traceNote?.startsWith("connections of MPTCP"), way === "bpf-untyped" || undefined);
		},
		{ before: "open 7", trace: [way] },
	);
}

async function countsAccepted(t: TestContext, way: TraceWay): Promise<void> {
	const served: Socket[] = [];
	const server = createServer((socket) => {
		served.push(socket.resume());
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const address = server.address();
	assert.ok(address !== null && typeof address === "object");
	const watched = await watchTcpLife(process.pid, { now: () => performance.now(), trace: [way] });
	assert.ok(watched.kind === "read");
	const life = watched.value;
	const client = await makeConnections(address.port);
	try {
		if (isUntraced(t, life)) return;
		await life.look(new AbortController().signal);
		await client.tell("open 3");
		await client.tell("churn 17");
		// The oldest go first. Ours is the second FIN, and must have been sent.
		for (const socket of (await accepted(server, served, 20)).slice(0, 17)) {
			if (!socket.closed) await once(socket, "close");
		}
		await life.look(new AbortController().signal);
		const { direction, opens, closedByPeer, closedByUs, atEnd } = peerAt(life.result(), address.port);
		assert.deepEqual(
			{ direction, opens, closedByPeer, closedByUs, atEnd },
			{ direction: "in", opens: 20, closedByPeer: 17, closedByUs: 0, atEnd: 3 },
		);
	} finally {
		life.close();
		await client.end();
		server.close();
	}
}

function countsResets(t: TestContext, way: TraceWay): Promise<void> {
	return scene(
		async ({ child, life, look, served, port }) => {
			if (isUntraced(t, life)) return;
			await child.tell("open 2");
			for (const socket of await served(5)) socket.resetAndDestroy();
			await look();
			const { opens, closedByUs, closedByPeer, closedOtherwise } = peerAt(life.result(), port);
			// Without types the old three have lost their port by then.
			const resets = way === "bpf-untyped" ? 2 : 5;
			assert.deepEqual(
				{ opens, closedByUs, closedByPeer, closedOtherwise },
				{ opens: 2, closedByUs: 0, closedByPeer: 0, closedOtherwise: resets },
			);
		},
		{ before: "open 3", trace: [way] },
	);
}

const AS_NOBODY = `
	const { traceTcpLife } = await import("./tcp-life-trace.ts");
	console.log(JSON.stringify(await traceTcpLife(process.pid)));
`;

test("where no way is open, every way's reason is told, and only once", (t) => {
	if (process.geteuid?.() !== 0) return t.skip("not possible here: not root, so nobody to become");
	const drop = ["--reuid", "65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"];
	const script = ["--input-type=module", "-e", AS_NOBODY];
	const child = spawnSync("setpriv", [...drop, process.execPath, ...script], {
		cwd: import.meta.dirname,
		encoding: "utf8",
	});
	const { code, why } = JSON.parse(child.stdout);
	assert.equal(code, "denied");
	assert.match(why, /^making BPF map .*; missing: CAP_BPF and CAP_PERFMON .*; .*(tracefs|tracing)/);
	assert.equal(why.split("CAP_PERFMON").length, 2, why);
});
