/**
 * Database sessions over the window, and which of them are the target's.
 *
 * The link is the address pair: the server's (client_addr, client_port) is the service's local (ip, port).
 * NAT, proxies and unix sockets weaken it, and the link says so.
 */
import type { DbSession, SessionTable } from "@plumbline/signals/sessions";
import type { Sampled, Signals } from "@plumbline/signals/signals";

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
	if (exact.length > 0) {
		return {
			ours: exact,
			link: { confidence: 1, reason: "client address and port are this process's sockets" },
		};
	}
	const byPort = all.filter(({ first: { session } }) => {
		return session.client !== undefined && owned.portsTo(serverPort).has(session.client.port);
	});
	if (byPort.length > 0) {
		return {
			ours: byPort,
			link: {
				confidence: 0.6,
				reason: "client ports match this process's sockets but addresses do not (NAT between them)",
			},
		};
	}
	return {
		ours: [],
		link: {
			confidence: 0,
			reason:
				"no session's client address is a socket of this process (a proxy such as pgbouncer, a unix socket, or another database)",
		},
	};
}

interface Endpoints {
	/** `ip:port` of the local ends. */
	readonly pairs: ReadonlySet<string>;
	readonly portsTo: (peerPort: number) => ReadonlySet<number>;
}

/** Local ends of the target's connections over all samples; undefined when no owner is known. */
function targetEndpoints(signals: Signals): Endpoints | undefined {
	if (signals.fds.length === 0 || signals.sockets.length === 0) return undefined;
	const inodes = new Set(signals.fds.flatMap((s) => [...s.value.byInode.keys()]));
	const pairs = new Set<string>();
	const byPeer = new Map<number, Set<number>>();
	for (const { value } of signals.sockets) {
		for (const s of value.sockets) {
			if (s.inode === 0 || !inodes.has(s.inode)) continue;
			pairs.add(`${s.localIp}:${s.localPort}`);
			const ports = byPeer.get(s.peerPort) ?? new Set<number>();
			byPeer.set(s.peerPort, ports.add(s.localPort));
		}
	}
	return { pairs, portsTo: (port) => byPeer.get(port) ?? new Set() };
}
