/**
 * http-body-undrained: response bodies closed before they were read to their end, so that the connection under
 * each is thrown away and the next request dials anew.
 *
 * What the lines say of it, and what else says the same:
 *
 * | seen                                                        | tells it from                              |
 * |-------------------------------------------------------------|--------------------------------------------|
 * | ledger: keep-alives on, no idle list full, nothing closed idle | DisableKeepAlives, MaxIdleConnsPerHost, a client for each request |
 * | kernel: as many closed with bytes unread (reset, no TIME_WAIT) | Request.Close, the peer's `Connection: close`: those read all first |
 * | samples: goroutines in Body.Close that end a connection       | the same, where bodies are so small that all was read ahead |
 * | sockets or samples: none is kept, dialling again and again    | a client that keeps its connections, while a neighbour resets his |
 *
 * The kernel counts for the whole network namespace. So without the ledger it is noted, not alarmed.
 * Since Go 1.27 the client reads on for a moment, up to 256 kB, when a body is closed early: small ones cost nothing.
 */

import type { TcpPeer } from "@plumbline/signals/tcp-life";
import type { Attribution } from "../attribution.ts";
import { isDatabasePort } from "../database-ports.ts";
import { plural, seconds } from "../evidence.ts";
import type { Evidence } from "../finding.ts";
import { whatWouldNameIt } from "../holder-ledger.ts";
import { asCandidates, httpCallers } from "../http-callers.ts";
import { endsOutOfUse, type HttpBooks, httpBooks } from "../http-churn.ts";
import { type HttpDials, httpDials } from "../http-dials.ts";
import { finding, present, type Rule } from "../rule.ts";
import { addressOf, peerEvidence, perSecond, rate, type TcpLifeView } from "../tcp-life-view.ts";
import type { World } from "../world.ts";

/** Fewer resets in a window are downloads that somebody gave up. */
const RESETS_MIN = 50;
const RESETS_PER_SECOND_MIN = 5;
/** Of the requests those that ended so. */
const RESET_SHARE_MIN = 0.5;
/** Samples that caught the client dialling; one that keeps its connections is seldom caught even once. */
const DIALLING_MIN = 2;
/** Of the samples those in which some connection was idle, up to which none is kept. */
const IDLING_SHARE_MAX = 0.2;
/** Goroutines caught in an early close; it takes a tenth of a millisecond. */
const CLOSING_MIN = 2;

/** Connections to one peer that looks caught alive. */
const SEEN_MIN = 3;
/** A reset leaves nothing to be seen; so does what the peer closes between two looks. */
const RESETS_PER_FIN_MIN = 4;

interface Undrained {
	readonly view: TcpLifeView;
	/** To which none was kept. */
	readonly peer?: TcpPeer;
	/** Of the whole network namespace. */
	readonly resets: number;
	readonly books: HttpBooks | undefined;
	readonly dials: HttpDials;
	/** Requests whose connection was thrown away. */
	readonly count: number;
}

export const httpBodyUndrained: Rule = {
	id: "http-body-undrained",
	about: {
		sees: "responses whose body is closed before it was read to its end, so that every request needs a new connection",
		hurts:
			"each request pays for a hand-shake (and one of TLS) that keep-alive would save; the peer sees its answers cut off; ports may run out",
		otherwise: [
			"requests that their callers give up: a client time-out, or a context that ends, breaks the answer off just so",
			"downloads that are meant to be cut short: only the head of a file is wanted; then ask for it with a Range header",
		],
		fix: [
			"read what is left before closing: `io.Copy(io.Discard, io.LimitReader(resp.Body, 256<<10))`, then `resp.Body.Close()`",
			"where only the status or the headers count, ask with HEAD",
			"json.Decoder stops after its value: for a body sent in chunks read on to io.EOF",
		],
		stop: ["nothing is lost for good: it costs time and connections as long as the load lasts"],
		verify: [
			"run plumbline diagnose again under the same load: no dialling in its samples, and TCPAbortOnClose (`nstat`) stands still",
		],
	},
	examine(world) {
		const seen = undrained(world);
		if (seen === undefined) return undefined;
		const { view, peer, resets, books, dials, count } = seen;
		const known = books !== undefined;
		return finding("http-body-undrained", httpBodyUndrained.about, {
			severity: known ? "warning" : "note",
			...(known ? {} : { level: "suspected" as const }),
			confidence: known ? 0.9 : 0.5,
			count,
			title: known
				? `${plural(count, "HTTP response")} closed unread: each cost its connection`
				: `HTTP responses may be closed unread: connections end by resets, ${rate(perSecond(view, resets))} a second`,
			story: present([
				books &&
					`${books.requests} requests in ${Math.round(books.watchedMs / 1000)} s: keep-alives are on, yet nearly none of their connections went back to be used again`,
				resets >= RESETS_MIN
					? `${resets} connections of this network namespace were closed with bytes still unread`
					: undefined,
				dials.closingEarly > 0
					? `${plural(dials.closingEarly, "goroutine")} ${dials.closingEarly === 1 ? "was" : "were"} caught closing a body before its end`
					: undefined,
				`in ${dials.dialling} of ${dials.samples} samples the client was dialling, in ${dials.idling} a connection was idle`,
				known
					? undefined
					: "another program of the namespace may do the resets, and DisableKeepAlives the dialling: the borrow ledger tells (run as root with --pid)",
			]).join("; "),
			attribution: who(world, seen),
			evidence: present<Evidence>([
				resets >= RESETS_MIN ? resetEvidence(view, resets) : undefined,
				peer && peerEvidence(view, peer, `no connection to ${addressOf(peer)} was kept`),
				books?.evidence("requests whose connections ended right out of use"),
			]),
		});
	},
};

