/**
 * Responses of net/http's client that were open all along, with nobody left who could read them: by goroutine dumps
 * alone, so also where no ledger was kept, or they were left open long before it.
 *
 * ```
 *   goroutine 34 [select, 14 minutes]:
 *   net/http.(*persistConn).readLoop(0xc0001a27c0)      the same goroutine and connection in both dumps
 * ```
 *
 * A connection that is used again and again may be caught like that twice by chance, and a response may be kept on
 * purpose. But each of those has a goroutine that works with it. So in every sample the open ones are counted
 * against the goroutines that read, and all others that run the service's code: where more are open than there are
 * goroutines to keep them, even once, that many are nobody's, and stay so. A busy service has few goroutines in
 * some sample; one with hundreds of parked ones hides its leaks from this.
 */
import {
	type BodyCensus,
	bodyCensus,
	bodyReaders,
	readLoopsWaiting,
	readThroughout,
} from "./body-readers.ts";
import { isDatabasePort } from "./database-ports.ts";
import type { DumpView } from "./dump-view.ts";
import type { LedgerView } from "./ledger-view.ts";
import { type OwnedSocket, silentMs, silentThroughout, socketIdentity } from "./sockets-view.ts";
import type { World } from "./world.ts";

export interface LeftOpen {
	readonly count: number;
	/** Of them those that nobody can keep, whatever the others are kept for. */
	readonly sure: number;
	readonly dump: DumpView;
	/** The reader of one of their connections, to quote. */
	readonly row: number;
	/** Silent for the whole window; undefined where the kernel was not asked. */
	readonly silent: readonly OwnedSocket[] | undefined;
}

/** With one dump only: the hint in the header may be two minutes off, this is well beyond. */
const MINUTES_MIN = 5;

export function bodiesLeftOpen(world: World): LeftOpen | undefined {
	const { firstDump, lastDump, spansWindow } = world;
	if (firstDump === undefined || lastDump === undefined) return undefined;
	const waiting = spansWindow ? openInBoth(firstDump, lastDump) : openForMinutes(lastDump);
	const lasting = notTakenSince(world.ledger, waiting);
	const [goid] = lasting.keys();
	const row = goid === undefined ? undefined : lastDump.rowOf.get(goid);
	if (row === undefined) return undefined;
	const silent = silentSockets(world);
	const nobodys = Math.max(...world.samples.map(({ stacks }) => nobodysIn(bodyCensus(stacks))));
	const readers = bodyReaders(lastDump);
	const read = spansWindow ? readThroughout(bodyReaders(firstDump), readers) : readers.size;
	const unread = Math.min(lasting.size - read, silent?.length ?? Number.POSITIVE_INFINITY);
	const sure = Math.min(nobodys, unread);
	// Goroutines that merely happen to be there take some off; not most, or the rest is no count.
	return { count: sure * 2 >= unread ? unread : sure, sure, dump: lastDump, row, silent };
}

function nobodysIn({ open, readers, others }: BodyCensus): number {
	return open - readers - others;
}

/** Goroutine ids of readers, each with its connection where that is printed. */
type Readers = ReadonlyMap<number, string | undefined>;

/** The same goroutine, reading the same connection as far as that is printed. */
function openInBoth(first: DumpView, last: DumpView): Readers {
	const before = readLoopsWaiting(first);
	const both = [...readLoopsWaiting(last)].filter(([goid, connection]) => {
		const then = before.get(goid);
		return before.has(goid) && (then === undefined || connection === undefined || then === connection);
	});
	return new Map(both);
}

function openForMinutes(dump: DumpView): Readers {
	const minutesOf = (goid: number) => dump.table.minutes[dump.rowOf.get(goid) ?? -1] ?? 0;
	return new Map([...readLoopsWaiting(dump)].filter(([goid]) => minutesOf(goid) >= MINUTES_MIN));
}

/** Those that the ledger saw taken are for it to judge. Where connections are not printed, as many may be its. */
function notTakenSince(ledger: LedgerView | undefined, waiting: Readers): Readers {
	const taken = ledger?.ledger.held.filter(({ stack }) => ledger.ledger.stacks[stack]?.kind === "http") ?? [];
	const handles = new Set(taken.map(({ handle }) => handle));
	const others = [...waiting].filter(
		([, connection]) => connection === undefined || !handles.has(connection),
	);
	let unknown = Math.min(taken.length, others.filter(([, connection]) => connection === undefined).length);
	return new Map(others.filter(([, connection]) => connection !== undefined || unknown-- <= 0));
}

/**
 * Connections the service opened, to whatever but a database, that carried nothing all along. A server hangs up on
 * what idles for long, and nobody here reads that it did: those stay in CLOSE_WAIT.
 */
function silentSockets({ sockets, databasePort }: World): OwnedSocket[] | undefined {
	if (sockets === undefined || sockets.last.every(({ socket }) => socket.tcpInfo === undefined))
		return undefined;
	const { last, listening } = sockets;
	const open = last.filter(({ socket }) => socket.state === "ESTABLISHED" || socket.state === "CLOSE_WAIT");
	return open
		.filter(({ socket: { localPort, peerPort } }) => {
			return !listening.has(localPort) && !isDatabasePort(peerPort, databasePort);
		})
		.filter((owned) => silentThroughout(sockets, owned))
		.toSorted((a, b) => silentMs(b) - silentMs(a));
}

/** Whether these, which their peer has closed, are what is left of responses that nobody closed. */
export function areLeftOpen(world: World, closed: readonly OwnedSocket[]): boolean {
	const left = bodiesLeftOpen(world);
	if (left?.silent === undefined || left.sure === 0) return false;
	const silent = new Set(left.silent.map(socketIdentity));
	return closed.length <= left.count && closed.every((owned) => silent.has(socketIdentity(owned)));
}
