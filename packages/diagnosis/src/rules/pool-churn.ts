/**
 * pool-churn: connections to one peer opened and closed all the time, by us, where few are kept.
 *
 * Sockets line: opens per second against the connections that stay. Pool line: the pool counts what it closed
 * by its own limits, and names the limit. Of net/http's client, which counts nothing, the borrow ledger tells the
 * cause (http-churn.ts). A pool that grows with the load opens as many as it keeps; churn opens many times that.
 */
import type { TcpPeer } from "@plumbline/signals/tcp-life";
import { isDatabasePort } from "../database-ports.ts";
import { plural } from "../evidence.ts";
import type { Evidence, Severity } from "../finding.ts";
import { asCandidates, httpCallers } from "../http-callers.ts";
import { type ChurnCause, causeInWords, causeOfChurn, causeOfPile, httpBooks } from "../http-churn.ts";
import { closingsThatAgree, type PoolClosings } from "../pool-closings.ts";
import { finding, present, type Rule } from "../rule.ts";
import {
	addressOf,
	closesAllAlong,
	peerEvidence,
	perSecond,
	rate,
	type TcpLifeView,
} from "../tcp-life-view.ts";
import type { World } from "../world.ts";

/** Fewer opens in a window may be a pool that warms up, or a handful of health checks. */
const OPENS_MIN = 50;
const OPENS_PER_SECOND_MIN = 5;
/** Opened in the window for each connection there at its end; a growing pool has at most one. */
const OPENS_PER_LIVE_MIN = 5;
/** Of the closes those that were ours: where the peer closes, our settings are not the cause. */
const CLOSED_BY_US_SHARE_MIN = 0.8;
/** Of the opens those that are there still. */
const PILED_SHARE_MIN = 0.8;

interface Churn {
	readonly peer: TcpPeer;
	readonly opens: number;
	readonly database: boolean;
	readonly closings: PoolClosings | undefined;
	/** Of net/http's client, where the ledger tells. */
	readonly cause: ChurnCause | undefined;
	/** They are not closed, either: nobody uses them again, and they pile up. */
	readonly piles: boolean;
}

export const poolChurn: Rule = {
	id: "pool-churn",
	about: {
		sees: "connections to one peer that this service opens all the time instead of keeping those it has and using them again",
		hurts:
			"each one costs a hand-shake, at a database a login and a process as well, and leaves a port in TIME_WAIT for a minute",
		otherwise: [
			"a client that is meant to connect anew each time: a prober, a proxy without keep-alive, a batch of short commands",
			"a pool opened for each request: then db-per-request says so",
			"connections thrown away after errors or cancelled statements: the log tells",
			"an HTTP server that answers `Connection: close`, or a peer that speaks HTTP/1.0: the client then closes, often first, and the cure is with the peer",
		],
		fix: [
			"database/sql keeps 2 idle connections by default: `db.SetMaxIdleConns(n)` with n near the usual number in use, at most MaxOpenConns",
			"`SetConnMaxIdleTime` and `SetConnMaxLifetime` in minutes, not in milliseconds",
			"`sslmode=prefer` towards a PostgreSQL server without TLS dials twice for each connection: say `disable`, or give the server TLS",
			"net/http keeps 2 idle connections a host by default: raise Transport.MaxIdleConnsPerHost (and MaxIdleConns) to the usual number of calls at one time",
			"make one http.Client and share it: connections are kept by its Transport, so neither of them belongs in a request's path",
			"leave DisableKeepAlives off unless the peer cannot do without it; read bodies to their end and close them",
		],
		stop: ["nothing is lost for good: raise the idle limit at the next deployment"],
		verify: ["run plumbline diagnose again under the same load: opens per second fall to nearly none"],
	},
	examine(world, found) {
		const { tcpLife } = world;
		// Pools that come and go take their connections with them: no setting of a pool would cure that.
		if (found.some((f) => f.id === "db-per-request" && f.severity !== "note")) return undefined;
		const churn = tcpLife && worst(world, tcpLife);
		if (tcpLife === undefined || churn === undefined) return undefined;
		const { peer, opens, database, closings, cause, piles } = churn;
		if (!database && found.some((f) => f.id === "http-body-undrained" && f.severity !== "note"))
			return undefined;
		const perS = perSecond(tcpLife, opens);
		const guessed = peer.unseen > opens / 2 && closings === undefined && cause === undefined;
		return finding("pool-churn", poolChurn.about, {
			severity: severityOf(churn),
			confidence: confidenceOf(churn, guessed),
			count: opens,
			title: `${rate(perS)} connections a second opened to ${addressOf(peer)} and ${piles ? "never used again" : "closed again by this service"}`,
			story: present([
				`${plural(opens, "connection")} were opened in the window where ${peer.atEnd} are open at its end` +
					(peer.atStart > 0 ? `; of the ${peer.atStart} at its start ${peer.kept} were kept` : ""),
				closings && `the pool closed ${closings.count} by its own limit ${closings.setting}`,
				cause && causeInWords(cause),
				piles
					? "what a transport keeps stays open when the transport is forgotten, with two goroutines: until its IdleConnTimeout, if it has one, or until the server hangs up"
					: undefined,
				opens > peer.opens
					? `${opens - peer.opens} of them are told by their TIME_WAIT alone; that they are this service's ${database ? "the pool's own count" : "the ledger's count of requests"} says`
					: undefined,
				guessed
					? `${peer.unseen} of them lived between two looks and are told by their TIME_WAIT; --trace counts each`
					: undefined,
			]).join("; "),
			...(piles ? { stop: PILED_STOP } : {}),
			attribution: {
				// Whoever asks is near whoever makes the client it asks by.
				candidates: cause?.kind === "transport a request" ? asCandidates(httpCallers(world)) : [],
				siblings: [],
				holderGap: whereToLook(churn),
			},
			evidence: present<Evidence>([
				peerEvidence(tcpLife, peer, `${rate(perS)} opens a second, ${peer.atEnd} open at the end`),
				closings?.evidence,
				cause &&
					httpBooks(world)?.evidence(`requests of the HTTP client, ${rate(perS)} opens a second beside them`),
			]),
		});
	},
};

