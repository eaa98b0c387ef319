/**
 * One query by UDP (RFC 5452): an id of 16 random bits, and a socket of its own, whose port the kernel chooses at random
 * from its range. The socket is connected, so the kernel drops what comes from another address or port.
 *
 *     waiting ──answers the query──────────────▶ answer, or truncated: ask over TCP
 *        │ ▲  after RESEND_MS: the same datagram once more, for it may be lost
 *        │ └─anything else: counted, dropped─┐
 *        └───WRONG_ANSWERS_MAX of them───────┴─▶ spoofed: ask over TCP, where a forger has to be on the path
 */
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";
import type { DnsMessage } from "@plumbline/signals/dns-message";
import type { Timers } from "./timers.ts";
import { endedBySignal, failureOf } from "./transport-failure.ts";
import { identify, type Query, readAnswer, withId } from "./transport-query.ts";
import type { FailureKind, UpstreamServer } from "./upstream.ts";

export type UdpOutcome =
	| { readonly kind: "answer"; readonly message: DnsMessage }
	/** `other-case`: the question came back in other letters. A server that does not keep them answers over TCP. */
	| { readonly kind: "over-tcp"; readonly because: "truncated" | "spoofed" | "other-case" }
	| { readonly kind: "failed"; readonly why: FailureKind; readonly detail: string };

/** Answers to one query that are not to it. Chance has 0 of them, a forger has thousands. */
export const WRONG_ANSWERS_MAX = 16;
const RESEND_MS = 700;
const IDS = 0x1_0000;

export function exchangeByUdp(
	{ address, port }: UpstreamServer,
	query: Query,
	timers: Timers,
	signal: AbortSignal,
): Promise<UdpOutcome> {
	return new Promise((resolve) => {
		const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
		const id = randomInt(IDS);
		let wrong = 0;
		let flaw = "";
		let isOver = false;
		let stopResend: (() => void) | undefined;
		const end = (outcome: UdpOutcome) => {
			if (isOver) return;
			isOver = true;
			stopResend?.();
			signal.removeEventListener("abort", onAbort);
			socket.close(() => resolve(outcome));
		};
		const onAbort = () => {
			const dropped = wrong === 0 ? "" : `; ${wrong} others were dropped`;
			end({ kind: "failed", ...endedBySignal(signal, `no answer came${dropped}${flaw}`) });
		};
		const onMessage = (bytes: Uint8Array) => {
			if (isOver) return;
			const identity = identify(query, id, bytes);
			if (identity === "other-case") {
				end({ kind: "over-tcp", because: "other-case" });
				return;
			}
			const read = identity === "same" ? readAnswer(query, bytes) : undefined;
			if (read?.kind === "answer") end(read);
			else if (read?.kind === "truncated") end({ kind: "over-tcp", because: "truncated" });
			else {
				if (read !== undefined) flaw = ` (${read.detail})`;
				if (++wrong >= WRONG_ANSWERS_MAX) end({ kind: "over-tcp", because: "spoofed" });
			}
		};
		socket.on("message", onMessage);
		const onError = (error: Error) => {
			const failure = failureOf(error);
			const why = failure.kind === "failed" ? failure.why : "connection-lost";
			end({ kind: "failed", why, detail: failure.detail });
		};
		socket.on("error", onError);
		signal.addEventListener("abort", onAbort, { once: true });
		if (signal.aborted) onAbort();
		// With a callback, the error of connect (no route) comes there and not as an event.
		socket.connect(port, address, (error?: Error) => {
			if (error) onError(error);
			if (isOver) return;
			// The same id from the same port: others would be more for a forger to hit.
			const datagram = withId(query, id);
			socket.send(datagram);
			stopResend = timers.after(RESEND_MS, () => socket.send(datagram));
		});
	});
}
