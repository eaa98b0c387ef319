/**
 * Whether a goroutine belongs to something that lives: a request whose client still waits, a connection that is still
 * read from, a call that is still under way. More clients make more of these, and they end with their clients, so
 * however they grow they are no leak.
 *
 *     conn.serve ─▶ main.serveWs          has returned, or is still there
 *                     ├─▶ read     [IO wait]    the connection lives ...
 *                     ├─▶ write    [select]     ... so this is owned
 *                     └─▶ ping     [select]     ... and this
 *
 * How it misleads: a request whose client has gone is known by a socket that nobody has closed yet; a goroutine that leaks in a request which goes on is told of only when the request is over; and
 * where Go < 1.21 does not say who made a goroutine, functions stand for callers, which are owners more often than
 * they should.
 */
import type { Frame } from "@plumbline/signals/goroutines";
import type { DumpView } from "./dump-view.ts";
import { isNetworkWait, isOfOthers } from "./parked-wait.ts";

/** Goroutines with one and the same stack that one owner may have; more of them come from a loop that makes them. */
const PER_OWNER_MAX = 8;

/** Handlers of servers whose clients share a connection: it does not show whether this one still waits. */
const REMOTE_HANDLER =
	/^(google\.golang\.org\/grpc\.\(\*Server\)\.(handleStream|processStreamingRPC|processUnaryRPC)|net\/http\.\(\*http2serverConn\)\.runHandler|net\/http\/internal\/http2\.\(\*serverConn\)\.runHandler|golang\.org\/x\/net\/http2\.\(\*serverConn\)\.runHandler|github\.com\/valyala\/fasthttp\.\(\*Server\)\.serveConn)$/;
const ACCEPT = /^net\.\(\*(netFD|TCPListener|UnixListener)\)\.[aA]ccept$/;
const GRPC_CALL = /^google\.golang\.org\/grpc\.\(\*clientStream\)\./;
const GRPC_MAKER = /^google\.golang\.org\/grpc\.newClientStream(WithParams)?$/;

export class LiveOwners {
	readonly #dump: DumpView;
	/** Goroutine ids that made a connection's reader, and functions that did, with how many. */
	readonly #readersOfGoid = new Map<number, number>();
	readonly #readersOfFunc = new Map<string, number>();
	/** Goroutines that have the function on their stack. */
	readonly #inCall = new Map<string, number>();

	readonly #clientsGone: number;

	/** `clientsGone`: connections to the service that their clients have closed and it has not. */
	constructor(dump: DumpView, clientsGone: number) {
		this.#dump = dump;
		this.#clientsGone = clientsGone;
		const { table } = dump;
		const reads = table.stacks.map(({ frames, createdBy }) => isReader(frames, createdBy));
		const makers = new Set(table.stacks.map(({ createdBy }) => createdBy?.func ?? ""));
		const calls = table.stacks.map(({ frames }) => [
			...new Set(frames.map(({ func }) => func).filter((func) => makers.has(func))),
		]);
		for (let row = 0; row < table.count; row++) {
			const stack = table.stackOf[row] ?? 0;
			for (const func of calls[stack] ?? []) add(this.#inCall, func);
			if (!reads[stack]) continue;
			const { frames = [] } = table.stacks[stack] ?? {};
			if (!isNetworkWait(frames, table.states[table.stateOf[row] ?? 0] ?? "")) continue;
			add(this.#readersOfGoid, table.creatorGoid[row] ?? 0);
			add(this.#readersOfFunc, table.stacks[stack]?.createdBy?.func ?? "");
		}
	}

	/** Those of `rows`, which are of one stack or few, that nobody alive has to do with. */
	unowned(rows: readonly number[]): readonly number[] {
		const byMaking = Map.groupBy(rows, (row) => `${this.#creator(row)} ${this.#stack(row)}`);
		const left = rows.filter((row) => {
			const alike = byMaking.get(`${this.#creator(row)} ${this.#stack(row)}`)?.length ?? 1;
			return !this.#isOwned(row, alike);
		});
		// A handler without its reader: the client is gone, or the reader has not begun, as with a body half read.
		const alone = left.filter((row) => this.#dump.facts(row).inHandler);
		if (alone.length <= this.#clientsGone) return this.#withoutReceived(left);
		const unsure = new Set(alone);
		return this.#withoutReceived(left.filter((row) => !unsure.has(row)));
	}

	#creator(row: number): number {
		return this.#dump.table.creatorGoid[row] ?? 0;
	}

	#stack(row: number): number {
		return this.#dump.table.stackOf[row] ?? 0;
	}

	#frames(row: number): readonly Frame[] {
		return this.#dump.table.stacks[this.#stack(row)]?.frames ?? [];
	}

	#isOwned(row: number, alike: number): boolean {
		const { table, facts, requestOf, rowOf } = this.#dump;
		const goid = table.goid[row] ?? 0;
		if (this.#readersOfGoid.has(goid)) return true;
		if (facts(row).inHandler) return requestOf.has(goid);
		if (this.#frames(row).some(({ func }) => REMOTE_HANDLER.test(func))) return true;
		const maker = table.stacks[this.#stack(row)]?.createdBy?.func;
		// The program's first goroutine: it lives as long as the program.
		if (maker === undefined) return true;
		const creator = this.#creator(row);
		if (creator === 0) return this.#ownedByFunction(maker, alike);
		if (alike <= (this.#readersOfGoid.get(creator) ?? 0) * PER_OWNER_MAX) return true;
		const parent = rowOf.get(creator);
		if (parent === undefined || alike > PER_OWNER_MAX) return false;
		const calls = this.#frames(parent);
		return calls.some(({ func }) => func === maker || (GRPC_MAKER.test(maker) && GRPC_CALL.test(func)));
	}

	#ownedByFunction(maker: string, alike: number): boolean {
		const owners = (this.#readersOfFunc.get(maker) ?? 0) * PER_OWNER_MAX + (this.#inCall.get(maker) ?? 0);
		return alike <= owners;
	}

	/** A stream may be read by another goroutine than the one that opened it: as many as read one are taken off. */
	#withoutReceived(rows: readonly number[]): readonly number[] {
		const { table } = this.#dump;
		const watchers = rows.filter((row) => {
			const maker = table.stacks[this.#stack(row)]?.createdBy?.func;
			return maker !== undefined && GRPC_MAKER.test(maker);
		});
		if (watchers.length === 0) return rows;
		const opened = new Set<number>();
		const reading: number[] = [];
		const receives = table.stacks.map(({ frames }) => frames.some(({ func }) => GRPC_CALL.test(func)));
		for (let row = 0; row < table.count; row++) {
			const maker = table.stacks[this.#stack(row)]?.createdBy?.func;
			if (maker !== undefined && GRPC_MAKER.test(maker)) opened.add(this.#creator(row));
			if (receives[this.#stack(row)]) reading.push(table.goid[row] ?? 0);
		}
		const others = reading.filter((goid) => !opened.has(goid)).length;
		const owned = new Set(watchers.slice(0, others));
		return rows.filter((row) => !owned.has(row));
	}
}

/** Waits for bytes of a connection of the service's own kind: no listener, no pooled connection of a client library. */
function isReader(frames: readonly Frame[], createdBy: Frame | undefined): boolean {
	if (isOfOthers(frames, createdBy) || frames.some(({ func }) => ACCEPT.test(func))) return false;
	const root = frames.at(-1)?.func;
	return root !== "net/http.(*connReader).backgroundRead" && root !== "net/http.(*conn).serve";
}

function add<K>(counts: Map<K, number>, key: K): void {
	counts.set(key, (counts.get(key) ?? 0) + 1);
}
