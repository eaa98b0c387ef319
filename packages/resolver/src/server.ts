/**
 * A DNS server around a resolver: listeners, table, gate, and how they change while it runs.
 *
 *   client ─▶ UDP │ TCP │ DoT │ DoH ─▶ gate ─▶ answerer ─▶ table
 *                                                   └─────▶ resolver ─▶ servers
 *
 * A reload opens what is new first; only if all of it could be opened, what is gone is closed. What did not change stays
 * as it is, connections and table with it.
 */
import { randomBytes } from "node:crypto";
import { networkInterfaces } from "node:os";
import type { Resolver } from "./resolution.ts";
import type { ListenPlace } from "./server-address.ts";
import { createAnswerTable } from "./server-answer-table.ts";
import { createAnswerer } from "./server-answerer.ts";
import { CONNECTION_BOUNDS, type ConnectionBounds, createConnections } from "./server-connections.ts";
import { newServerCounters, type ServerCounters } from "./server-counters.ts";
import { listenDoh } from "./server-doh.ts";
import { listenDot } from "./server-dot.ts";
import { createGate, type Gate, LOOPBACK_NETWORKS, type RateBounds } from "./server-gate.ts";
import { listenTcp } from "./server-tcp.ts";
import type { TlsIdentity, TlsListener } from "./server-tls.ts";
import type { UdpListener } from "./server-udp.ts";
import { listenUdpDgram } from "./server-udp-dgram.ts";
import { loadMmsgLibc } from "./server-udp-libc.ts";
import { listenUdpMmsg } from "./server-udp-mmsg.ts";

/** What a reload may change. */
export interface ServerPlan {
	/** UDP and TCP. Port 0 takes a free one, the same for both. `0.0.0.0` and `::`: each address there is now. */
	readonly listen: readonly ListenPlace[];
	readonly dot?: readonly ListenPlace[];
	readonly doh?: readonly ListenPlace[];
	/** Needed by `dot` and `doh`. */
	readonly tls?: TlsIdentity | undefined;
	/** Networks; loopback alone by default. */
	readonly allow?: readonly string[];
	readonly rate?: RateBounds | undefined;
}

export interface DnsServerOptions extends ServerPlan {
	/** Stays the caller's: closed by whoever made it. */
	readonly resolver: Resolver;
	readonly tableBytesMax?: number;
	readonly tableNamesMax?: number;
	readonly inFlightMax?: number;
	readonly connections?: ConnectionBounds;
	/** Monotonic milliseconds. */
	readonly now?: () => number;
	/** `dgram` also where mmsg could be had; for tests and comparisons. */
	readonly udpWay?: "best" | "dgram";
}

export interface BoundPlace extends ListenPlace {
	readonly protocol: "udp" | "tcp" | "dot" | "doh";
	/** UDP: how packets are read. */
	readonly way?: "mmsg" | "dgram";
}

export interface DnsServer {
	places(): readonly BoundPlace[];
	readonly counters: Readonly<ServerCounters>;
	/** Names in the answer table, octets it takes, questions under way, connections. */
	standing(): {
		readonly names: number;
		readonly tableBytes: number;
		readonly inFlight: number;
		readonly connections: number;
	};
	/** Throws ListenError, or RangeError for a bad network; everything is then as it was before. */
	replan(plan: ServerPlan): Promise<void>;
	/** Forgets the table's answers: for when the servers that gave them are no longer trusted. */
	clearTable(): void;
	/** Takes nothing more, gives answers under way a moment, then ends all connections. */
	close(): Promise<void>;
}

interface Listening {
	readonly place: BoundPlace;
	readonly close: () => Promise<void>;
	readonly renew?: TlsListener["renew"];
}

/** A machine has a few ports that are taken for TCP alone. */
const FREE_PORT_TRIES_MAX = 16;
/** Answers under way get so long when the server stops: most take a few ms, the client asks again anyway. */
const DRAIN_MS_MAX = 60;
const TABLE_BYTES_DEFAULT = 16 * 1024 * 1024;
const TABLE_NAMES_DEFAULT = 131_072;

