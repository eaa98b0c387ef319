/** The life of connections of a model service, peer by peer; all counts 0 but those given. */
import type { TcpLife, TcpPeer } from "@plumbline/signals/tcp-life";
import { DB_IP, DB_PORT } from "./lines.ts";

/** Over ten seconds, a look a second, on a host with the default port range. */
export function tcpLife(peers: readonly TcpPeer[], over: Partial<TcpLife> = {}): TcpLife {
	return {
		pid: 4711,
		route: "looks",
		spanMs: 10_000,
		looks: 11,
		pauseMsMax: 1_004,
		ephemeralPorts: { first: 32_768, last: 60_999 },
		peers,
		peersLeftOut: 0,
		eventsLost: 0,
		...over,
	};
}

/** The database, unless `over` says otherwise. */
export function peer(over: Partial<TcpPeer>): TcpPeer {
	return {
		direction: "out",
		ip: DB_IP,
		port: DB_PORT,
		atStart: 0,
		atEnd: 0,
		kept: 0,
		opens: 0,
		closedByUs: 0,
		closedByPeer: 0,
		closedOtherwise: 0,
		unseen: 0,
		unattributed: 0,
		foreign: 0,
		states: {},
		timeWait: { first: 0, last: 0, fresh: 0, freshLooks: 0 },
		portsUsed: { first: 0, last: 0 },
		offset: 200,
		...over,
	};
}

/** `perSecond` connections opened and closed by the service, for longer than a minute, `live` at a time. */
export function churning(perSecond: number, live: number, over: Partial<TcpPeer> = {}): TcpPeer {
	const passed = perSecond * 10;
	const waiting = perSecond * 60;
	return peer({
		atStart: live,
		atEnd: live,
		kept: Math.min(2, live),
		opens: passed,
		closedByUs: passed,
		timeWait: { first: waiting, last: waiting, fresh: passed, freshLooks: 10 },
		portsUsed: { first: waiting + live, last: waiting + live },
		...over,
	});
}
