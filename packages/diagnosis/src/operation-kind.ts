/** What a group of goroutines is at: the kind of operation that its innermost frames and its state tell. */
import type { Frame } from "@plumbline/signals/goroutines";
import type { GoroutineGroup } from "./goroutine-groups.ts";
import { type Role, stackFacts } from "./stack-facts.ts";

export type OperationKind =
	| "channel send"
	| "channel receive"
	| "nil channel"
	| "select"
	| "lock"
	| "wait group"
	| "condition"
	| "network read"
	| "network write"
	| "accept"
	| "dial"
	| "sleep"
	| "system call"
	| "running"
	/** A statement is with the driver, or a transaction or cursor is being watched. */
	| "database"
	/** Waits for a pool to hand out a connection. */
	| "pool"
	| "http client"
	/** A server connection between requests, or its watcher. */
	| "http server"
	| "grpc"
	| "other";

/** Roles of the join that are kinds of their own. */
const OF_ROLE: Readonly<Record<Role, OperationKind | undefined>> = {
	"tx-await": "database",
	"rollback-blocked": "database",
	"rows-await": "database",
	"pool-wait": "pool",
	"begin-roundtrip": "database",
	dial: "dial",
	"driver-call": "database",
	opener: "pool",
	"background-read": "http server",
	"http-idle": "http server",
	other: undefined,
};

const HTTP_CLIENT =
	/^net\/http\.\((?:\*persistConn|\*http2ClientConn|\*http2clientConnReadLoop|\*http2clientStream)\)|^golang\.org\/x\/net\/http2\.\(\*(?:ClientConn|clientConnReadLoop|clientStream)\)/;
const GRPC_TRANSPORT = /^google\.golang\.org\/grpc\/internal\/transport\./;
const ACCEPT = /^internal\/poll\.\(\*FD\)\.Accept$/;
const WRITE = /^internal\/poll\.\(\*FD\)\.(?:Write|Writev|WriteTo|SendFile|Splice)/;
const CONNECT = /^net\.\(\*netFD\)\.connect$|^net\.\(\*(?:sysDialer|Dialer)\)\./;

const OF_STATE: readonly (readonly [RegExp, OperationKind])[] = [
	[/\(nil chan\)|^select \(no cases\)/, "nil channel"],
	[/^chan send/, "channel send"],
	[/^chan receive/, "channel receive"],
	[/^select/, "select"],
	[/^sync\.WaitGroup/, "wait group"],
	[/^sync\.Cond/, "condition"],
	[/^(?:sync\.(?:Mutex|RWMutex)|semacquire)/, "lock"],
	[/^sleep/, "sleep"],
	[/^syscall/, "system call"],
	[/^running/, "running"],
	[/^IO wait/, "network read"],
];

/** Frames from the top that say what the wait is. */
const TOP_FRAMES = 12;

export function operationKind({ frames, state }: Pick<GoroutineGroup, "frames" | "state">): OperationKind {
	const role = OF_ROLE[stackFacts(frames, () => false).role];
	if (role !== undefined) return role;
	const top = frames.slice(0, TOP_FRAMES);
	const has = (pattern: RegExp): boolean => top.some(({ func }) => pattern.test(func));
	if (has(HTTP_CLIENT)) return "http client";
	if (has(GRPC_TRANSPORT)) return "grpc";
	if (has(ACCEPT)) return "accept";
	if (has(CONNECT)) return "dial";
	if (has(WRITE)) return "network write";
	return OF_STATE.find(([pattern]) => pattern.test(state ?? ""))?.[1] ?? "other";
}

/** What every wait goes through: it says how, not for what. */
const PRIMITIVE =
	/^(?:runtime|internal\/(?:poll|sync|syscall\/.*)|net|sync|sync\/atomic|syscall|time|io|bufio|crypto\/tls|golang\.org\/x\/sync\/semaphore|golang\.org\/x\/sys\/unix)\.[^/]*$/;

/** The innermost frame that says what is waited for; the innermost of all where all are primitives. */
export function blockingFrame(frames: readonly Frame[]): Frame | undefined {
	return frames.find(({ func }) => !PRIMITIVE.test(func)) ?? frames[0];
}