/** Throws ListenError if a place cannot be had, RangeError for a bad network; nothing stays open then. */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
	const { resolver, now = () => performance.now(), udpWay = "best" } = options;
	const counters = newServerCounters();
	const table = createAnswerTable({
		bytesMax: options.tableBytesMax ?? TABLE_BYTES_DEFAULT,
		namesMax: options.tableNamesMax ?? TABLE_NAMES_DEFAULT,
		seeds: secretSeeds(),
	});
	const { inFlightMax } = options;
	const answerer = createAnswerer({
		...{ resolver, table, counters, now },
		...(inFlightMax !== undefined && { inFlightMax }),
	});
	let gate = gateOf(options);
	let gateKey = JSON.stringify([options.allow, options.rate]);
	const serving = { answerer, counters, now, gate: () => gate };
	const connections = createConnections(serving.gate, counters, options.connections ?? CONNECTION_BOUNDS);
	const libc = udpWay === "best" ? await loadMmsgLibc() : undefined;
	let running = new Map<string, Listening[]>();
	let tls = options.tls;

	async function openPlain(place: ListenPlace): Promise<Listening[]> {
		const opened: Listening[] = [];
		try {
			for (let tries = 1; ; tries++) {
				const udp: UdpListener =
					libc === undefined
						? await listenUdpDgram(place.address, place.port, serving)
						: await listenUdpMmsg(libc, place.address, place.port, serving);
				const { address, port, way } = udp;
				try {
					const tcp = await listenTcp(address, port, serving, connections);
					opened.push({ place: { protocol: "udp", address, port, way }, close: udp.close });
					opened.push({ place: { protocol: "tcp", address, port }, close: tcp.close });
					return opened;
				} catch (error) {
					await udp.close();
					if (place.port !== 0 || tries >= FREE_PORT_TRIES_MAX) throw error;
				}
			}
		} catch (error) {
			await closeAll(opened);
			throw error;
		}
	}

	async function openTls(
		protocol: "dot" | "doh",
		place: ListenPlace,
		identity: TlsIdentity | undefined,
	): Promise<Listening[]> {
		if (identity === undefined) throw new RangeError(`${protocol} needs a certificate and a key`);
		const open = protocol === "dot" ? listenDot : listenDoh;
		const listener = await open(place.address, place.port, serving, connections, identity);
		const { address, port, close, renew } = listener;
		return [{ place: { protocol, address, port }, close, renew }];
	}

	async function replan(plan: ServerPlan): Promise<void> {
		const nextGate = gateOf(plan);
		const next = new Map<string, Listening[]>();
		const fresh: Listening[] = [];
		const keep = async (key: string, open: () => Promise<Listening[]>) => {
			if (next.has(key)) return;
			const known = running.get(key);
			const listenings = known ?? (await open());
			if (known === undefined) fresh.push(...listenings);
			next.set(key, listenings);
		};
		try {
			for (const place of plan.listen.flatMap(everyAddress)) {
				await keep(`plain ${place.address} ${place.port}`, () => openPlain(place));
			}
			for (const protocol of ["dot", "doh"] as const) {
				for (const place of (plan[protocol] ?? []).flatMap(everyAddress)) {
					await keep(`${protocol} ${place.address} ${place.port}`, () => openTls(protocol, place, plan.tls));
				}
			}
			renewTls(plan.tls, [...next.values()].flat());
		} catch (error) {
			await closeAll(fresh);
			throw error;
		}
		const nextKey = JSON.stringify([plan.allow, plan.rate]);
		// Who owes something owes it still, if nothing about it has changed.
		if (nextKey !== gateKey) {
			gate = nextGate;
			connections.recheck();
		}
		gateKey = nextKey;
		const gone = [...running].filter(([key]) => !next.has(key)).flatMap(([, listenings]) => listenings);
		running = next;
		// Connections that a gone listener took end by themselves: nobody waits for them here.
		void closeAll(gone);
	}

	/** New connections are greeted with it; a bad one throws before anything has changed. */
	function renewTls(identity: TlsIdentity | undefined, listenings: readonly Listening[]): void {
		if (identity === undefined || (identity.certificate === tls?.certificate && identity.key === tls.key))
			return;
		for (const { renew } of listenings) renew?.(identity);
		tls = identity;
	}

	await replan(options);
	return {
		places: () => [...running.values()].flat().map(({ place }) => place),
		counters,
		standing: () => ({
			names: table.names(),
			tableBytes: table.memoryBytes(),
			inFlight: answerer.inFlight(),
			connections: connections.open(),
		}),
		replan,
		clearTable: table.clear,
		async close() {
			const all = [...running.values()].flat();
			running = new Map();
			const streams = all.filter(({ place }) => place.protocol !== "udp").map(({ close }) => close());
			await within(answerer.idle(), DRAIN_MS_MAX);
			connections.destroyAll();
			await closeAll(all.filter(({ place }) => place.protocol === "udp"));
			await Promise.all(streams);
		},
	};
}

function gateOf({ allow = LOOPBACK_NETWORKS, rate }: ServerPlan): Gate {
	return createGate({ allow, rate });
}

/**
 * A socket on `0.0.0.0` would answer from an address of the kernel's choice, which the client may not have asked. So it
 * is one socket for each address there is.
 */
function everyAddress({ address, port }: ListenPlace): ListenPlace[] {
	const family = address === "0.0.0.0" ? "IPv4" : address === "::" ? "IPv6" : undefined;
	if (family === undefined) return [{ address, port }];
	return Object.entries(networkInterfaces()).flatMap(([name, infos]) =>
		(infos ?? [])
			.filter((info) => info.family === family)
			.map((info) => ({ address: zoned(info.address, name), port })),
	);
}

function zoned(address: string, interfaceName: string): string {
	return address.startsWith("fe80:") ? `${address}%${interfaceName}` : address;
}

async function closeAll(listenings: readonly Listening[]): Promise<void> {
	await Promise.all(listenings.map(({ close }) => close()));
}

async function within(work: Promise<void>, ms: number): Promise<void> {
	const over = new AbortController();
	await Promise.race([
		work,
		new Promise<void>((resolve) => {
			const timer = setTimeout(resolve, ms);
			over.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
		}),
	]);
	over.abort();
}

function secretSeeds(): [number, number] {
	const bytes = randomBytes(8);
	return [bytes.readInt32LE(0), bytes.readInt32LE(4)];
}
