/** Against the running kernel: a child whose every connection we ordered. Needs no rights. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { makeConnections } from "./testing/connection-maker.ts";
import { peerAt, scene } from "./testing/tcp-life-scene.ts";

test("a client that keeps its connections opens and closes nothing", () =>
	scene(
		async ({ life, look, port }) => {
			await look();
			await look();
			const { direction, atStart, atEnd, kept, opens, closedByUs, states } = peerAt(life.result(), port);
			assert.deepEqual(
				{ direction, atStart, atEnd, kept },
				{ direction: "out", atStart: 7, atEnd: 7, kept: 7 },
			);
			assert.deepEqual(
				{ opens, closedByUs, states },
				{ opens: 0, closedByUs: 0, states: { ESTABLISHED: 7 } },
			);
		},
		{ before: "open 7" },
	));

test("opened under our eyes, then closed: counted once, with its TIME_WAIT", () =>
	scene(
		async ({ child, life, look, port }) => {
			await child.tell("open 5");
			await look();
			await child.tell("close 9");
			await look();
			const { atStart, atEnd, kept, opens, closedByUs, closedOtherwise, unseen, timeWait } = peerAt(
				life.result(),
				port,
			);
			// The oldest go first: the seven of the start, then two of the five.
			assert.deepEqual({ atStart, atEnd, kept, opens }, { atStart: 7, atEnd: 3, kept: 0, opens: 5 });
			assert.deepEqual(
				{ closedByUs, closedOtherwise, unseen },
				{ closedByUs: 9, closedOtherwise: 0, unseen: 0 },
			);
			assert.deepEqual(timeWait, { first: 0, last: 9, fresh: 9, freshLooks: 1 });
		},
		{ before: "open 7" },
	));

test("what lived between two looks is ours only where we were seen coming and going", () =>
	scene(async ({ child, life, look, port }) => {
		await child.tell("open 3");
		await look();
		await child.tell("churn 13");
		await look();
		// The oldest go first: three that were seen, and ten that were not; three are left.
		const alone = peerAt(life.result(), port);
		assert.deepEqual([alone.opens, alone.closedByUs, alone.unseen, alone.atEnd], [16, 13, 10, 3]);
		assert.equal(alone.unattributed, 0);
	}));

test("seen too rarely, the unseen are left to nobody", () =>
	scene(async ({ child, life, look, port }) => {
		await child.tell("open 2");
		await look();
		await child.tell("churn 13");
		await look();
		const peer = peerAt(life.result(), port);
		assert.deepEqual([peer.opens, peer.closedByUs, peer.unseen, peer.unattributed], [4, 2, 0, 11]);
	}));

test("a second client of the same peer leaves the unseen to nobody", () =>
	scene(async ({ child, life, look, port }) => {
		const other = await makeConnections(port);
		await other.tell("open 4");
		await child.tell("open 3");
		await look();
		await child.tell("close 3");
		await other.tell("churn 13");
		await look();
		const gone = peerAt(life.result(), port);
		await look();
		const stayed = peerAt(life.result(), port);
		await other.end();
		assert.deepEqual([gone.opens, gone.closedByUs, gone.unattributed], [3, 3, 13]);
		assert.deepEqual([stayed.foreign, stayed.unattributed], [4, 13]);
	}));

test("a second client that only stays takes nothing from what is ours", () =>
	scene(
		async ({ child, life, look, port }) => {
			const other = await makeConnections(port);
			await other.tell("open 1");
			await look();
			await look();
			await child.tell("churn 13");
			await look();
			const peer = peerAt(life.result(), port);
			await other.end();
			assert.deepEqual([peer.foreign, peer.opens, peer.closedByUs, peer.unattributed], [1, 13, 13, 0]);
		},
		{ before: "open 5" },
	));

test("closed by the peer: CLOSE_WAIT is seen, and it is not our close", () =>
	scene(
		async ({ life, look, served, port }) => {
			for (const socket of await served(3)) await once(socket.end(), "finish");
			await look();
			await look();
			const { closedByPeer, closedByUs, states } = peerAt(life.result(), port);
			assert.deepEqual({ closedByPeer, closedByUs }, { closedByPeer: 3, closedByUs: 0 });
			assert.deepEqual(states, { CLOSE_WAIT: 3 });
		},
		{ before: "open 3" },
	));
