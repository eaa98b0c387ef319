/**
 * Why net/http's client does not keep its connections, as the borrow ledger tells: it counts every request, knows
 * how each transport that served one is set, and sees how connections end.
 *
 * A connection passes the ledger once when it is done with (handed to the idle list, or closed), and again each
 * time it is closed after that: a stranger. Measured with Go 1.26, strangers for each connection closed:
 *
 * ```
 *   closed right out of use: keep-alives off, body unread, `Connection: close`     0    0.05 with dials in vain
 *   idle list full                                                                 1    1.1 to 1.3
 *   closed while idle: CloseIdleConnections, IdleConnTimeout, by the server        2    2.1 to 2.2
 * ```
 *
 * The ledger does not say which peer a request went to. So where it is to explain the closes that sockets saw,
 * there have to be as many of them, over all peers that are no database, as it counted requests.
 */
import type { HttpTransport } from "@plumbline/signals/ledger";
import type { TcpPeer } from "@plumbline/signals/tcp-life";
import { isDatabasePort } from "./database-ports.ts";
import { plural, seconds } from "./evidence.ts";
import type { Evidence } from "./finding.ts";
import { httpDials } from "./http-dials.ts";
import { doubtOf, type LedgerView } from "./ledger-view.ts";
import type { World } from "./world.ts";

export type ChurnCause =
	| { readonly kind: "keep-alives off" }
	| { readonly kind: "transport a request"; readonly transports: number }
	| { readonly kind: "idle limit"; readonly setting: string }
	| { readonly kind: "closed idle"; readonly timeoutMs: number }
	/** By whose wish is not told: bodies closed unread, Request.Close, or the peer's `Connection: close`. */
	| { readonly kind: "used once" };

/** What the ledger counted of net/http, where it can be relied on. */
export interface HttpBooks {
	readonly requests: number;
	readonly strangers: number;
	readonly transports: readonly HttpTransport[];
	readonly transportsSeen: number;
	readonly watchedMs: number;
	readonly evidence: (says: string) => Evidence;
}

/** Fewer requests make no habit. */
const REQUESTS_MIN = 50;
/** Strangers for each close, between 0, 1 and 2. */
const ONCE_MAX = 0.3;
const FULL_MIN = 0.6;
const IDLE_MIN = 1.6;
/** Of the samples those in which some connection was idle, up to which none is kept. */
const IDLING_SHARE_MAX = 0.2;
/** How far closes and requests may differ: they are counted over spans that begin and end apart. */
const MATCH_SLACK = 0.25;
/** The same where the transports themselves say that nothing is kept: on a loaded host requests come in bursts. */
const TOLD_SLACK = 0.5;
/** Transports that can be nothing but made for their request: near the bound of the ledger's table. */
const TRANSPORTS_MANY = 200;
const TRANSPORTS_MIN = 20;
/** net/http's DefaultMaxIdleConnsPerHost. */
const IDLE_PER_HOST_DEFAULT = 2;

export function httpBooks({ ledger }: Pick<World, "ledger">): HttpBooks | undefined {
	if (ledger === undefined || doubtOf(ledger.ledger, "net/http") !== undefined) return undefined;
	const { pools, transports = [], transportsSeen = transports.length, watchedMs } = ledger.ledger;
	const row = pools.find(({ pool }) => pool === "net/http");
	if (row === undefined || row.acquired < REQUESTS_MIN || transports.length === 0) return undefined;
	const { acquired: requests, strangers } = row;
	const evidence = booksEvidence(ledger, requests, strangers);
	return { requests, strangers, transports, transportsSeen, watchedMs, evidence };
}

/** `peer`: of those that are no database the one whose closes want a cause. */
export function causeOfChurn(world: World, peer: TcpPeer): ChurnCause | undefined {
	const books = httpBooks(world);
	if (books === undefined || world.tcpLife === undefined) return undefined;
	const { life, dialled } = world.tcpLife;
	if (life.spanMs === 0 || isDatabasePort(peer.port, world.databasePort)) return undefined;
	const others = dialled.filter(({ port }) => !isDatabasePort(port, world.databasePort));
	const closes =
		others.reduce((sum, { closedByUs, unattributed }) => sum + closedByUs + unattributed, 0) *
		(books.watchedMs / life.spanMs);
	const { requests, strangers, transports, transportsSeen } = books;
	const apart = Math.abs(closes - requests);
	const onceEach = apart <= requests * MATCH_SLACK;
	if (apart <= requests * TOLD_SLACK) {
		if (madeForEach(transportsSeen, requests)) {
			return { kind: "transport a request", transports: transportsSeen };
		}
		if (transports.every(keepsNone)) return { kind: "keep-alives off" };
	}
	const each = strangers / Math.max(1, closes);
	if (each >= FULL_MIN && closes <= requests * (1 + MATCH_SLACK)) {
		if (each < IDLE_MIN || someLieIdle(world)) return full(transports);
		return onceEach ? { kind: "closed idle", timeoutMs: longestIdleMs(transports) } : undefined;
	}
	return onceEach && each <= ONCE_MAX && !transports.some(keepsNone) ? { kind: "used once" } : undefined;
}

