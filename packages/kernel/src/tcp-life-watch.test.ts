/** Against the running kernel: a child whose every connection we ordered. Needs no rights. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import type { TcpLife, TcpPeer } from "@plumbline/signals/tcp-life";
import { type WatchedLife, watchTcpLife } from "./tcp-life-watch.ts";
import { type ConnectionMaker, makeConnections } from "./testing/connection-maker.ts";

interface Scene {
	readonly child: ConnectionMaker;
	readonly life: WatchedLife;
	readonly look: () => Promise<void>;
	/** The server's ends, once it has accepted so many. */
	readonly served: (count: number) => Promise<readonly Socket[]>;
	readonly port: number;
}

/** A server of ours, a child that is its only client, and one look before anything happens. */
async function scene(
	play: (scene: Scene) => Promise<void>,
	{ before = "", trace = false } = {},
): Promise<void> {
	const served: Socket[] = [];
	// The server's end answers a FIN with its own, and sends the first only when a test wants it to.
	const server = createServer((socket) => {
		served.push(socket.resume());
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const address = server.address();
	assert.ok(address !== null && typeof address === "object");
	const child = await makeConnections(address.port);
	let watching: WatchedLife | undefined;
	try {
		if (before !== "") await child.tell(before);
		const watched = await watchTcpLife(child.pid, { now: () => performance.now(), trace });
		assert.ok(watched.kind === "read");
		const life = watched.value;
		watching = life;
		const look = async () => {
			const looked = await life.look(new AbortController().signal);
			assert.ok(looked.kind === "read", looked.kind === "refused" ? looked.why : "");
		};
		await look();
		await play({
			child,
			life,
			look,
			served: (count) => accepted(server, served, count),
			port: address.port,
		});
	} finally {
		watching?.close();
		await child.end();
		server.close();
	}
}

async function accepted(
	server: Server,
	served: readonly Socket[],
	count: number,
): Promise<readonly Socket[]> {
	while (served.length < count) await once(server, "connection");
	return served;
}

function peerAt(life: TcpLife, port: number): TcpPeer {
	const peer = life.peers.find((one) => one.port === port);
	assert.ok(peer !== undefined, JSON.stringify(life.peers));
	return peer;
}

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

function isUntraced(t: TestContext): boolean {
	if (process.geteuid?.() === 0) return false;
	t.skip("not possible here: not root, so no trace events");
	return true;
}

test("traced, every connection counts, seen or not, and those of others do not", async (t) => {
	if (isUntraced(t)) return;
	await scene(
		async ({ child, life, look, served, port }) => {
			if (life.untraced !== undefined) return t.skip(`not possible here: ${life.untraced}`);
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
				{
					opens: 142,
					closedByUs: 137,
					closedByPeer: 1,
					closedOtherwise: 0,
				},
			);
			assert.deepEqual({ unseen, unattributed, atEnd }, { unseen: 0, unattributed: 0, atEnd: 11 });
			assert.deepEqual([life.result().route, life.result().eventsLost], ["trace", 0]);
		},
		{ before: "open 7", trace: true },
	);
});

test("traced, the server's side counts what it accepted when it closes it or still holds it", async (t) => {
	if (isUntraced(t)) return;
	const served: Socket[] = [];
	const server = createServer((socket) => {
		served.push(socket.resume());
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const address = server.address();
	assert.ok(address !== null && typeof address === "object");
	const watched = await watchTcpLife(process.pid, { now: () => performance.now(), trace: true });
	assert.ok(watched.kind === "read");
	const life = watched.value;
	const client = await makeConnections(address.port);
	try {
		if (life.untraced !== undefined) return t.skip(`not possible here: ${life.untraced}`);
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
			{
				direction: "in",
				opens: 20,
				closedByPeer: 17,
				closedByUs: 0,
				atEnd: 3,
			},
		);
	} finally {
		life.close();
		await client.end();
		server.close();
	}
});
