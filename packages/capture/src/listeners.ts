/**
 * Finds the target's own HTTP endpoints from nothing but its pid: the ports it listens on, each asked once
 * for the page wanted.
 *
 * The question appears in the service's access log; a URL given by the user spares it. Ports of well-known
 * databases are never asked. `profile` and `trace` are never requested: they cost the target.
 */
import { loadLibc } from "@plumbline/kernel/libc";
import { placeOfNetworkNamespace } from "@plumbline/kernel/network-namespace";
import { readProcNetTcp } from "@plumbline/kernel/proc-net-tcp";
import { readProcessStat } from "@plumbline/kernel/process-stat";
import { type Reading, read, refused } from "@plumbline/kernel/reading";
import { dumpSockets, LISTEN_STATE } from "@plumbline/kernel/sock-diag";
import { readSocketFds } from "@plumbline/kernel/socket-fds";
import type { Socket } from "@plumbline/signals/sockets";
import { decodeProcNetTcp } from "@plumbline/signals/sockets-proc-net-tcp";
import { decodeSockDiag } from "@plumbline/signals/sockets-sock-diag";
import { type Answer, getStart } from "./listeners-get.ts";
import { howToRead } from "./process-rights.ts";
import type { Reach } from "./reach.ts";

/** Listeners asked at most; a service has a handful. */
const LISTENERS_MAX = 32;
/** Rows of the whole namespace looked through for the target's listeners. */
const LISTEN_ROWS_MAX = 20_000;
const PROC_BYTES_MAX = 64 << 20;
/** PostgreSQL, pgbouncer, MySQL (and X), SQL Server, Oracle, MongoDB, Redis, memcached, Cassandra, Kafka, AMQP. */
const DATABASE_PORTS: ReadonlySet<number> = new Set([
	5432, 6432, 3306, 33060, 1433, 1521, 27017, 6379, 11211, 9042, 9092, 5672,
]);

export interface EndpointQuery {
	readonly pid: number;
	readonly signal?: AbortSignal;
	/** Ports not to ask: tests are their own target. */
	readonly exclude?: readonly number[];
}

export interface EndpointSearch {
	/** Base for pprof (`http://127.0.0.1:6060/debug/pprof/`), the page itself for metrics. */
	readonly found?: { readonly url: string; readonly reach: Reach };
	/** Every listener that was asked, or left out, and did not fit: why. */
	readonly tried: readonly { readonly url: string; readonly why: string }[];
	/** Present when nothing was found: one sentence for a gap. */
	readonly why?: string;
}

/** The base URL of net/http/pprof. Rejects only when `signal` says stop. */
export function findPprof(query: EndpointQuery): Promise<EndpointSearch> {
	return findEndpoint(query, "/debug/pprof/", "a pprof endpoint", (text) =>
		text.includes("<title>/debug/pprof/"),
	);
}

/** The URL of a Prometheus page. Rejects only when `signal` says stop. */
export function findMetrics(query: EndpointQuery): Promise<EndpointSearch> {
	return findEndpoint(query, "/metrics", "a Prometheus page", (text) =>
		/^# TYPE |^go_goroutines\b/m.test(text),
	);
}

interface Candidate {
	/** The first is asked; the next one only if nobody listens on it. */
	readonly hosts: readonly string[];
	readonly port: number;
	readonly reach: Reach;
}

async function findEndpoint(
	query: EndpointQuery,
	path: string,
	name: string,
	fits: (text: string) => boolean,
): Promise<EndpointSearch> {
	const listeners = await listenersOf(query);
	if (listeners.kind === "refused") return { tried: [], why: listeners.why };
	const tried: { url: string; why: string }[] = [];
	const candidates: Candidate[] = [];
	for (const candidate of listeners.value) {
		const skip = whySkipped(candidate, candidates.length, query.exclude ?? []);
		if (skip === undefined) candidates.push(candidate);
		else tried.push({ url: `http://${candidate.hosts[0]}:${candidate.port}${path}`, why: skip });
	}
	const found = await firstFound(candidates, query.signal, async (candidate, signal) => {
		const asked = await ask(candidate, path, fits, signal);
		tried.push(...asked.refusals);
		return asked.found;
	});
	tried.sort((a, b) => (a.url < b.url ? -1 : 1));
	return found === undefined ? { tried, why: whyNone(query.pid, path, name, tried) } : { found, tried };
}

/** Asks all at once, and stops waiting at the first that fits: a silent listener must not hold it up. */
async function firstFound<T>(
	candidates: readonly Candidate[],
	signal: AbortSignal | undefined,
	askOne: (candidate: Candidate, signal: AbortSignal) => Promise<T | undefined>,
): Promise<T | undefined> {
	const enough = new AbortController();
	const stop = signal === undefined ? enough.signal : AbortSignal.any([signal, enough.signal]);
	const { promise: first, resolve } = Promise.withResolvers<T>();
	const all = candidates.map(async (candidate) => {
		const found = await askOne(candidate, stop);
		if (found !== undefined) resolve(found);
	});
	try {
		return await Promise.race([first, Promise.all(all).then(() => undefined)]);
	} finally {
		enough.abort();
		// Those told to stop reject; whoever waits for this function has its answer already.
		await Promise.allSettled(all);
	}
}

