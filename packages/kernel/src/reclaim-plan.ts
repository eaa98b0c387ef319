/**
 * Decides which sockets in TIME_WAIT a clean-up may take, and says of every other one why it stays. Pure:
 * a dry run and the deed have the same plan.
 *
 * TIME_WAIT is there for a reason: it keeps late segments of an old connection out of a new one between
 * the same ports (RFC 9293, 3.3.2; RFC 1337), and answers the peer if our last ACK was lost. Both are worth most
 * in the first seconds, so young sockets stay, and of the rest the oldest go first.
 */
import { isPrivateAddress } from "./private-address.ts";
import type { TimeWaitRow } from "./time-wait-rows.ts";

/** Why a socket stays. In this order: the first that holds is told. */
export const SPARED_CODES = [
	"not-time-wait",
	"other-peer",
	"public-address",
	"no-cookie",
	"repeated",
	"too-young",
	"over-max",
] as const;
export type SparedCode = (typeof SPARED_CODES)[number];

export interface Spared {
	readonly code: SparedCode;
	readonly count: number;
	/** The first such socket. */
	readonly example: TimeWaitRow;
}

export interface ReclaimWish {
	readonly peerIp: string;
	readonly peerPort: number;
	readonly olderThanMs: number;
	readonly max: number;
}

export interface ReclaimPlan {
	/** Oldest first. */
	readonly taken: readonly TimeWaitRow[];
	readonly spared: readonly Spared[];
}

/** TCP_TIMEWAIT_LEN of Linux (net/tcp.h): not a setting. */
const TIME_WAIT_MS = 60_000;
const STATE_TIME_WAIT = 6;
/** INET_DIAG_NOCOOKIE: the kernel would then take any socket with these addresses, a live one too. */
const ANY_COOKIE = 0xffff_ffff_ffff_ffffn;
const NO_COOKIE = 0n;

/** How long the socket has been in TIME_WAIT. */
export function ageMs(row: TimeWaitRow): number {
	return Math.max(0, TIME_WAIT_MS - row.expiresMs);
}

export function planReclaim(rows: readonly TimeWaitRow[], wish: ReclaimWish): ReclaimPlan {
	const cookies = new Set<bigint>();
	const fit: TimeWaitRow[] = [];
	const spared = new Map<SparedCode, { count: number; readonly example: TimeWaitRow }>();
	const spare = (code: SparedCode, example: TimeWaitRow) => {
		const known = spared.get(code);
		if (known === undefined) spared.set(code, { count: 1, example });
		else known.count++;
	};
	for (const row of rows) {
		const code = whyNot(row, wish) ?? (cookies.has(row.cookie) ? "repeated" : undefined);
		cookies.add(row.cookie);
		if (code !== undefined) spare(code, row);
		else if (ageMs(row) < wish.olderThanMs) spare("too-young", row);
		else fit.push(row);
	}
	fit.sort((a, b) => a.expiresMs - b.expiresMs);
	const taken = fit.slice(0, Math.max(0, wish.max));
	for (const row of fit.slice(taken.length)) spare("over-max", row);
	return {
		taken,
		spared: SPARED_CODES.flatMap((code) => {
			const found = spared.get(code);
			return found === undefined ? [] : [{ code, ...found }];
		}),
	};
}

/** What speaks against a socket by itself, whatever else is in the table. */
function whyNot(row: TimeWaitRow, wish: ReclaimWish): SparedCode | undefined {
	if (row.state !== STATE_TIME_WAIT) return "not-time-wait";
	if (row.peerIp !== wish.peerIp || row.peerPort !== wish.peerPort) return "other-peer";
	if (!isPrivateAddress(row.peerIp) || !isPrivateAddress(row.localIp)) return "public-address";
	if (row.cookie === NO_COOKIE || row.cookie === ANY_COOKIE) return "no-cookie";
	return undefined;
}
