/**
 * Which TCP socket a pooled connection of a running Go program is, found in its memory by following the
 * connection's own parts until they end in a *net.netFD:
 *
 * ```
 * database/sql.driverConn ─ci▶ pq.conn ─c▶ tls.Conn ─conn▶ net.TCPConn ─fd▶ net.netFD
 * netFD { pfd { …, Sysfd, … }, …, net "tcp", laddr ▶ TCPAddr { …, Port, … }, raddr ▶ … }
 * ```
 *
 * The handle itself has no type on it, so the few kinds of handle are tried by where they keep their first
 * interface; from there on types lead. The nearest netFD counts. It must name a known descriptor and that
 * socket's both ports; the program runs on while it is read, so what fails is read once more. Where two
 * sockets are equally near, or two handles lead to the same one, nothing is told.
 *
 * It can mislead where a connection holds another connection nearer than its own, and alone does so.
 */

import { ownValues } from "./go-own-values.ts";
import { type GoField, type GoStruct, type GoTypes, type GoValue, goTypesOf } from "./go-types.ts";
import { readWord, WORD, wordAt } from "./memory-words.ts";
import type { ProcessMemory } from "./process-memory.ts";

/** A TCP socket of the process, as the kernel tells it. */
export interface TcpFd {
	readonly fd: number;
	readonly inode: number;
	readonly localPort: number;
	readonly remotePort: number;
}

/**
 * Where handles keep their first interface: `hops` are offsets of pointers to follow, `at` is its offset.
 * Checked by what lies there: an interface's table repeats its type's hash.
 */
const HANDLES: readonly {
	readonly handle: string;
	readonly hops: readonly number[];
	readonly at: number;
	readonly kind: "any" | "with-methods";
}[] = [
	// {db, createdAt (3 words), Mutex (1 word), ci driver.Conn, …}, the same since Go 1.10
	{ handle: "database/sql.driverConn", hops: [], at: 40, kind: "with-methods" },
	// {alt (2 words), t, cacheKey (3 strings, bool), conn net.Conn, …}, the same since Go 1.12
	{ handle: "net/http.persistConn", hops: [], at: 80, kind: "with-methods" },
	// {value interface{}, …}
	{ handle: "puddle.Resource", hops: [], at: 0, kind: "any" },
	{ handle: "pgxpool.Conn of pgx v4", hops: [0], at: 0, kind: "any" },
	// {value *connResource} ▶ {conn *pgx.Conn} ▶ {pgConn *PgConn} ▶ {conn net.Conn}
	{ handle: "puddle/v2.Resource of pgxpool", hops: [0, 0, 0], at: 0, kind: "with-methods" },
	{ handle: "pgxpool.Conn of pgx v5", hops: [0, 0, 0, 0], at: 0, kind: "with-methods" },
];

/** Wrappers of tracing and TLS add one step each to the five of pgx under database/sql. */
const STEPS_MAX = 12;
const VALUES_MAX = 2_000;
const HANDLES_MAX = 20_000;
const READS_MAX = 2;

/** Handles of which nothing is certain are left out. */
export function socketsOfConnections(
	memory: ProcessMemory,
	handles: readonly number[],
	tcpFds: readonly TcpFd[],
): ReadonlyMap<number, TcpFd> {
	const types = goTypesOf(memory);
	const byFd = new Map(tcpFds.map((socket) => [socket.fd, socket]));
	const found = new Map<number, TcpFd>();
	const handlesOf = new Map<number, number>();
	for (const handle of new Set(handles.slice(0, HANDLES_MAX))) {
		for (let reads = 0; reads < READS_MAX; reads++) {
			const socket = socketOf(memory, types, handle, byFd);
			if (socket === undefined) continue;
			found.set(handle, socket);
			handlesOf.set(socket.fd, (handlesOf.get(socket.fd) ?? 0) + 1);
			break;
		}
	}
	return new Map([...found].filter(([, { fd }]) => handlesOf.get(fd) === 1));
}

