/**
 * http-body-open: a response body that was never closed.
 *
 * Runtime line: the borrow ledger has connections of net/http's client that were taken in the window and neither
 * went back to the idle list nor were closed, by goroutines that have ended or moved on since, and for longer than
 * any that came back to the same stack. A response handed to another goroutine looks the same; so the sockets line
 * must say that nothing has moved on them for most of that time, and there must be more of them than goroutines
 * that read or relay a body. Those that were open before the ledger was attached are counted by the dumps: each
 * has a reader goroutine that waits, in both of them, for its body to be done with.
 *
 * HTTP/1 only: an HTTP/2 connection is shared by many requests and never taken.
 */
import type { Ledger } from "@plumbline/signals/ledger";
import { bodyReaders, readLoopsWaiting, readThroughout } from "../body-readers.ts";
import type { DumpView } from "../dump-view.ts";
import { goroutineEvidence, plural, seconds, socketEvidence } from "../evidence.ts";
import type { Evidence, Finding } from "../finding.ts";
import { nameOf, whatWouldNameIt } from "../holder-ledger.ts";
import { bodiesLeftOpen } from "../http-bodies.ts";
import { asCandidates, httpCallers } from "../http-callers.ts";
import { type BorrowPlace, KEPT_MS_MIN, type LedgerView } from "../ledger-view.ts";
import { finding, present, type Rule } from "../rule.ts";
import { silentMs } from "../sockets-view.ts";
import type { World } from "../world.ts";

/** One alone may be a body that somebody keeps for later on purpose. */
const KEPT_MIN = 2;
/** Workers that get their responses through a channel may pause for seconds at each record. In a short window half of it has to do. */
const AGE_MS_MIN = 5_000;
/** Of its time out that a forgotten one's socket was silent: nothing comes after what was sent at first. */
const SILENT_SHARE_MIN = 0.75;

export const httpBodyOpen: Rule = {
	id: "http-body-open",
	about: {
		sees: "client connections whose response nobody reads or closes any more",
		hurts:
			"each one is a socket, two goroutines and buffers for good; with MaxConnsPerHost set, callers end up waiting for ever",
		otherwise: [
			"a response handed to another goroutine that waits for seconds before it reads on, or has all of it in its buffer",
			"a long poll whose caller has given up without cancelling it",
			"a response that lies in a data structure for a later read, with no goroutine at it: an open file of a remote store",
		],
		fix: [
			"right after the error check of Do, Get or Post: `defer resp.Body.Close()`",
			"also when the status is an error, and when the body is of no interest: read it to the end, then close it, and the connection is used again",
			"set http.Client.Timeout or a context deadline, so that a forgotten body ends with it",
		],
		stop: ["restart the service; a timeout on the peer's side frees the sockets, not the goroutines' memory"],
		verify: ["run plumbline diagnose again under the same load: the count stays at 0"],
	},
	examine(world) {
		return leftInWindow(world) ?? leftBefore(world);
	},
};

/** Taken while the ledger watched. */
function leftInWindow(world: World): Finding | undefined {
	const { ledger, sockets } = world;
	if (ledger === undefined || sockets === undefined) return undefined;
	const places = ledger.places.flatMap((place) => forgottenOnly(world, ledger, place) ?? []);
	const silent = places.flatMap((place) => place.kept.map(({ socket }) => socket?.inode ?? 0));
	const { sure, before } = unread(world, ledger, silent.length);
	if (sure < KEPT_MIN) return undefined;
	const count = sure + before;
	const oldest = Math.max(...places.flatMap((place) => place.kept.map(({ ageMs }) => ageMs)));
	const attribution = nameOf(world, ledger, places, (place) => place.kept.length, 0.95);
	const owned = sockets.last.filter(({ socket }) => silent.includes(socket.inode));
	return finding("http-body-open", httpBodyOpen.about, {
		severity: "warning",
		// Where none came back at all, the work with one may last longer than the window.
		confidence: places.some(({ released }) => released > 0) ? 0.9 : 0.7,
		count,
		title: `${plural(count, "HTTP response")} left open by ${count === 1 ? "a call that is" : "calls that are"} over`,
		story:
			`in ${seconds(ledger.ledger.watchedMs)} ${plural(sure, "connection")} of the HTTP client ${sure === 1 ? "was" : "were"} taken and neither ` +
			`closed nor given back for reuse; the oldest is out for ${seconds(oldest)}, and the goroutines that took them have gone on` +
			(before === 0 ? "" : `; ${before} more had been open before, through the whole window`),
		...(attribution === undefined ? {} : { attribution }),
		evidence: present<Evidence>([
			socketEvidence(
				owned,
				`${plural(owned.length, "connection")} of theirs carried nothing for ${seconds(Math.min(...owned.map(silentMs)))} and more`,
			),
		]),
	});
}

