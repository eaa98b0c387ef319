/** Changes of state as the kernel tells them, in orders that occur. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CALLED_STATES, ConnectionEvents } from "./tcp-life-events.ts";

const OURS = 4711;
const OTHER = 99;
const [ESTABLISHED, SYN_SENT, SYN_RECV, FIN_WAIT1, CLOSE, CLOSE_WAIT, LAST_ACK] = [1, 2, 3, 4, 7, 8, 9];

function events(): ConnectionEvents {
	return new ConnectionEvents();
}

/** A socket's changes: `[from, to, process]`; without a process it was an interrupt. */
function tell(
	to: ConnectionEvents,
	sk: number,
	changes: readonly (readonly [number, number, number?])[],
	early = false,
): void {
	for (const [from, state, process] of changes) {
		const change = {
			sk: BigInt(sk),
			from,
			to: state,
			isByUs: process === OURS && CALLED_STATES.includes(state),
			localIp: "10.0.0.7",
			// The kernel chooses the port after SYN_SENT.
			localPort: state === SYN_SENT ? 0 : 40_000 + sk,
			peerIp: "10.0.0.9",
			peerPort: 8080,
			timeNs: 0n,
		};
		to.apply(change, early);
	}
}

const dialledBy = (process: number) =>
	[
		[CLOSE, SYN_SENT, process],
		[SYN_SENT, ESTABLISHED],
	] as const;
const ACCEPTED = [[SYN_RECV, ESTABLISHED]] as const;
const closedBy = (process: number) =>
	[
		[ESTABLISHED, FIN_WAIT1, process],
		[5, CLOSE],
	] as const;
const endedByPeer = (process: number) =>
	[
		[ESTABLISHED, CLOSE_WAIT],
		[CLOSE_WAIT, LAST_ACK, process],
		[LAST_ACK, CLOSE],
	] as const;

const OUT = { direction: "out", ip: "10.0.0.9", port: 8080 } as const;
const NONE = { opens: 0, closedByUs: 0, closedByPeer: 0, closedOtherwise: 0 };

test("dialled by our process: opened, and closed by either side or by a reset", () => {
	const e = events();
	tell(e, 1, [...dialledBy(OURS), ...closedBy(OURS)]);
	tell(e, 2, [...dialledBy(OURS), ...endedByPeer(OURS)]);
	tell(e, 3, [...dialledBy(OURS), [ESTABLISHED, CLOSE]]);
	tell(e, 4, dialledBy(OURS));
	assert.deepEqual(e.counts(), [{ ...OUT, opens: 4, closedByUs: 1, closedByPeer: 1, closedOtherwise: 1 }]);
});

test("other processes' and refused ones count for nobody, even if the kernel gives their memory to ours next", () => {
	const e = events();
	tell(e, 1, [...dialledBy(OTHER), ...closedBy(OTHER)]);
	tell(e, 1, [
		[CLOSE, SYN_SENT, OURS],
		[SYN_SENT, CLOSE],
	]);
	assert.deepEqual(e.counts(), []);
	tell(e, 1, [...dialledBy(OURS), ...closedBy(OURS)]);
	tell(e, 1, [...dialledBy(OTHER), ...closedBy(OTHER)]);
	assert.deepEqual(e.counts(), [{ ...OUT, ...NONE, opens: 1, closedByUs: 1 }]);
});

test("within an interrupt the process means nothing", () => {
	const e = events();
	tell(e, 1, [
		[CLOSE, SYN_SENT, OTHER],
		[SYN_SENT, ESTABLISHED],
		[ESTABLISHED, CLOSE_WAIT],
		[ESTABLISHED, FIN_WAIT1],
	]);
	assert.deepEqual(e.counts(), []);
});

test("accepted ones are ours when we close them, or when a look shows them", () => {
	const e = events();
	tell(e, 1, [...ACCEPTED, ...closedBy(OURS)]);
	tell(e, 2, [...ACCEPTED, ...endedByPeer(OTHER)]);
	tell(e, 3, ACCEPTED);
	tell(e, 4, [...ACCEPTED, [ESTABLISHED, CLOSE_WAIT]]);
	const IN = { direction: "in", ip: "10.0.0.7" } as const;
	assert.deepEqual(e.counts(), [{ ...IN, port: 40_001, ...NONE, opens: 1, closedByUs: 1 }]);
	const seen = (id: number) => ({
		localIp: IN.ip,
		localPort: 40_000 + id,
		peerIp: "10.0.0.9",
		peerPort: 8080,
	});
	e.claim([{ ...seen(4), ...IN, port: 40_004 }]);
	assert.deepEqual(e.counts()[1], { ...IN, port: 40_004, ...NONE, opens: 1, closedByPeer: 1 });
	assert.equal(e.counts().length, 2, "3 may still be anybody's");
});

test("what was open before the trace is known by the looks, and its close counts", () => {
	const e = events();
	const old = { localIp: "10.0.0.7", localPort: 40_001, peerIp: "10.0.0.9", peerPort: 8080, ...OUT };
	tell(e, 2, closedBy(OTHER));
	e.claim([old]);
	tell(e, 1, closedBy(OURS));
	assert.deepEqual(e.counts(), [{ ...OUT, ...NONE, closedByUs: 1 }]);
});

test("before the first look it is followed, not counted", () => {
	const e = events();
	tell(e, 1, dialledBy(OURS), true);
	assert.deepEqual(e.counts(), []);
	tell(e, 1, closedBy(OURS));
	assert.deepEqual(e.counts(), [{ ...OUT, ...NONE, closedByUs: 1 }]);
});

test("the sockets of a busy host push out each other, never ours", () => {
	const e = events();
	tell(e, 0, dialledBy(OURS));
	for (let sk = 1; sk <= 200_100; sk++) tell(e, sk, ACCEPTED);
	assert.equal(e.forgotten, 101);
	tell(e, 0, closedBy(OURS));
	assert.deepEqual(e.counts(), [{ ...OUT, ...NONE, opens: 1, closedByUs: 1 }]);
});
