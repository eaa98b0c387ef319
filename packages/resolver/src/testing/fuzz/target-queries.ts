/**
 * Packets to a server: each is answered by a sound message that echoes its id and question and is no larger than its
 * client takes, or not at all; and nothing is written beside it.
 */
import { createAnswerTable } from "../../server-answer-table.ts";
import { ANSWER_ROOM, type Carrier, createAnswerer, LATER, STREAM_ROOM } from "../../server-answerer.ts";
import { newServerCounters } from "../../server-counters.ts";
import { createGate } from "../../server-gate.ts";
import { emptyQueryView, looksLikeQuery, readQuery } from "../../server-query.ts";
import { scriptedResolver } from "../scripted-resolver.ts";
import type { Chance } from "./chance.ts";
import { somePacket } from "./some-packet.ts";
import { checkAnswer } from "./sound-answer.ts";
import type { Target } from "./target.ts";

/** Odd on purpose: whoever counts from 0 is found out. */
const MARGIN = 13;
const GUARD = 0xa5;
const ROOMS: { readonly [Each in Carrier]: number } = {
	udp: ANSWER_ROOM,
	stream: STREAM_ROOM + 1024,
	tls: STREAM_ROOM + 1024,
};
const TABLE = { bytesMax: 64 << 10, namesMax: 64, seeds: [3, 5] } as const;
const GATE = {
	allow: ["10.0.0.0/8", "2001:db8::/32"],
	rate: { perSecond: 50, burst: 20, clientsMax: 100 },
};
const CLIENTS = ["10.0.0.1", "10.0.0.2", "192.0.2.1", "2001:db8::1", "::ffff:10.9.9.9", "nonsense"];
const STEP_MS_MAX = 200;

export function queriesTarget(): Target {
	const table = createAnswerTable(TABLE);
	const tableBytes = table.memoryBytes();
	const scripted = scriptedResolver();
	let nowMs = 0;
	const resolver: typeof scripted = {
		...scripted,
		resolve: (ask) => {
			// What it notes for tests would grow for ever here.
			scripted.asked.length = 0;
			return scripted.resolve(ask);
		},
	};
	const answerer = createAnswerer({ resolver, table, counters: newServerCounters(), now: () => nowMs });
	const gate = createGate(GATE);
	const room = new Uint8Array(2 * MARGIN + ROOMS.tls).fill(GUARD);
	const view = emptyQueryView();

	async function answerOf(packet: Uint8Array, carrier: Carrier, chance: Chance) {
		const isGated = carrier === "udp" && looksLikeQuery(packet, 0, packet.length);
		const admission = isGated ? gate.admit(chance.of(CLIENTS), nowMs) : "pass";
		if (admission === "drop") return "limited";
		if (admission !== "pass") {
			const length = answerer.turnedAway(room, MARGIN, packet.length, admission);
			if (length > packet.length) throw new Error(`turned away with ${length} octets for ${packet.length}`);
			return room.slice(MARGIN, MARGIN + length);
		}
		const length = answerer.atOnce(room, MARGIN, packet.length, carrier, nowMs);
		return length === LATER
			? await answerer.later(packet.slice(), carrier)
			: room.slice(MARGIN, MARGIN + length);
	}

	return {
		async run(chance) {
			const packet = somePacket(chance);
			nowMs += chance.below(STEP_MS_MAX);
			const carrier = chance.of<Carrier>(["udp", "udp", "stream", "tls"]);
			// What listeners do not take.
			if (packet.length > ROOMS[carrier] / 2) return;
			room.set(packet, MARGIN);
			const fate = readQuery(packet, 0, packet.length, view);
			const answer = await answerOf(packet, carrier, chance);
			const end = MARGIN + ROOMS[carrier];
			if ([...room.subarray(0, MARGIN), ...room.subarray(end, end + MARGIN)].some((octet) => octet !== GUARD))
				throw new Error("something was written outside of the room");
			room.fill(GUARD);
			if (table.memoryBytes() !== tableBytes || table.names() > tableBytes / 64)
				throw new Error(`the table has ${table.names()} names in ${table.memoryBytes()} octets`);
			if (answer === "limited") return;
			if ((fate === "drop") !== (answer.length === 0))
				throw new Error(`${answer.length} octets, though the query is to be: ${fate}`);
			if (answer.length > 0) checkAnswer(packet, answer, fate, carrier);
		},
	};
}
