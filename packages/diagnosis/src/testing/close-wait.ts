/** Connections that the peer has closed, of a model service: at both ends of the window, or come within it. */
import assert from "node:assert/strict";
import type { Socket, TcpInfo } from "@plumbline/signals/sockets";
import { dbSocket } from "./lines.ts";
import type { Service } from "./service.ts";
import { times } from "./verdict.ts";

export const HTTP = { peerIp: "10.0.0.9", peerPort: 8_080 };

/** `n` of them, silent for so long. */
export function closeWait(n: number, ageMs: number, over: Partial<Socket> = {}, from = 41_000): Socket[] {
	return times(n, (i) => dbSocket(from + i, ageMs, { state: "CLOSE_WAIT", ...over }));
}

/** The same sockets at both ends. */
export function lasting(n: number, over: Partial<Socket> = HTTP): Service {
	return { sockets: [0, 10_000].map((at) => closeWait(n, 840_000 + at, over)) };
}

/** `n` at both ends, and `more` at the end. */
export function growing(n: number, more: readonly Socket[], over: Partial<Socket> = HTTP): Service {
	const [first = [], last = []] = lasting(n, over).sockets ?? [];
	return { sockets: [first, [...last, ...more]] };
}

/** Carried their last byte 6 s before the end; the peer closed `afterMs` later. */
export function closed(n: number, afterMs: number, over: Partial<Socket> = HTTP): Socket[] {
	return closeWait(n, 6_000, over, 52_000).map((s) => told(s, { lastAckRecvMs: 6_000 - afterMs }));
}

export function told({ tcpInfo, ...socket }: Socket, over: Partial<TcpInfo>): Socket {
	assert.ok(tcpInfo);
	return { ...socket, tcpInfo: { ...tcpInfo, ...over } };
}