function whySkipped({ port }: Candidate, taken: number, exclude: readonly number[]): string | undefined {
	if (exclude.includes(port)) return "excluded";
	if (DATABASE_PORTS.has(port)) return "the port of a database, not asked";
	return taken < LISTENERS_MAX ? undefined : `not asked: more than ${LISTENERS_MAX} listeners`;
}

function whyNone(pid: number, path: string, name: string, tried: EndpointSearch["tried"]): string {
	if (tried.length === 0) return `process ${pid} listens on no TCP port, so it has no ${path}`;
	const all = tried.map(({ url, why }) => `${url}: ${why}`).join("; ");
	return `no listener of process ${pid} is ${name} (${all})`;
}

interface Asked {
	readonly found?: { readonly url: string; readonly reach: Reach };
	readonly refusals: { readonly url: string; readonly why: string }[];
}

/** http first; https where that gave no page, since a TLS port answers plain text with an error at best. */
async function ask(
	{ hosts, port, reach }: Candidate,
	path: string,
	fits: (text: string) => boolean,
	signal: AbortSignal | undefined,
): Promise<Asked> {
	const refusals: { url: string; why: string }[] = [];
	for (const host of hosts) {
		let nobodyListens = false;
		for (const scheme of ["http", "https"]) {
			const url = new URL(`${scheme}://${host}:${port}${path}`);
			const answer = await getStart(url, reach, signal);
			const why = whyUnfit(answer, fits);
			if (why === undefined) return { found: { url: url.href, reach }, refusals };
			refusals.push({ url: url.href, why });
			if (answer.kind === "answer" && answer.status !== 400) return { refusals };
			nobodyListens = answer.kind === "none" && answer.nobodyListens === true;
			if (nobodyListens) break;
		}
		if (!nobodyListens) break;
	}
	return { refusals };
}

function whyUnfit(answer: Answer, fits: (text: string) => boolean): string | undefined {
	if (answer.kind === "none") return answer.why;
	if (answer.status !== 200) return `answered status ${answer.status}`;
	return fits(answer.text) ? undefined : "answered 200 with another page";
}

/** Listening sockets of the process as addresses one can connect to, the usual pprof port first. */
async function listenersOf(query: EndpointQuery): Promise<Reading<readonly Candidate[]>> {
	const { pid, signal } = query;
	const stat = readProcessStat(pid);
	if (stat.kind === "refused") return stat;
	const fds = await readSocketFds(pid, signal);
	if (fds.kind === "refused") {
		if (fds.code !== "denied") return fds;
		return refused("denied", `the ports of process ${pid} cannot be told: ${fds.why}: ${howToRead(pid)}`);
	}
	const place = placeOfNetworkNamespace(pid);
	const namespaceOf = place.kind === "read" && place.value === "other" ? pid : undefined;
	const rows = await listenRows(pid, namespaceOf, signal);
	if (rows.kind === "refused") return rows;
	const byAddress = new Map<string, Candidate>();
	for (const { inode, localIp, localPort: port } of rows.value) {
		if (!fds.value.inodes.has(inode)) continue;
		const hosts = hostsOf(localIp);
		const selfSigned = hosts.every((host) => host === "[::1]" || host.startsWith("127."));
		const reach = { selfSigned, ...(namespaceOf === undefined ? {} : { namespaceOf }) };
		byAddress.set(`${hosts[0]}:${port}`, { hosts, port, reach });
	}
	return read([...byAddress.values()].toSorted(byLikelihood));
}

const USUAL_PPROF_PORT = 6060;

function byLikelihood(a: Candidate, b: Candidate): number {
	return Number(b.port === USUAL_PPROF_PORT) - Number(a.port === USUAL_PPROF_PORT) || a.port - b.port;
}

/** A listener on all addresses is reached on loopback; `::` takes IPv4 as well unless told otherwise. */
function hostsOf(localIp: string): readonly string[] {
	if (localIp === "0.0.0.0") return ["127.0.0.1"];
	if (localIp === "::") return ["127.0.0.1", "[::1]"];
	return [localIp.includes(":") ? `[${localIp}]` : localIp];
}

async function listenRows(
	pid: number,
	namespaceOf: number | undefined,
	signal: AbortSignal | undefined,
): Promise<Reading<readonly Socket[]>> {
	const stop = signal === undefined ? {} : { signal };
	const inside = namespaceOf === undefined ? {} : { namespaceOf };
	const libc = await loadLibc();
	if (libc.kind === "read") {
		const dump = await dumpSockets({ states: LISTEN_STATE, rowsMax: LISTEN_ROWS_MAX, ...stop, ...inside });
		const decoded = dump.kind === "read" ? decodeSockDiag(dump.value.bytes) : undefined;
		if (decoded?.kind === "decoded") return read(decoded.value.sockets);
	}
	const text = await readProcNetTcp(pid, { bytesMax: PROC_BYTES_MAX, ...stop });
	if (text.kind === "refused") return text;
	const decoded = decodeProcNetTcp(text.value.bytes);
	if (decoded.kind === "foreign")
		return refused("failed", `/proc/${pid}/net/tcp is not understood: "${decoded.found}"`);
	return read(decoded.value.sockets.filter((socket) => socket.state === "LISTEN"));
}
