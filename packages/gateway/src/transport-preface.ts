/**
 * Which protocol a client speaks in the clear: HTTP/2 begins with 24 bytes that no request of HTTP/1 begins with.
 *
 *     PRI * HTTP/2.0 CRLF CRLF SM CRLF CRLF                 RFC 9113 3.4
 */
import type { Socket } from "node:net";
import { type TimerWheel, WheelTimer } from "./timer-wheel.ts";
import { HeldBytes } from "./transport-held.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export interface PrefaceTimes {
	/** Without a byte. */
	readonly idleMs: number;
	/** From the first byte on. */
	readonly headMs: number;
}

/** Calls `told` once, with what has been read, unless the client leaves or is too slow: then the socket is closed. */
export function tellProtocol(
	socket: Socket,
	wheel: TimerWheel,
	{ idleMs, headMs }: PrefaceTimes,
	told: (protocol: "h1" | "h2", bytes: Buffer) => void,
): void {
	const held = new HeldBytes();
	const timer = new WheelTimer(() => socket.destroy());
	const leave = () => {
		wheel.stop(timer);
		socket.off("data", onData);
		socket.off("end", onEnd);
		socket.off("error", onError);
		socket.off("close", leave);
	};
	const onEnd = () => socket.destroy();
	const onError = () => undefined;
	const onData = (bytes: Buffer) => {
		if (held.length === 0) wheel.start(timer, headMs);
		held.append(bytes, 0);
		const seen = held.bytes.subarray(held.start, held.end);
		const compared = Math.min(seen.length, PREFACE.length);
		const isSame = seen.compare(PREFACE, 0, compared, 0, compared) === 0;
		if (isSame && compared < PREFACE.length) return;
		leave();
		// It has a reader of its own, which begins with what is read again.
		if (isSame) socket.pause();
		told(isSame ? "h2" : "h1", seen);
	};
	socket.on("data", onData);
	socket.on("end", onEnd);
	socket.on("error", onError);
	socket.on("close", leave);
	wheel.start(timer, idleMs);
}
