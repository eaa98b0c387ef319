/**
 * time-wait-storm: TIME_WAIT towards one peer eats the ports that connections to it need.
 *
 * A connection is told by its four numbers; towards one peer only the local port is free, and a closed one
 * stays in TIME_WAIT for 60 s on the side that closed first. So a client that closes n a second has 60 n ports
 * in TIME_WAIT, and from range/60 a second on (470 of the default range) connect(2) fails with EADDRNOTAVAIL.
 */
import type { TcpPeer } from "@plumbline/signals/tcp-life";
import { isDatabasePort } from "../database-ports.ts";
import { percent, plural, seconds } from "../evidence.ts";
import type { Evidence, Finding, FindingId, Severity } from "../finding.ts";
import { type ChurnCause, causeInWords, causeOfChurn, httpBooks } from "../http-churn.ts";
import { closingsThatAgree, type PoolClosings } from "../pool-closings.ts";
import { finding, present, type Rule } from "../rule.ts";
import {
	addressOf,
	closesAllAlong,
	peerEvidence,
	perSecond,
	portRange,
	rate,
	type TcpLifeView,
} from "../tcp-life-view.ts";
import type { World } from "../world.ts";

/** Share of the port range from which a doubled load is no longer carried for long. */
const WARNING_SHARE = 0.3;
/** From here on connect(2) searches long and fails in peaks. */
const CRITICAL_SHARE = 0.8;
/** Of the ports in use those in TIME_WAIT: where live connections fill the range, the fault is another. */
const TIME_WAIT_SHARE_MIN = 0.5;
/** TIME_WAIT lasts this long on Linux, whatever is set. */
const TIME_WAIT_MS = 60_000;
/** Of the new ones those this process closed, from which on they are its doing: the namespace is shared. */
const OWN_SHARE_MIN = 0.5;

interface Storm {
	readonly peer: TcpPeer;
	readonly share: number;
	readonly range: number;
}

export const timeWaitStorm: Rule = {
	id: "time-wait-storm",
	about: {
		sees: "TIME_WAIT towards one peer that takes a large share of the local ports, and more coming all the time",
		hurts:
			"when the ports are used up, every further connection to this peer fails with EADDRNOTAVAIL (cannot assign requested address)",
		otherwise: [
			"another program of the same host or pod that dials the same peer: the ports are shared, the cure is there",
			"a load test that has just ended: then no new ones come",
		],
		fix: [
			"keep connections instead of closing them: pool-churn names the settings",
			"`sysctl net.ipv4.tcp_tw_reuse=1`: outgoing connections may take over a port after one second",
			"more peers, local addresses, or a wider net.ipv4.ip_local_port_range move the limit, and cure nothing",
		],
		stop: [
			"`plumbline reclaim time-wait` shows what could be freed, and what it risks",
			"shed load: after one minute without closes all ports are free again",
		],
		verify: [
			"run plumbline diagnose again under the same load: TIME_WAIT towards the peer falls within a minute",
		],
	},
	examine(world, found) {
		const { tcpLife } = world;
		const storm = tcpLife && worst(tcpLife);
		if (tcpLife === undefined || storm === undefined) return undefined;
		const { peer, share, range } = storm;
		const { fresh, last } = peer.timeWait;
		const reused = reusesPorts(world, peer);
		const database = isDatabasePort(peer.port, world.databasePort);
		const closings = database ? closingsThatAgree(world.pools, fresh) : undefined;
		const cause = database ? undefined : causeOfChurn(world, peer);
		const counted = closings !== undefined || cause !== undefined;
		const ours = counted || peer.closedByUs >= fresh * OWN_SHARE_MIN;
		return finding("time-wait-storm", timeWaitStorm.about, {
			severity: severityOf(storm, reused, ours),
			confidence: ours ? 0.9 : 0.5,
			count: last,
			title: `${last} connections to ${addressOf(peer)} in TIME_WAIT take ${percent(share)} of the local ports`,
			story: present([
				`${rate(perSecond(tcpLife, fresh))} more a second; each keeps its port for 60 s`,
				reused ?? forecast(tcpLife, storm),
				cause ? causeInWords(cause) : whatItMayBe(database, closings),
				ours ? undefined : whoseElse(peer),
			]).join("; "),
			causes: causesOf(found, { peer, database, cause }),
			attribution: {
				candidates: [],
				siblings: [],
				holderGap:
					"sockets know no line of code; look for who opens connections to this peer and closes them",
			},
			evidence: present<Evidence>([
				peerEvidence(tcpLife, peer, `${peer.portsUsed.last} of ${range} ports in use towards this peer`),
				closings?.evidence,
				cause && httpBooks(world)?.evidence("requests of the HTTP client, which explain the closes"),
			]),
		});
	},
};