/** Open all along, as dumps tell. */
function leftBefore(world: World): Finding | undefined {
	const left = bodiesLeftOpen(world);
	if (left === undefined || left.sure < KEPT_MIN) return undefined;
	const { count, sure, dump, row, silent } = left;
	const callers = httpCallers(world);
	const kept = world.spansWindow ? "through the whole window" : "for minutes";
	return finding("http-body-open", httpBodyOpen.about, {
		severity: "warning",
		confidence: silent === undefined ? 0.6 : 0.75,
		count,
		title: `${plural(count, "HTTP response")} open ${kept}, and nobody reads ${count === 1 ? "it" : "them"}`,
		story:
			`${plural(count, "connection")} of the HTTP client ${count === 1 ? "waits" : "wait"} ${kept} for a body to be done with` +
			(sure < count
				? `; at least ${sure} of them are nobody's, as there were times with fewer goroutines that could keep one`
				: ", and there are no goroutines that could keep one for later"),
		attribution: {
			candidates: asCandidates(callers),
			siblings: [],
			holderGap: whoLeft(world, callers.length),
		},
		evidence: present<Evidence>([
			goroutineEvidence(dump, row, `${plural(count, "reader")} of connections in select ${kept}`),
			silent &&
				socketEvidence(silent, `${plural(silent.length, "outgoing connection")} carried nothing all along`),
		]),
	});
}

function whoLeft(world: World, callers: number): string {
	const seen =
		callers === 0
			? "nobody was seen calling the HTTP client"
			: "who calls the client now need not be who left them open";
	return `the calls are over; ${seen}; ${whatWouldNameIt(world)}`;
}

/** The place with only those borrows that are old enough and whose socket is still; undefined when none is. */
function forgottenOnly(
	{ sockets }: World,
	{ ledger }: LedgerView,
	place: BorrowPlace,
): BorrowPlace | undefined {
	if (place.kind !== "http") return undefined;
	const ageMsMin = Math.max(KEPT_MS_MIN, Math.min(AGE_MS_MIN, ledger.watchedMs / 2));
	const quiet = new Map(sockets?.last.map((o) => [o.socket.inode, silentMs(o)]));
	const kept = place.kept.filter(({ ageMs, socket }) => {
		const silent = socket && quiet.get(socket.inode);
		return ageMs >= ageMsMin && silent !== undefined && silent >= ageMs * SILENT_SHARE_MIN;
	});
	return kept.length === 0 ? undefined : { ...place, kept };
}

/** How many responses nobody is at work with. */
interface Open {
	/** Of those taken in the window. */
	readonly sure: number;
	/** Of those delivered before it, and not done with at its end. */
	readonly before: number;
}

/**
 * Each goroutine that reads or relays may be at one of them: who did so through the whole window at one that was
 * open before, anybody else at one taken since; and where those are fewer, at one of the others.
 */
function unread({ firstDump, lastDump, spansWindow }: World, { ledger }: LedgerView, taken: number): Open {
	if (lastDump === undefined) return { sure: 0, before: 0 };
	const readers = bodyReaders(lastDump);
	if (firstDump === undefined || !spansWindow) return { sure: taken - readers.size, before: 0 };
	const lasting = readThroughout(bodyReaders(firstDump), readers);
	const before = openBefore(firstDump, lastDump, ledger) - lasting;
	const sure = taken - (readers.size - lasting);
	return {
		sure: sure + Math.min(0, before),
		before: Math.max(0, before + Math.min(0, sure)),
	};
}

/**
 * A connection that was busy at the start may since have been given back and taken anew: as many as the ledger has
 * out have a reader that waits, too.
 */
function openBefore(first: DumpView, last: DumpView, ledger: Ledger): number {
	const waiting = readLoopsWaiting(first);
	const now = readLoopsWaiting(last);
	const both = [...now.keys()].filter((goid) => waiting.has(goid)).length;
	const takenSince = ledger.stacks
		.filter(({ kind }) => kind === "http")
		.reduce((sum, { held }) => sum + held, 0);
	return Math.max(0, Math.min(both, now.size - takenSince));
}
