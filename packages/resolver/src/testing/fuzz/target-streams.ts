/**
 * Octets on a connection in chunks of any size, to the server's end of TCP and DoT: queries in sound frames are answered,
 * each once; the first frame that holds no query ends the connection; and what it takes meanwhile is bounded.
 */
import type { Socket } from "node:net";
import { duplexPair } from "node:stream";
import { createAnswerTable } from "../../server-answer-table.ts";
import { createAnswerer } from "../../server-answerer.ts";
import { newServerCounters } from "../../server-counters.ts";
import { createGate } from "../../server-gate.ts";
import { looksLikeQuery } from "../../server-query.ts";
import { serveStream } from "../../server-stream.ts";
import { FrameReader } from "../../transport-frames.ts";
import { scriptedResolver } from "../scripted-resolver.ts";
import { type Chance, wounded } from "./chance.ts";
import { REAL_MESSAGES } from "./seed-messages.ts";
import { somePacket, someQuery } from "./some-packet.ts";
import type { Target } from "./target.ts";

const FRAMES_MAX = 6;
const CHUNK_OCTETS_MAX = 300;
const MESSAGE_OCTETS_MIN = 12;
const UNDER_WAY_MAX = 64;
const IDLE_MS = 60_000;
const TABLE = { bytesMax: 64 << 10, namesMax: 64, seeds: [3, 5] } as const;

export function streamsTarget(): Target {
	const scripted = scriptedResolver();
	const counters = newServerCounters();
	const now = () => 0;
	const resolver: typeof scripted = {
		...scripted,
		resolve: (ask) => {
			scripted.asked.length = 0;
			return scripted.resolve(ask);
		},
	};
	const answerer = createAnswerer({ resolver, table: createAnswerTable(TABLE), counters, now });
	const gate = createGate({ allow: ["127.0.0.0/8"] });
	const serving = { answerer, counters, now, gate: () => gate };

	return {
		async run(chance) {
			const octets = someStream(chance);
			const chunks = cut(octets, chance);
			const expected = expectedOf(octets);
			const [near, far] = duplexPair();
			// What serveStream uses of a socket beyond a stream.
			const socket = Object.assign(near, { setNoDelay: () => near }) as unknown as Socket;
			serveStream(socket, chance.oneIn(2) ? "tls" : "stream", serving, IDLE_MS, "127.0.0.1");
			const reader = new FrameReader();
			const ids: number[] = [];
			far.on("data", (chunk: Uint8Array) => {
				for (const answer of reader.read(chunk) ?? [Uint8Array.of(0xff, 0xff)])
					ids.push(((answer[0] ?? 0) << 8) | (answer[1] ?? 0));
			});
			far.on("error", () => undefined);
			for (const chunk of chunks) {
				if (!near.destroyed) far.write(chunk);
				if (chance.oneIn(3)) await turn();
				if (answerer.inFlight() > UNDER_WAY_MAX) throw new Error(`${answerer.inFlight()} are under way`);
			}
			for (let turns = 0; turns < 20 && !near.destroyed && ids.length < expected.ids.length; turns++)
				await turn();
			await answerer.idle();
			await turn();
			if (expected.isEnded !== near.destroyed)
				throw new Error(`destroyed: ${near.destroyed}; ${told(octets)}`);
			// Answers that were on their way when it ended are nobody's.
			const isRight = expected.isEnded
				? ids.every((id) => expected.ids.includes(id))
				: ids.toSorted().join() === expected.ids.toSorted().join();
			if (!isRight)
				throw new Error(`answers to ${ids.join()}, queries ${expected.ids.join()}; ${told(octets)}`);
			near.destroy();
			far.destroy();
		},
	};
}

function told(octets: Uint8Array): string {
	return Buffer.from(octets).toString("hex");
}

function turn(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}

function someStream(chance: Chance): Uint8Array {
	const frames = Array.from({ length: 1 + chance.below(FRAMES_MAX) }, () => {
		const message = chance.oneIn(8) ? somePacket(chance) : someQuery(chance);
		const lie = chance.oneIn(30) ? chance.below(3) - 1 : 0;
		const length = Math.max(0, message.length + lie);
		return Uint8Array.from([length >> 8, length & 0xff, ...message]);
	});
	const whole = Uint8Array.from(Buffer.concat(frames));
	return chance.oneIn(6) ? wounded(whole, REAL_MESSAGES, chance) : whole;
}

function cut(octets: Uint8Array, chance: Chance): Uint8Array[] {
	const chunks: Uint8Array[] = [];
	const most = chance.of([1, 3, 40, CHUNK_OCTETS_MAX]);
	for (let at = 0; at < octets.length; ) {
		const end = at + 1 + chance.below(most);
		chunks.push(octets.subarray(at, end));
		at = end;
	}
	return chunks;
}

/** By a reader of its own, over all of it at once. */
function expectedOf(octets: Uint8Array): { readonly ids: readonly number[]; readonly isEnded: boolean } {
	const ids: number[] = [];
	for (let at = 0; at + 2 <= octets.length; ) {
		const length = ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
		if (length < MESSAGE_OCTETS_MIN) return { ids, isEnded: true };
		if (at + 2 + length > octets.length) break;
		if (!looksLikeQuery(octets, at + 2, length)) return { ids, isEnded: true };
		ids.push(((octets[at + 2] ?? 0) << 8) | (octets[at + 3] ?? 0));
		at += 2 + length;
	}
	return { ids, isEnded: false };
}
