/**
 * Database sessions over the window, and which of them are the target's.
 *
 * The link is the address pair: the server's (client_addr, client_port) is the service's local (ip, port).
 * NAT, proxies and unix sockets weaken it, and the link says so.
 */
import type { DbSession, SessionTable } from "@plumbline/signals/sessions";
import type { Sampled, Signals } from "@plumbline/signals/signals";
import { isDatabasePort } from "./database-ports.ts";
import { isOwned, type SocketOwners, socketOwners } from "./socket-owners.ts";

/** One sighting of a session. */
export interface Sighting {
	/** When the list had been read, in milliseconds from the start of the window; asked for it was at `fromMs`. */
	readonly atMs: number;
	readonly fromMs: number;
	readonly part: string;
	readonly session: DbSession;
}

export interface SessionHistory {
	readonly id: number;
	readonly sightings: readonly Sighting[];
	readonly first: Sighting;
	readonly last: Sighting;
	/** Seen in every sample of the window. */
	readonly throughout: boolean;
}

/** A join weaker than this carries no count, and refutes nothing. */
export const LINK_CONFIDENCE_MIN = 0.5;

/** How surely the sessions are the target's, and why. */
export interface SessionLink {
	/** 0..1. */
	readonly confidence: number;
	readonly reason: string;
}

export interface ServiceSessions {
	readonly engine: SessionTable["engine"];
	/** Every client session the server showed. */
	readonly all: readonly SessionHistory[];
	/** Those joined to the target. */
	readonly ours: readonly SessionHistory[];
	readonly link: SessionLink;
	/** Time between the first and the last sample. */
	readonly spanMs: number;
	readonly sampleTimesMs: readonly number[];
	readonly connectionsMax: number | undefined;
}

export function serviceSessions(signals: Signals): ServiceSessions | undefined {
	const samples = signals.sessions;
	const first = samples[0];
	if (first === undefined) return undefined;
	const startMs = signals.window.start.monoMs;
	const times = samples.map((s) => s.part.end.monoMs - startMs);
	const all = histories(samples, times, startMs);
	const { ours, link } = joinToTarget(all, signals, first.value.server.port);
	return {
		engine: first.value.engine,
		all,
		ours,
		link,
		spanMs: (times.at(-1) ?? 0) - (times[0] ?? 0),
		sampleTimesMs: times,
		connectionsMax: first.value.connectionsMax,
	};
}

function histories(
	samples: readonly Sampled<SessionTable>[],
	times: readonly number[],
	startMs: number,
): SessionHistory[] {
	const byId = new Map<number, Sighting[]>();
	samples.forEach((sample, i) => {
		const fromMs = sample.part.start.monoMs - startMs;
		for (const session of sample.value.sessions) {
			const sighting = { atMs: times[i] ?? 0, fromMs, part: sample.part.name, session };
			const known = byId.get(session.id);
			if (known === undefined) byId.set(session.id, [sighting]);
			else known.push(sighting);
		}
	});
	const out: SessionHistory[] = [];
	for (const [id, sightings] of byId) {
		const first = sightings[0];
		const last = sightings.at(-1);
		if (first === undefined || last === undefined) continue;
		out.push({ id, sightings, first, last, throughout: sightings.length === samples.length });
	}
	return out;
}

function joinToTarget(
	all: readonly SessionHistory[],
	signals: Signals,
	serverPort: number,
): { ours: SessionHistory[]; link: SessionLink } {
	const owned = targetEndpoints(signals);
	if (owned === undefined) {
		return {
			ours: [...all],
			link: { confidence: 0.4, reason: "sockets were not read: any client of this database may be counted" },
		};
	}
	const exact = all.filter(({ first: { session } }) => {
		return session.client !== undefined && owned.pairs.has(`${session.client.ip}:${session.client.port}`);
	});
	if (exact.length > 0) return { ours: exact, link: EXACT[owned.by] };
	const byPort = all.filter(({ first: { session } }) => {
		return session.client !== undefined && owned.portsTo(serverPort).has(session.client.port);
	});
	if (byPort.length > 0) return { ours: byPort, link: BY_PORT[owned.by] };
	return {
		ours: [],
		link: {
			confidence: 0,
			reason:
				"no session's client address is a socket of this process (a proxy such as pgbouncer, a unix socket, or another database)",
		},
	};
}

const EXACT: Readonly<Record<SocketOwners["kind"], SessionLink>> = {
	descriptors: { confidence: 1, reason: "client address and port are this process's sockets" },
	pid: {
		confidence: 0.9,
		reason: "client address and port are sockets of the process that the pasted table names",
	},
	anyone: {
		confidence: 0.7,
		reason: "client address and port are in the pasted socket table, of whatever process",
	},
};

/** Network address translation leaves the ports alone, as a rule. */
const BY_PORT: Readonly<Record<SocketOwners["kind"], SessionLink>> = {
	descriptors: {
		confidence: 0.6,
		reason: "client ports match this process's sockets but addresses do not (NAT between them)",
	},
	pid: {
		confidence: 0.5,
		reason: "client ports match the pasted table's sockets but addresses do not (NAT between them)",
	},
	anyone: { confidence: 0.4, reason: "client ports are in the pasted socket table, but addresses are not" },
};

interface Endpoints {
	readonly by: SocketOwners["kind"];
	/** `ip:port` of the local ends. */
	readonly pairs: ReadonlySet<string>;
	readonly portsTo: (peerPort: number) => ReadonlySet<number>;
}

/** Local ends of the target's connections over all samples; undefined when no owner is known. */
function targetEndpoints(signals: Signals): Endpoints | undefined {
	const owners = socketOwners(signals);
	if (owners === undefined) return undefined;
	const isOurs = isOwned(
		owners,
		signals.fds.map(({ value }) => value),
	);
	const pairs = new Set<string>();
	const byPeer = new Map<number, Set<number>>();
	for (const { value } of signals.sockets) {
		for (const s of value.sockets) {
			if (!isOurs(s)) continue;
			pairs.add(`${s.localIp}:${s.localPort}`);
			// A pasted session list does not tell the server's port.
			for (const port of isDatabasePort(s.peerPort, undefined) ? [s.peerPort, 0] : [s.peerPort]) {
				const ports = byPeer.get(port) ?? new Set<number>();
				byPeer.set(port, ports.add(s.localPort));
			}
		}
	}
	return { by: owners.kind, pairs, portsTo: (port) => byPeer.get(port) ?? new Set() };
}
