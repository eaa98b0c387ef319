/**
 * Who is at work with response bodies of net/http's client, by one goroutine dump.
 *
 * ```
 *   net/http.(*persistConn).readLoop      [select]    a response is out, and its body not done with
 *   net/http.(*bodyEOFSignal).Read                    reads a body: every read of one passes it
 *   net.(*conn).Write ... io.copyBuffer               relays something, and waits for whom it writes to
 * ```
 *
 * How it misleads: what a copy copies is not on its stack, so one of a file counts too; and a goroutine that does
 * something else between two reads counts not at all.
 */
import type { Frame } from "@plumbline/signals/goroutines";
import { isStandardLibrary } from "./application.ts";
import type { DumpView } from "./dump-view.ts";
import type { CountedStack } from "./profile-stacks.ts";

const READ_LOOP = "net/http.(*persistConn).readLoop";
const BODY_READ = "net/http.(*bodyEOFSignal).Read";
const COPY =
	/^(io\.(Copy|CopyN|CopyBuffer|copyBuffer)|net\/http\/httputil\.\(\*ReverseProxy\)\.copyBuffer|bufio\.\(\*Reader\)\.WriteTo)$/;
const WRITE = /\.[wW]rite(String)?$/;

/**
 * The readers of connections whose response was delivered, each with the address of its connection where that is
 * printed. Idle and before the answer they wait for the network instead.
 */
export function readLoopsWaiting({ table }: DumpView): Map<number, string | undefined> {
	const waiting = new Map<number, string | undefined>();
	for (let row = 0; row < table.count; row++) {
		const { frames = [] } = table.stacks[table.stackOf[row] ?? -1] ?? {};
		const state = table.states[table.stateOf[row] ?? 0] ?? "";
		if (waitsForBody(frames) && state.startsWith("select"))
			waiting.set(table.goid[row] ?? 0, table.firstArgument(row, 0));
	}
	return waiting;
}

function waitsForBody([top]: readonly Frame[]): boolean {
	return top?.func === READ_LOOP;
}

/** How many responses are open at one moment, and how many goroutines could be at them. */
export interface BodyCensus {
	/** Responses delivered and not done with. */
	readonly open: number;
	/** Goroutines that read or relay one. */
	readonly readers: number;
	/** All others that run code besides Go's own, or of which nothing is known: each may keep one for later. */
	readonly others: number;
}

export function bodyCensus(stacks: readonly CountedStack[]): BodyCensus {
	const census = { open: 0, readers: 0, others: 0 };
	for (const { frames, count } of stacks) {
		if (waitsForBody(frames)) census.open += count;
		else if (frames.some(({ func }) => func === BODY_READ) || isRelay(frames)) census.readers += count;
		else if (frames.length === 0 || frames.some(({ func }) => !isStandardLibrary(func)))
			census.others += count;
	}
	return census;
}

/** Goroutine ids, each with the address of the body it reads, where that is printed. */
export type BodyReaders = ReadonlyMap<number, string | undefined>;

export function bodyReaders({ table }: DumpView): BodyReaders {
	const readAt = table.stacks.map(({ frames }) => frames.findIndex(({ func }) => func === BODY_READ));
	const relays = table.stacks.map(({ frames }) => isRelay(frames));
	const readers = new Map<number, string | undefined>();
	for (let row = 0; row < table.count; row++) {
		const stack = table.stackOf[row] ?? -1;
		const at = readAt[stack] ?? -1;
		if (at >= 0) readers.set(table.goid[row] ?? 0, table.firstArgument(row, at));
		else if (relays[stack]) readers.set(table.goid[row] ?? 0, undefined);
	}
	return readers;
}

function isRelay(frames: readonly Frame[]): boolean {
	const copyAt = frames.findIndex(({ func }) => COPY.test(func));
	return frames.slice(0, Math.max(0, copyAt)).some(({ func }) => WRITE.test(func));
}

/** Of the readers at the end those that were at it at the start too, with the same body as far as is known. */
export function readThroughout(first: BodyReaders, last: BodyReaders): number {
	return [...last].filter(([goid, body]) => {
		const before = first.get(goid);
		return first.has(goid) && (before === undefined || body === undefined || before === body);
	}).length;
}