function worst(view: TcpLifeView): Storm | undefined {
	const range = portRange(view);
	if (range === undefined) return undefined;
	const storms = view.dialled
		// A process that was never seen to open any has no part in it.
		.filter(
			({ opens, timeWait, portsUsed }) => opens > 0 && timeWait.last >= portsUsed.last * TIME_WAIT_SHARE_MIN,
		)
		.map((peer) => ({ peer, range, share: Math.min(1, peer.portsUsed.last / range) }))
		.filter(({ peer, share }) => share >= WARNING_SHARE && closesAllAlong(view, peer));
	return storms.toSorted((a, b) => b.share - a.share)[0];
}

/** Ports do not run out where the kernel takes them over after a second. In words; undefined where it does not. */
function reusesPorts({ signals }: World, { ip }: TcpPeer): string | undefined {
	const mode = signals.process.at(-1)?.value.tcpTwReuse;
	const loopback = /^127\.|^::1$/.test(ip);
	if (mode === 1)
		return "tcp_tw_reuse is on: a port can be taken over after a second, so they do not run out soon";
	if (mode === 2 && loopback)
		return "on loopback a port can be taken over after a second (tcp_tw_reuse=2), so they do not run out soon";
	return undefined;
}

/** What closes connections all the time: the churn of this very peer, or whole pools that come and go. */
function causesOf(
	found: readonly Finding[],
	at: { readonly peer: TcpPeer; readonly database: boolean; readonly cause: ChurnCause | undefined },
): FindingId[] {
	const ofThisPeer = ({ evidence }: Finding) =>
		evidence.some((e) => e.line === "sockets" && e.offset === at.peer.offset);
	const isCause = (f: Finding): boolean => {
		switch (f.id) {
			// Noted only, as keep-alives that are off are: but here is what comes of it.
			case "pool-churn":
				return (
					ofThisPeer(f) &&
					(f.severity !== "note" || (at.cause !== undefined && at.cause.kind !== "used once"))
				);
			case "http-body-undrained":
				return ofThisPeer(f) && f.severity !== "note";
			case "db-per-request":
				return at.database && f.severity !== "note";
			default:
				return false;
		}
	};
	return found.filter(isCause).map(({ id }) => id);
}

/** Where no line tells what closes them. */
function whatItMayBe(database: boolean, closings: PoolClosings | undefined): string | undefined {
	if (closings !== undefined) return `the pool closes them by its limit ${closings.setting}`;
	return database
		? undefined
		: "of an HTTP client it is one of four: MaxIdleConnsPerHost (2 unless set), DisableKeepAlives, a client made for each request, bodies closed unread; the borrow ledger tells which";
}

/** Nothing this service could change would cure what another program of the pod closes. */
function severityOf({ share }: Storm, reused: string | undefined, ours: boolean): Severity {
	if (reused !== undefined || !ours) return "note";
	return share >= CRITICAL_SHARE ? "critical" : "warning";
}

function whoseElse({ closedByUs, unattributed, timeWait: { fresh } }: TcpPeer): string {
	return unattributed >= fresh / 2
		? `of ${fresh} new ones ${unattributed} could not be told from another program's: --trace tells whose they are`
		: `of ${fresh} new ones this service closed ${closedByUs}: look for another program of this host or pod that dials the same peer`;
}

function forecast(view: TcpLifeView, { peer, range }: Storm): string {
	const { first, last } = peer.portsUsed;
	const growth = perSecond(view, last - first);
	const settles = perSecond(view, peer.timeWait.fresh) * (TIME_WAIT_MS / 1000);
	if (last >= range) return "no port is left";
	if (settles < range) return `at this rate it settles at about ${percent(settles / range)}`;
	if (growth <= 0) return "the closes come faster than the ports are freed";
	return `at this rate the last of ${plural(range, "port")} is taken in ${seconds(((range - last) / growth) * 1000)}`;
}