const PILED_STOP = ["restart the service: that frees the connections and their goroutines, for a while"];

function worst(world: World, view: TcpLifeView): Churn | undefined {
	const churns = view.dialled.map((peer) => churnOf(world, view, peer)).filter((c) => c !== undefined);
	return churns.toSorted((a, b) => Number(b.database) - Number(a.database) || b.opens - a.opens)[0];
}

function churnOf(world: World, view: TcpLifeView, peer: TcpPeer): Churn | undefined {
	const database = isDatabasePort(peer.port, world.databasePort);
	const byUs = peer.closedByUs + peer.unattributed;
	const closings = database ? closingsThatAgree(world.pools, byUs) : undefined;
	const cause = database ? undefined : causeOfChurn(world, peer);
	// Whose the unattributed are the sockets cannot tell; a pool that closed as many, or a ledger that saw as many
	// requests, can.
	const unattributed = closings === undefined && cause === undefined ? 0 : peer.unattributed;
	const opens = peer.opens + unattributed;
	const closedByUs = peer.closedByUs + unattributed;
	const closes = closedByUs + peer.closedByPeer + peer.closedOtherwise;
	if (opens < OPENS_MIN || perSecond(view, opens) < OPENS_PER_SECOND_MIN) return undefined;
	const made = { peer, opens, database, closings };
	// A pool that grows opens as many and keeps them as well: only the ledger can tell it from this.
	if (!database && peer.atEnd - peer.atStart >= opens * PILED_SHARE_MIN) {
		const ofPile = causeOfPile(world, peer);
		return ofPile && { ...made, cause: ofPile, piles: true };
	}
	const churns =
		opens >= OPENS_PER_LIVE_MIN * Math.max(1, peer.atEnd) &&
		closedByUs >= closes * CLOSED_BY_US_SHARE_MIN &&
		closesAllAlong(view, peer);
	if (!churns) return undefined;
	return { ...made, cause, piles: false };
}

/**
 * To a peer that is no database nothing but the sockets tells without the ledger, and they look the same where the
 * peer asks for each close (`Connection: close`): whatever the rate, it is noted. Keep-alives are turned off by
 * somebody who wants it so.
 */
function severityOf({ database, cause }: Churn): Severity {
	if (database) return "warning";
	return cause === undefined || cause.kind === "used once" || cause.kind === "keep-alives off"
		? "note"
		: "warning";
}

function confidenceOf({ database, closings, cause }: Churn, guessed: boolean): number {
	if (closings !== undefined) return 0.95;
	if (cause !== undefined) return cause.kind === "used once" ? 0.7 : 0.9;
	if (!database) return 0.6;
	return guessed ? 0.7 : 0.85;
}

function whereToLook({ closings, database, cause }: Churn): string {
	if (closings !== undefined) return `a setting, not a line: ${closings.setting} of the pool`;
	if (database)
		return "most often a setting, not a line: MaxIdleConns of the pool; its counters (sql.DBStats, --metrics) would say which";
	if (cause === undefined)
		return "most often a setting, not a line: MaxIdleConnsPerHost of the HTTP transport, DisableKeepAlives, or a Client made for each request, which the borrow ledger would tell apart; or the peer asks for it: see whether it answers `Connection: close`";
	switch (cause.kind) {
		case "used once":
			return "see whether the peer answers `Connection: close`; if not, see who closes bodies before their end, or sets Request.Close";
		case "transport a request":
			return "look for an http.Client or http.Transport that is made in the path of a request: near who calls the client, perhaps in a helper";
		default:
			return `a setting, not a line: ${causeInWords(cause)}`;
	}
}
