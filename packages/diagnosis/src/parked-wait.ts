/**
 * What a parked goroutine waits for, by its stack and the state in a full dump, as far as a leak can be that.
 *
 *     goroutine 71 [chan send]:                      chan send
 *     main.bestPrice.func1()
 *
 *     goroutine 88 [select]:                         gRPC stream
 *     google.golang.org/grpc.newClientStreamWithParams.func4()
 *
 *     goroutine 90 [sync.Mutex.Lock]:                lock ("semacquire" up to Go 1.19, then by the frames alone)
 *     internal/sync.runtime_SemacquireMutex(...)
 *     internal/sync.(*Mutex).lockSlow(0xc0000b4010)
 *
 * How it misleads: a receive from a ticker or from `ctx.Done()` looks like any other receive, and a select does not
 * tell its cases.
 */
import type { Frame } from "@plumbline/signals/goroutines";

export type WaitKind =
	| "chan send"
	| "chan receive"
	| "nil channel"
	| "select"
	| "sleep"
	/** The goroutine by which a context of a foreign type is watched. */
	| "context"
	/** The one by which grpc-go watches a client's stream: one for each that is neither done nor cancelled. */
	| "gRPC stream"
	| "lock"
	| "WaitGroup"
	| "condition";

/** Frames of package sync and of the runtime above the code that waits. */
const SYNC_FRAMES_MAX = 6;

const GRPC_WATCHER = /^google\.golang\.org\/grpc\.newClientStream(WithParams)?\.func\d+$/;
const CONTEXT_WATCHER = /^context\.(\(\*cancelCtx\)\.)?propagateCancel\.func\d+$/;
const LOCK = /^(internal\/)?sync\.\(\*(Mutex|RWMutex)\)\.(Lock|lockSlow|RLock)$/;

/** Frames from the top by which a wait for a peer is known; the lock or condition of a stream lies above its Read. */
const NETWORK_FRAMES_MAX = 4;

/** Waits for a peer over a connection that many share: gRPC, HTTP/2, QUIC, multiplexed streams, SSH. */
const NETWORK_WAIT =
	/^(google\.golang\.org\/grpc\/internal\/transport\.|net\/http\.\(\*(persistConn|bodyEOFSignal|http2)|net\/http\/internal\/http2\.|golang\.org\/x\/(net\/http2|crypto\/ssh)\.|github\.com\/(quic-go|pion|libp2p|hashicorp\/yamux|xtaci\/smux)\b)/;

/** Whether it waits for bytes, one way or the other. */
export function isNetworkWait(frames: readonly Frame[], state: string): boolean {
	if (/^(IO wait|syscall)/.test(state)) return true;
	return frames.slice(0, NETWORK_FRAMES_MAX).some(({ func }) => NETWORK_WAIT.test(func));
}

/** Undefined for what runs, or waits for the network, a file, the runtime, or deliberately for ever. */
export function waitOf(frames: readonly Frame[], state: string): WaitKind | undefined {
	const top = frames[0]?.func ?? "";
	if (isNetworkWait(frames, state)) return undefined;
	switch (state) {
		case "chan receive (nil chan)":
		case "chan send (nil chan)":
			return "nil channel";
		case "chan send":
			return "chan send";
		case "chan receive":
			return CONTEXT_WATCHER.test(top) ? "context" : "chan receive";
		case "select":
			if (GRPC_WATCHER.test(top)) return "gRPC stream";
			return CONTEXT_WATCHER.test(top) ? "context" : "select";
		case "sleep":
			return "sleep";
		default:
			return syncWait(frames);
	}
}

/** The states of package sync have had several names; its functions have not. */
function syncWait(frames: readonly Frame[]): WaitKind | undefined {
	for (const { func } of frames.slice(0, SYNC_FRAMES_MAX)) {
		if (LOCK.test(func)) return "lock";
		if (func === "sync.(*WaitGroup).Wait") return "WaitGroup";
		if (func === "sync.(*Cond).Wait") return "condition";
	}
	return undefined;
}

/** The lock's address: `(*Mutex).lockSlow(0xc0000b4010)`. A RWMutex's writers wait in its inner mutex too. */
export function lockFrame(frames: readonly Frame[]): number {
	return frames.findLastIndex(({ func }, i) => i < SYNC_FRAMES_MAX && LOCK.test(func));
}

/**
 * Of other rules, or of nobody: connections of databases and of net/http, servers that outlive their requests,
 * tests that wait for their turn.
 */
const NOT_OURS =
	/^(database\/sql\.|github\.com\/(jackc|lib\/pq|go-sql-driver\/mysql)\b|gorm\.io\/|net\/http\.\(\*(persistConn|Transport|http2)|net\/http\.http2|net\/http\/internal\/http2\.|golang\.org\/x\/net\/http2\.|net\.|internal\/|runtime[./]|os\/signal\.|testing\.)/;

/** By the function that a goroutine began with, and the one that started it. */
export function isOfOthers(frames: readonly Frame[], createdBy: Frame | undefined): boolean {
	const root = frames.at(-1)?.func ?? "";
	return NOT_OURS.test(root) || (createdBy !== undefined && NOT_OURS.test(createdBy.func));
}