function undrained(world: World): Undrained | undefined {
	const { tcpLife: view } = world;
	if (view === undefined) return undefined;
	const resets = view.life.abortedUnread ?? 0;
	const often = resets >= RESETS_MIN && perSecond(view, resets) >= RESETS_PER_SECOND_MIN;
	const books = httpBooks(world);
	if (books === undefined ? !often : !endsOutOfUse(books)) return undefined;
	const dials = httpDials(world);
	const peer = thrownAway(world, view);
	// One of the two has to say that it is this service that keeps no connection.
	if (peer === undefined && !dialsAnew(dials)) return undefined;
	const made = { view, resets, books, dials, ...(peer === undefined ? {} : { peer }) };
	if (books === undefined) {
		return peer !== undefined && dials.dialling > 0 ? { ...made, count: resets } : undefined;
	}
	const inBooks = Math.min(books.requests, Math.round(perSecond(view, resets) * (books.watchedMs / 1000)));
	if (often && inBooks >= books.requests * RESET_SHARE_MIN) return { ...made, count: inBooks };
	return dials.closingEarly >= CLOSING_MIN ? { ...made, count: books.requests } : undefined;
}

function resetEvidence(view: TcpLifeView, resets: number): Evidence {
	const { life, part, atMs } = view;
	const says = `${rate(perSecond(view, resets))} connections a second closed with bytes unread, in its network namespace`;
	const quote = `TCPAbortOnClose and TCPAbortOnData: ${resets} more in ${seconds(life.spanMs)}`;
	return { line: "sockets", says, quote, part, offset: 0, atMs };
}

function dialsAnew({ dialling, idling, samples }: HttpDials): boolean {
	return dialling >= DIALLING_MIN && idling <= samples * IDLING_SHARE_MAX;
}

/** A peer whose connections, as far as looks saw them, were all gone soon, and hardly any by a FIN. */
function thrownAway({ databasePort }: World, { dialled }: TcpLifeView): TcpPeer | undefined {
	const gone = dialled.filter(
		({ port, kept, opens, closedOtherwise, closedByUs, closedByPeer }) =>
			!isDatabasePort(port, databasePort) &&
			kept === 0 &&
			opens >= SEEN_MIN &&
			closedOtherwise >= (closedByUs + closedByPeer) * RESETS_PER_FIN_MIN,
	);
	return gone.toSorted((a, b) => b.opens - a.opens)[0];
}

/** The ledger has all who call the client; samples only some. */
function who(world: World, { books }: Undrained): Attribution {
	const callers = httpCallers(world);
	const [first] = callers;
	const functions = new Set(callers.map(({ frame }) => frame.func));
	if (books !== undefined && first !== undefined && functions.size === 1) {
		const how = `all ${books.requests} requests that the borrow ledger saw were made here`;
		return { holder: { ...first.frame, how, confidence: 0.9 }, candidates: [], siblings: [] };
	}
	const gap =
		functions.size > 1
			? "more than one function calls the HTTP client, and nothing tells whose bodies are closed unread: see which of them reads to the end"
			: `who closes them was not seen; ${whatWouldNameIt(world)}`;
	return { candidates: asCandidates(callers), siblings: [], holderGap: gap };
}
