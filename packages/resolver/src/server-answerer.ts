/**
 * Query in, answer out, for every listener alike.
 *
 *   atOnce ── settled here (errors, refusals), or out of the table ──▶ written over the query
 *      └──── LATER ──▶ later ── resolver ──▶ record ──▶ table, and the client
 *
 * `atOnce` makes nothing and asks nobody; it is called hundreds of thousands of times a second.
 */
import { DNS_RCODE } from "@plumbline/signals/dns-message";
import { decodeDnsMessage } from "@plumbline/signals/dns-message-decode";
import type { Resolution, Resolver } from "./resolution.ts";
import {
	cutRecord,
	KEY_CUT,
	makeRecord,
	newRecordStore,
	RECORD_BYTES_MAX,
	type RecordStore,
	writeAnswer,
	writeBare,
} from "./server-answer-record.ts";
import type { AnswerTable } from "./server-answer-table.ts";
import type { ServerCounters } from "./server-counters.ts";
import { createPlaces } from "./server-places.ts";
import { emptyQueryView, type QueryFate, type QueryView, readQuery } from "./server-query.ts";
import { answerWithSubnet, recordParts } from "./server-resolution.ts";
import type { Ask } from "./upstream.ts";

/** How the answer travels: it decides over size and padding. */
export type Carrier = "udp" | "stream" | "tls";

export interface AnswererOptions {
	readonly resolver: Resolver;
	readonly table: AnswerTable;
	readonly counters: ServerCounters;
	/** Monotonic milliseconds. */
	readonly now: () => number;
	/** Questions under way at a time, over all listeners and clients; default `IN_FLIGHT_MAX`. */
	readonly inFlightMax?: number;
}

export interface Answerer {
	/**
	 * Writes the answer over the query of `length` octets at `at`, which has `ANSWER_ROOM` octets behind it (UDP), or
	 * `STREAM_ROOM`. The answer's length; 0 if nothing goes out; `LATER` if the resolver has to be asked.
	 */
	atOnce(bytes: Uint8Array, at: number, length: number, carrier: Carrier, nowMs: number): number;
	/** What the gate decided for a client that may not pass: TC alone, or REFUSED. */
	turnedAway(bytes: Uint8Array, at: number, length: number, how: "slip" | "refuse"): number;
	/**
	 * The same question by way of the resolver. `query` is the caller's own copy; never rejects. Of the places for
	 * questions under way it takes one of `client` (a `clientKey`), or of the server's own.
	 */
	later(query: Uint8Array, carrier: Carrier, client?: number): Promise<Uint8Array>;
	inFlight(): number;
	/** When nothing is under way any more. */
	idle(): Promise<void>;
}

export const LATER = -1;
/** A query of up to 512 octets, or an answer of up to 1232 with a margin for padding. */
export const ANSWER_ROOM = 2048;
export const STREAM_ROOM = 65_535;
const UDP_ANSWER_BYTES_MAX = 1232;
/** About what can be asked for in 100 ms; whoever comes then is better off with another server. */
const IN_FLIGHT_MAX = 1024;
/** The client of what no client waits for: no address, so no `clientKey`. */
const ITSELF = Number.NaN;
const EDE_NOT_READY = 14;
/** Where answers are made before they are copied out: a new one for each would be most of what a miss costs. */
const sheet = new Uint8Array(STREAM_ROOM + ANSWER_ROOM);
const made = newRecordStore(RECORD_BYTES_MAX);
const RCODES: { readonly [Fate in Exclude<QueryFate, "ask" | "drop">]: number } = {
	"form-error": DNS_RCODE.FORMERR,
	"not-implemented": DNS_RCODE.NOTIMP,
	refuse: DNS_RCODE.REFUSED,
	"bad-version": DNS_RCODE.BADVERS,
};

