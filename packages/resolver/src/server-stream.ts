/**
 * DNS over one connection, for TCP and TLS alike (RFC 7766): queries may come one behind another, answers go out as they
 * are ready. What a client can make us hold is bounded: answers under way, octets it does not read, time without a
 * whole query.
 */
import type { Socket } from "node:net";
import { type Answerer, type Carrier, LATER, STREAM_ROOM } from "./server-answerer.ts";
import type { ServerCounters } from "./server-counters.ts";
import { clientKey, type Gate } from "./server-gate.ts";
import { FrameReader, frame } from "./transport-frames.ts";

export interface StreamServing {
	readonly answerer: Answerer;
	readonly gate: () => Gate;
	readonly counters: ServerCounters;
	readonly now: () => number;
}

/** Asked of the resolver at a time, for one connection; further queries wait in the kernel. */
const UNDER_WAY_MAX = 64;
/** Octets that wait for the client to read. */
const UNREAD_BYTES_MAX = 256 * 1024;
/** A query and its options are far shorter; an answer of any length fits behind it. */
const scratch = new Uint8Array(STREAM_ROOM + 1024);

export function serveStream(
	socket: Socket,
	carrier: Carrier,
	serving: StreamServing,
	idleMs: number,
	client: string,
): void {
	const { answerer, counters, now } = serving;
	const key = clientKey(client);
	const reader = new FrameReader();
	/** From one chunk, so it is bounded by the size of a read. */
	let waiting: Uint8Array[] = [];
	let underWay = 0;
	// Only whole queries count as life: a byte now and then keeps nothing open.
	const idle = setTimeout(() => socket.destroy(), idleMs);
	socket.setNoDelay(true);

	const isFull = () => underWay >= UNDER_WAY_MAX || socket.writableLength > UNREAD_BYTES_MAX;

	const send = (answer: Uint8Array) => {
		if (!socket.writable) return;
		socket.write(frame(answer, ((answer[0] ?? 0) << 8) | (answer[1] ?? 0)));
	};

	function serve(query: Uint8Array): void {
		if (carrier === "tls") counters.dotQueries++;
		else counters.tcpQueries++;
		const nowMs = now();
		if (!serving.gate().admitConnected(client, nowMs)) {
			counters.limited++;
			socket.destroy();
			return;
		}
		scratch.set(query);
		const length = answerer.atOnce(scratch, 0, query.length, carrier, nowMs);
		if (length > 0) send(scratch.subarray(0, length));
		// What is no query gets no answer, and who sends such a thing no second chance.
		else if (length === 0) socket.destroy();
		else if (length === LATER) {
			underWay++;
			void answerer.later(query.slice(), carrier, key).then((answer) => {
				underWay--;
				send(answer);
				pump();
			});
		}
	}

	function pump(): void {
		socket.cork();
		let next = 0;
		while (next < waiting.length && !isFull() && !socket.destroyed) {
			const query = waiting[next++];
			if (query !== undefined) serve(query);
		}
		waiting = waiting.slice(next);
		socket.uncork();
		if (waiting.length > 0 || isFull()) socket.pause();
		else socket.resume();
	}

	socket.on("data", (chunk) => {
		const queries = reader.read(chunk);
		if (queries === undefined) {
			counters.dropped++;
			socket.destroy();
			return;
		}
		if (queries.length > 0) idle.refresh();
		waiting.push(...queries);
		pump();
	});
	socket.on("drain", pump);
	// It went away; nobody is left to be told.
	socket.on("error", () => socket.destroy());
	socket.on("close", () => {
		clearTimeout(idle);
		waiting = [];
	});
}