/**
 * A dial in vain (another connection came back first) that finds the idle list full counts like a connection closed
 * in it. But where somebody empties the list, none lies in it for long.
 */
function someLieIdle(world: World): boolean {
	const { samples, idling } = httpDials(world);
	return samples === 0 || idling > samples * IDLING_SHARE_MAX;
}

function full(transports: readonly HttpTransport[]): ChurnCause | undefined {
	const setting = smallestLimit(transports);
	return setting === undefined ? undefined : { kind: "idle limit", setting };
}

function longestIdleMs(transports: readonly HttpTransport[]): number {
	return Math.max(...transports.map(({ idleTimeoutMs }) => idleTimeoutMs));
}

/** The same of connections that are opened and stay open: a transport of its own for each request keeps them. */
export function causeOfPile(world: World, peer: TcpPeer): ChurnCause | undefined {
	const books = httpBooks(world);
	const spanMs = world.tcpLife?.life.spanMs ?? 0;
	if (books === undefined || spanMs === 0) return undefined;
	const { requests, transportsSeen: transports } = books;
	const opens = peer.opens * (books.watchedMs / spanMs);
	const onceEach = Math.abs(opens - requests) <= requests * TOLD_SLACK;
	return onceEach && madeForEach(transports, requests)
		? { kind: "transport a request", transports }
		: undefined;
}

/** Keep-alives are on, and connections neither found the idle list full nor were closed in it. */
export function endsOutOfUse({ requests, strangers, transports, transportsSeen }: HttpBooks): boolean {
	const once = strangers <= requests * ONCE_MAX;
	return once && !transports.some(keepsNone) && !madeForEach(transportsSeen, requests);
}

function madeForEach(transports: number, requests: number): boolean {
	return transports >= TRANSPORTS_MIN && transports >= Math.min(requests / 2, TRANSPORTS_MANY);
}

function keepsNone({ keepAlivesOff, maxIdlePerHost }: HttpTransport): boolean {
	return keepAlivesOff || maxIdlePerHost < 0;
}

/** `MaxIdleConnsPerHost, which is 2 unless set`: of the transport that keeps least. */
function smallestLimit(transports: readonly HttpTransport[]): string | undefined {
	const limits = transports
		.filter((t) => !keepsNone(t))
		.map(({ maxIdle, maxIdlePerHost }) => {
			const perHost = maxIdlePerHost === 0 ? IDLE_PER_HOST_DEFAULT : maxIdlePerHost;
			if (maxIdle > 0 && maxIdle < perHost) return { limit: maxIdle, setting: `MaxIdleConns = ${maxIdle}` };
			const unset = maxIdlePerHost === 0 ? " unless set, as here" : "";
			return { limit: perHost, setting: `MaxIdleConnsPerHost = ${perHost}${unset}` };
		});
	return limits.toSorted((a, b) => a.limit - b.limit)[0]?.setting;
}

/** The cause as the end of a sentence, and what cures it. */
export function causeInWords(cause: ChurnCause): string {
	switch (cause.kind) {
		case "keep-alives off":
			return "the transport keeps no connection: DisableKeepAlives is set";
		case "transport a request":
			return `a transport is made for each request (the ledger's table has ${cause.transports} of them), and a connection is kept by its transport only: share one http.Client`;
		case "idle limit":
			return `connections come back to a full idle list and are closed: ${cause.setting}`;
		case "closed idle":
			return cause.timeoutMs > 0
				? `connections are closed while idle: by CloseIdleConnections, or by IdleConnTimeout, at most ${seconds(cause.timeoutMs)}`
				: "connections are closed while idle: somebody calls CloseIdleConnections";
		case "used once":
			return "each connection ends with its first request, though the transport would keep it: bodies are closed before they were read to the end, requests are made with Close, or the peer answers `Connection: close`";
		default:
			return cause satisfies never;
	}
}

function booksEvidence({ ledger, part, atMs }: LedgerView, requests: number, strangers: number) {
	const { stacks, transports = [], transportsSeen = transports.length, watchedMs } = ledger;
	const offset = stacks.find(({ kind }) => kind === "http")?.offset ?? 0;
	const [first] = transports;
	const settings =
		first === undefined
			? ""
			: ` (DisableKeepAlives ${first.keepAlivesOff}, MaxIdleConns ${first.maxIdle}, MaxIdleConnsPerHost ${first.maxIdlePerHost})`;
	const quote = `net/http in ${seconds(watchedMs)}: acquired ${requests}, closed when not in use ${strangers}; ${plural(transportsSeen, "transport")}${settings}`;
	return (says: string): Evidence => ({ line: "runtime", says, quote, part, offset, atMs });
}
