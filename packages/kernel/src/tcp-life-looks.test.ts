/** Connections of three owners on paper, looked at after every change, against a model that counts the changes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Socket, TcpState } from "@plumbline/signals/sockets";
import fc from "fast-check";
import { ConnectionLooks } from "./tcp-life-looks.ts";

type Owner = "ours" | "theirs";

interface Paper {
	readonly owner: Owner;
	readonly row: Socket;
}

const PEER = { peerIp: "10.0.0.9", peerPort: 8080 };

function row(id: number, state: TcpState, over: Partial<Socket> = {}): Socket {
	return {
		state,
		localIp: "10.0.0.7",
		localPort: 40_000 + id,
		...PEER,
		recvQ: 0,
		sendQ: 0,
		uid: 0,
		inode: id + 1,
		cookie: BigInt(id + 1),
		offset: 0,
		...over,
	};
}

function lookAt(looks: ConnectionLooks, papers: Iterable<Paper>): void {
	const all = [...papers];
	const own = new Set(all.filter(({ owner }) => owner === "ours").map((p) => p.row.inode));
	own.delete(0);
	const rows = all.map((p) => p.row);
	const isTimeWait = ({ state }: Socket) => state === "TIME_WAIT";
	looks.look(
		rows.filter((r) => !isTimeWait(r)),
		own,
		rows.filter(isTimeWait),
	);
}

const STEPS = ["open", "closeByUs", "closeByPeer", "reset", "expire"] as const;

test("looked at after every change, every open and close is counted as it was", () => {
	const step = fc.record({
		do: fc.constantFrom(...STEPS),
		owner: fc.constantFrom<Owner>("ours", "theirs"),
		which: fc.nat(30),
	});
	fc.assert(
		fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
			const looks = new ConnectionLooks(() => true);
			const papers = new Map<number, Paper>();
			const counts = { opens: 0, closedByUs: 0, closedByPeer: 0, closedOtherwise: 0 };
			lookAt(looks, []);
			for (const { do: what, owner, which } of steps) {
				const id = [...papers.keys()].filter((n) => papers.get(n)?.owner === owner)[which % 7];
				const paper = id === undefined ? undefined : papers.get(id);
				const mine = owner === "ours" ? 1 : 0;
				if (what === "open") {
					const next = Math.max(-1, ...papers.keys()) + 1 + which;
					papers.set(next, { owner, row: row(next, "ESTABLISHED") });
					counts.opens += mine;
				} else if (id !== undefined && paper?.row.state === "ESTABLISHED") {
					if (what === "closeByUs") {
						papers.set(id, { owner, row: { ...paper.row, state: "TIME_WAIT", inode: 0 } });
						counts.closedByUs += mine;
					} else if (what === "closeByPeer") {
						papers.set(id, { owner, row: { ...paper.row, state: "CLOSE_WAIT" } });
						counts.closedByPeer += mine;
					} else if (what === "reset") {
						papers.delete(id);
						counts.closedOtherwise += mine;
					}
				} else if (id !== undefined && what === "expire") papers.delete(id);
				lookAt(looks, papers.values());
			}
			const ours = [...papers.values()].filter((p) => p.owner === "ours");
			const open = ours.filter((p) => p.row.state === "ESTABLISHED").length;
			const [peer] = looks.result().peers;
			const { opens = 0, closedByUs = 0, closedByPeer = 0, closedOtherwise = 0, atEnd = 0 } = peer ?? {};
			// Others' connections that a single look saw before they ended may be anybody's, and are nobody's.
			assert.deepEqual({ opens, closedByUs, closedByPeer, closedOtherwise }, counts);
			assert.equal(atEnd, open);
			assert.equal(peer?.unseen ?? 0, 0);
		}),
	);
});

test("accepted connections count for the port we listen on, whatever ports their clients have", () => {
	const looks = new ConnectionLooks(() => true);
	const listener = {
		owner: "ours",
		row: row(900, "LISTEN", { localPort: 80, peerIp: "0.0.0.0", peerPort: 0 }),
	} as const;
	const accepted = (id: number, state: TcpState = "ESTABLISHED", inode = id + 1) =>
		({ owner: "ours", row: row(id, state, { localPort: 80, peerPort: 50_000 + id, inode }) }) as const;
	lookAt(looks, [listener, accepted(1), accepted(2)]);
	lookAt(looks, [
		listener,
		accepted(1),
		accepted(2, "TIME_WAIT", 0),
		accepted(3),
		accepted(4, "TIME_WAIT", 0),
	]);
	const [peer, ...others] = looks.result().peers;
	assert.deepEqual(others, []);
	assert.deepEqual([peer?.direction, peer?.ip, peer?.port], ["in", "10.0.0.7", 80]);
	assert.deepEqual([peer?.atStart, peer?.atEnd, peer?.kept, peer?.opens], [2, 2, 1, 2]);
	// The listener is ours: nobody else can have closed the one that no look saw alive.
	assert.deepEqual([peer?.closedByUs, peer?.unseen], [2, 1]);
});

test("ports towards a peer are counted whoever holds them, from the busiest local address", () => {
	const looks = new ConnectionLooks((port) => port >= 40_000);
	const papers = [
		{ owner: "ours", row: row(1, "ESTABLISHED") },
		{ owner: "theirs", row: row(2, "ESTABLISHED") },
		{ owner: "theirs", row: row(3, "TIME_WAIT", { inode: 0 }) },
		{ owner: "theirs", row: row(4, "ESTABLISHED", { localIp: "10.0.0.8" }) },
		{ owner: "theirs", row: row(5, "ESTABLISHED", { localPort: 1234 }) },
	] as const;
	lookAt(looks, papers);
	const [peer] = looks.result().peers;
	assert.deepEqual(peer?.portsUsed, { first: 3, last: 3 });
	assert.deepEqual(peer?.timeWait, { first: 1, last: 1, fresh: 0, freshLooks: 0 });
	assert.deepEqual(peer?.states, { ESTABLISHED: 1 });
});

test("a connect that never succeeds is no open; what was half closed before us is none of this window's", () => {
	const looks = new ConnectionLooks(() => true);
	const closing = { owner: "ours", row: row(1, "CLOSE_WAIT") } as const;
	lookAt(looks, [closing]);
	lookAt(looks, [closing, { owner: "ours", row: row(2, "SYN_SENT") }]);
	lookAt(looks, []);
	assert.deepEqual(looks.result().peers, []);
});
