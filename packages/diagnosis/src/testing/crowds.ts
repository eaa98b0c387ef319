/** Crowds of goroutines for the tests of clusters: dumps as text, read by the real decoder. */
import type { GoroutineTable } from "@plumbline/signals/goroutines";
import { decodeGoroutinesDebug2 } from "@plumbline/signals/goroutines-debug2";
import { app, type Call, call, dumpText, type Goroutine } from "./dump-text.ts";

export interface Crowd {
	readonly count: number;
	readonly state: string;
	/** Innermost first. */
	readonly calls: readonly Call[];
	readonly createdBy: Call;
}

/** Goroutines of several crowds, numbered from 1 in the order given. */
export function crowdOf(...crowds: readonly Crowd[]): Goroutine[] {
	const all: Goroutine[] = [];
	for (const { count, state, calls, createdBy } of crowds) {
		for (let i = 0; i < count; i++) all.push({ goid: all.length + 1, state, calls, createdBy, creator: 1 });
	}
	return all;
}

export function tableOf(goroutines: readonly Goroutine[]): GoroutineTable {
	const decoded = decodeGoroutinesDebug2(new TextEncoder().encode(dumpText(goroutines)));
	if (decoded.kind === "foreign" || decoded.flaws.length > 0) throw new Error("the dump is not whole");
	return decoded.value;
}

const READ = [
	call("internal/poll.runtime_pollWait", "0x7f090c490c00, 0x72"),
	call("internal/poll.(*FD).Read", "0xc000122000"),
	call("net.(*conn).Read", "0xc000124000"),
];
const OPEN = app("example.com/chat/stream.Open", 30);

/** One stream: a reader, a writer and a keepalive. */
export function streams(count: number): Crowd[] {
	const ofStream = (state: string, calls: readonly Call[]): Crowd => ({
		count,
		state,
		calls,
		createdBy: OPEN,
	});
	return [
		ofStream("IO wait", [...READ, app("example.com/chat/stream.(*Conn).read", 51)]),
		ofStream("select", [app("example.com/chat/stream.(*Conn).write", 70)]),
		ofStream("sleep", [
			call("time.Sleep", "0x3b9aca00"),
			app("example.com/chat/stream.(*Conn).keepalive", 92),
		]),
	];
}

/** Goroutines that send to a channel nobody reads. */
export function senders(count: number, func = "example.com/shop/orders.notify", line = 12): Crowd {
	return {
		count,
		state: "chan send",
		calls: [app(`${func}.func1`, line)],
		createdBy: app(func, line - 2),
	};
}

/** Handlers that wait for a lock. */
export function lockWaiters(count: number, handler: string): Crowd {
	return {
		count,
		state: "sync.Mutex.Lock",
		calls: [
			call("internal/sync.runtime_SemacquireMutex", "0xc000122004, 0x0, 0x1"),
			call("internal/sync.(*Mutex).lockSlow", "0xc000122000"),
			call("sync.(*Mutex).Lock", "0xc000122000"),
			app("example.com/shop/cache.(*Cache).Get", 88),
			app(handler, 40),
			call("net/http.HandlerFunc.ServeHTTP", "0xc000122000"),
			call("net/http.serverHandler.ServeHTTP", "0xc000122000"),
			call("net/http.(*conn).serve", "0xc000108000"),
		],
		createdBy: call("net/http.(*Server).Serve"),
	};
}