/** Ways in that lead to different sockets are no way in. */
function socketOf(
	memory: ProcessMemory,
	types: GoTypes,
	handle: number,
	byFd: ReadonlyMap<number, TcpFd>,
): TcpFd | undefined {
	const sockets = new Set<TcpFd | undefined>();
	for (const { hops, at, kind } of HANDLES) {
		let address: number | undefined = handle;
		for (const hop of hops) address = address && readWord(memory, address + hop);
		const bytes = address ? memory.read(address + at, 2 * WORD) : undefined;
		const first = bytes && types.held(kind, wordAt(bytes, 0) ?? 0, wordAt(bytes, WORD) ?? 0);
		if (first !== undefined) sockets.add(nearestSocket(memory, types, first, byFd));
	}
	sockets.delete(undefined);
	return sockets.size === 1 ? [...sockets][0] : undefined;
}

function nearestSocket(
	memory: ProcessMemory,
	types: GoTypes,
	first: GoValue,
	byFd: ReadonlyMap<number, TcpFd>,
): TcpFd | undefined {
	const seen = new Set<string>();
	let layer: readonly GoValue[] = [first];
	for (let step = 0; step < STEPS_MAX && layer.length > 0; step++) {
		const ends = new Set<TcpFd | undefined>();
		const next: GoValue[] = [];
		for (const value of layer) {
			const key = `${value.address} ${value.type.address}`;
			if (seen.has(key)) continue;
			if (seen.size === VALUES_MAX) return undefined;
			seen.add(key);
			if (isNetFd(value.type)) ends.add(socketOfNetFd(memory, types, value.address, value.type, byFd));
			else next.push(...(ownValues(memory, types, value) ?? []));
		}
		// Any netFD ends the search, a Unix socket's too: beyond it lie other connections.
		if (ends.size > 0) return ends.size === 1 ? [...ends][0] : undefined;
		layer = next;
	}
	return undefined;
}

function isNetFd(type: GoValue["type"]): type is GoStruct {
	return (
		type.kind === "struct" &&
		type.package === "net" &&
		["pfd", "net", "laddr", "raddr"].every((name) => fieldOf(type, name) !== undefined)
	);
}

function fieldOf(struct: GoStruct, name: string): GoField | undefined {
	return struct.fields.find((field) => field.name === name);
}

function socketOfNetFd(
	memory: ProcessMemory,
	types: GoTypes,
	address: number,
	netFd: GoStruct,
	byFd: ReadonlyMap<number, TcpFd>,
): TcpFd | undefined {
	const bytes = memory.read(address, netFd.size);
	if (bytes === undefined) return undefined;
	const offset = (name: string) => fieldOf(netFd, name)?.offset ?? Number.POSITIVE_INFINITY;
	const pollFd = types.typeAt(fieldOf(netFd, "pfd")?.type ?? 0);
	const sysfd = pollFd?.kind === "struct" ? fieldOf(pollFd, "Sysfd") : undefined;
	if (sysfd === undefined) return undefined;
	const socket = byFd.get(wordAt(bytes, offset("pfd") + sysfd.offset) ?? -1);
	if (socket === undefined) return undefined;

	const network = memory.read(wordAt(bytes, offset("net")) ?? 0, "tcp".length);
	if (network === undefined || new TextDecoder().decode(network) !== "tcp") return undefined;
	const port = (name: string): number | undefined => {
		const at = offset(name);
		const held = types.held("with-methods", wordAt(bytes, at) ?? 0, wordAt(bytes, at + WORD) ?? 0);
		const field = held?.type.kind === "struct" ? fieldOf(held.type, "Port") : undefined;
		return held && field && readWord(memory, held.address + field.offset);
	};
	return port("laddr") === socket.localPort && port("raddr") === socket.remotePort ? socket : undefined;
}