export function createAnswerer(options: AnswererOptions): Answerer {
	const { resolver, table, counters, now, inFlightMax = IN_FLIGHT_MAX } = options;
	const view = emptyQueryView();
	let dice = 1;
	const places = createPlaces(inFlightMax);
	const awaitingIdle: (() => void)[] = [];

	/** Which address comes first. Not a count: a client that asks two names in turn would see one order of each. */
	function nextTurn(): number {
		dice = (Math.imul(dice, 69_069) + 1) | 0;
		return dice >>> 16;
	}

	function atOnce(bytes: Uint8Array, at: number, length: number, carrier: Carrier, nowMs: number): number {
		const fate = readQuery(bytes, at, length, view);
		fit(view, carrier);
		if (fate !== "ask") return settle(bytes, at, fate);
		if (view.clientSubnet) return LATER;
		let record = table.find(bytes, at, view.questionEnd, view.keyBits, nowMs);
		if (record < 0 && carrier === "udp") {
			record = table.find(bytes, at, view.questionEnd, view.keyBits | KEY_CUT, nowMs);
		}
		if (record < 0) return LATER;
		counters.hits++;
		if (table.wantsRefresh(record, nowMs)) refresh(bytes.slice(at, at + length));
		return writeAnswer(table.store, record, bytes, at, view, nowMs, nextTurn());
	}

	function settle(bytes: Uint8Array, at: number, fate: Exclude<QueryFate, "ask">): number {
		if (fate === "drop") {
			counters.dropped++;
			return 0;
		}
		counters.rejected++;
		return writeBare(bytes, at, view, RCODES[fate], false, -1);
	}

	function refresh(query: Uint8Array): void {
		if (!places.hasRoom(ITSELF)) return;
		counters.refreshes++;
		void later(query, "udp", ITSELF, true);
	}

	async function later(
		query: Uint8Array,
		carrier: Carrier,
		client = ITSELF,
		isHot = false,
	): Promise<Uint8Array> {
		const mine = emptyQueryView();
		const fate = readQuery(query, 0, query.length, mine);
		fit(mine, carrier);
		const ask = fate === "ask" ? askOf(query) : undefined;
		// Its frame was sound, its name is not text that can be asked for.
		if (ask === undefined) return bare(query, mine, RCODES["form-error"], -1);
		if (!places.take(client)) {
			// What the cache knows costs no server's time; most of what is asked for amid a flood of new names is known.
			const known = resolver.cached(ask);
			if (known !== undefined) return answer(query, mine, ask, known);
			counters.overloaded++;
			return bare(query, mine, DNS_RCODE.SERVFAIL, EDE_NOT_READY);
		}
		counters.misses++;
		try {
			return answer(query, mine, ask, await resolver.resolve(ask, { isHot }));
		} catch {
			// A fault of ours must not leave the client waiting.
			counters.failed++;
			return bare(query, mine, DNS_RCODE.SERVFAIL, -1);
		} finally {
			places.leave(client);
			if (places.taken() === 0) for (const done of awaitingIdle.splice(0)) done();
		}
	}

	function answer(query: Uint8Array, mine: QueryView, ask: Ask, resolution: Resolution): Uint8Array {
		if (resolution.kind === "failed") counters.failed++;
		else if (resolution.source === "stale") counters.stale++;
		if (ask.clientSubnet !== undefined && resolution.kind === "answered") {
			return answerWithSubnet(query, mine, ask, resolution);
		}
		const nowMs = now();
		const record = makeRecord(recordParts(ask, resolution, mine.keyBits, nowMs), made);
		if (record === undefined) return bare(query, mine, DNS_RCODE.SERVFAIL, -1);
		if (ask.clientSubnet === undefined) keep(record);
		sheet.set(query);
		return sheet.slice(0, writeAnswer(record, 0, sheet, 0, mine, nowMs, nextTurn()));
	}

	function keep(record: RecordStore): void {
		if (table.insert(record) || !table.isTooLong(record)) return;
		const cut = cutRecord(record);
		if (cut !== undefined) table.insert(cut);
	}

	return {
		atOnce,
		turnedAway: (bytes, at, length, how) => {
			const fate = readQuery(bytes, at, length, view);
			if (fate === "drop") return 0;
			view.edns = false;
			return writeBare(bytes, at, view, how === "refuse" ? RCODES.refuse : 0, how === "slip", -1);
		},
		later: (query, carrier, client) => later(query, carrier, client),
		inFlight: places.taken,
		idle: () => (places.taken() === 0 ? Promise.resolve() : new Promise((done) => awaitingIdle.push(done))),
	};
}

function fit(view: QueryView, carrier: Carrier): void {
	view.sizeMax = carrier === "udp" ? Math.min(view.sizeMax, UDP_ANSWER_BYTES_MAX) : STREAM_ROOM;
	if (carrier !== "tls") view.wantsPadding = false;
}

function bare(query: Uint8Array, view: QueryView, rcode: number, extendedError: number): Uint8Array {
	sheet.set(query);
	return sheet.slice(0, writeBare(sheet, 0, view, rcode, false, extendedError));
}

function askOf(query: Uint8Array): Ask | undefined {
	const decoded = decodeDnsMessage(query);
	if (decoded.kind !== "decoded") return undefined;
	const [question] = decoded.message.questions;
	if (question === undefined) return undefined;
	const { checkingDisabled, edns } = decoded.message;
	const subnet = edns?.options.find((option) => option.kind === "client-subnet");
	return {
		question: { ...question, name: question.name.toLowerCase() },
		...(edns?.dnssecOk === true && { dnssecOk: true }),
		...(checkingDisabled && { checkingDisabled: true }),
		...(subnet?.kind === "client-subnet" && { clientSubnet: subnet.subnet }),
	};
}
