/**
 * http-body-open: a response body that was never closed.
 *
 * Runtime line: the borrow ledger has connections of net/http's client that were taken in the window and neither
 * went back to the idle list nor were closed, by goroutines that have ended or moved on since. A response handed
 * to another goroutine looks the same; so the sockets line must say that nothing moves on them, and there must be
 * more of them than goroutines that read a body. Those that were open before the ledger was attached are counted
 * by the dumps: each has a reader goroutine that waits, in both of them, for its body to be done with.
 *
 * HTTP/1 only: an HTTP/2 connection is shared by many requests and never taken.
 */
import type { DumpView } from "../dump-view.ts";
import { plural, seconds, socketEvidence } from "../evidence.ts";
import type { Evidence } from "../finding.ts";
import { nameOf } from "../holder-ledger.ts";
import { type BorrowPlace, KEPT_MS_MIN } from "../ledger-view.ts";
import { finding, present, type Rule } from "../rule.ts";
import { type OwnedSocket, silentMs } from "../sockets-view.ts";
import type { World } from "../world.ts";

/** One alone may be a body that somebody keeps for later on purpose. */
const KEPT_MIN = 2;

export const httpBodyOpen: Rule = {
	id: "http-body-open",
	about: {
		sees: "client connections whose response nobody reads or closes any more",
		hurts:
			"each one is a socket, two goroutines and buffers for good; with MaxConnsPerHost set, callers end up waiting for ever",
		otherwise: [
			"a response handed to another goroutine that waits before it reads on",
			"a long poll whose caller has given up without cancelling it",
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
		const { ledger, sockets } = world;
		if (ledger === undefined || sockets === undefined) return undefined;
		const places = ledger.places.flatMap((place) => silentOnly(world, place) ?? []);
		const silent = places.flatMap((place) => place.kept.map(({ socket }) => socket?.inode ?? 0));
		const sure = silent.length - bodyReaders(world);
		if (sure < KEPT_MIN) return undefined;
		const before = openBefore(world, silent.length);
		const count = sure + before;
		const oldest = Math.max(...places.flatMap((place) => place.kept.map(({ ageMs }) => ageMs)));
		const attribution = nameOf(world, ledger, places, (place) => place.kept.length, 0.95);
		const owned = sockets.last.filter(({ socket }) => silent.includes(socket.inode));
		return finding("http-body-open", httpBodyOpen.about, {
			severity: "warning",
			confidence: 0.9,
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
					`${plural(owned.length, "connection")} of theirs carried nothing for ${seconds(KEPT_MS_MIN)} and more`,
				),
			]),
		});
	},
};

/** The place with only those borrows whose socket is known and still; undefined when none is. */
function silentOnly({ sockets }: World, place: BorrowPlace): BorrowPlace | undefined {
	if (place.kind !== "http") return undefined;
	const still = new Map(sockets?.last.filter(isStill).map((o) => [o.socket.inode, o]));
	const kept = place.kept.filter(({ socket }) => socket !== undefined && still.has(socket.inode));
	return kept.length === 0 ? undefined : { ...place, kept };
}

/** The peer has answered, and nothing came since. */
function isStill(owned: OwnedSocket): boolean {
	return owned.socket.tcpInfo !== undefined && silentMs(owned) >= KEPT_MS_MIN;
}

const READ_LOOP = "net/http.(*persistConn).readLoop";

/**
 * Connections whose response was delivered before the window and not done with at its end. One that was busy at
 * the start may since have been given back, and be among the `taken` ones: those have a reader that waits too.
 */
function openBefore({ firstDump, lastDump, spansWindow }: World, taken: number): number {
	if (firstDump === undefined || lastDump === undefined || !spansWindow) return 0;
	const first = readLoopsWaiting(firstDump);
	const last = readLoopsWaiting(lastDump);
	const both = [...last].filter((goid) => first.has(goid)).length;
	return Math.max(0, Math.min(both, last.size - taken));
}

/** In a select it waits for the body; idle and before the answer it waits for the network. */
function readLoopsWaiting({ table }: DumpView): Set<number> {
	const waiting = new Set<number>();
	for (let row = 0; row < table.count; row++) {
		const [top] = table.stacks[table.stackOf[row] ?? -1]?.frames ?? [];
		const state = table.states[table.stateOf[row] ?? 0] ?? "";
		if (top?.func === READ_LOOP && state.startsWith("select")) waiting.add(table.goid[row] ?? 0);
	}
	return waiting;
}

/** Every read of a client's response body passes it. */
const BODY_READ = "net/http.(*bodyEOFSignal).Read";

/** Goroutines that read a response right now: each may be at one of these. */
function bodyReaders({ lastDump }: World): number {
	if (lastDump === undefined) return 0;
	const { table } = lastDump;
	const reading = table.stacks.map((stack) => stack.frames.some(({ func }) => func === BODY_READ));
	let readers = 0;
	for (let row = 0; row < table.count; row++) if (reading[table.stackOf[row] ?? -1]) readers++;
	return readers;
}
