/**
 * A whole capture to signals. One table says for each format who decodes it, where its value goes and
 * which line it serves; nothing else here knows one signal from another.
 *
 * What a decoder lost becomes a gap: a cut part is a loss (what was cut could be the very thing), a
 * broken record among good ones is a note.
 */
import type { Capture, Gap, GapLine, Part, PartFormat } from "./capture.ts";
import { decodeCountsOnce, decodeDumpOnce, decodePprofOnce } from "./decode-once.ts";
import type { Decoded, Flaw } from "./decoded.ts";
import type { DnsCheck } from "./dns-check.ts";
import { decodeDnsCheck } from "./dns-check-json.ts";
import type { GoBuild } from "./go-binary.ts";
import { decodeGoBuildinfo } from "./go-binary-buildinfo.ts";
import type { GoTrace } from "./go-trace.ts";
import { decodeGoTrace } from "./go-trace-json.ts";
import { decodeGoTraceV2 } from "./go-trace-v2.ts";
import type { GoroutineProfile, GoroutineTable } from "./goroutines.ts";
import { goroutineProfileOf } from "./goroutines-pprof.ts";
import type { HeapSnapshot } from "./heap.ts";
import { decodeHeapDebug1 } from "./heap-debug1.ts";
import type { Ledger } from "./ledger.ts";
import { decodeLedger } from "./ledger-json.ts";
import type { Metrics } from "./pools.ts";
import { decodePrometheus } from "./pools-prometheus.ts";
import type { ProcessFacts } from "./process.ts";
import { decodeProcess } from "./process-json.ts";
import type { Profile } from "./profiles.ts";
import { decodeContentionDebug1 } from "./profiles-contention.ts";
import { profileOfCounts } from "./profiles-records.ts";
import type { SessionTable } from "./sessions.ts";
import { decodeMysqlSessions } from "./sessions-mysql.ts";
import { decodePostgresSessions } from "./sessions-postgres.ts";
import { decodeSessionsText } from "./sessions-text.ts";
import type { Sampled, Signals } from "./signals.ts";
import type { FdTable, SocketTable } from "./sockets.ts";
import { decodeFdTable } from "./sockets-fd-table.ts";
import { decodeNetstat } from "./sockets-netstat.ts";
import { decodeProcNetTcp } from "./sockets-proc-net-tcp.ts";
import { decodeSockDiag } from "./sockets-sock-diag.ts";
import { decodeSs } from "./sockets-ss.ts";
import type { TcpLife } from "./tcp-life.ts";
import { decodeTcpLife } from "./tcp-life-json.ts";

/** The lists of Signals, and what each holds. */
interface Values {
	goroutines: GoroutineTable;
	goroutineProfiles: GoroutineProfile;
	leakProfiles: GoroutineProfile;
	profiles: Profile;
	heaps: HeapSnapshot;
	traces: GoTrace;
	sockets: SocketTable;
	fds: FdTable;
	tcpLife: TcpLife;
	ledgers: Ledger;
	metrics: Metrics;
	sessions: SessionTable;
	dnsChecks: DnsCheck;
	process: ProcessFacts;
	build: GoBuild;
}
type Lists = { [K in keyof Values]: Sampled<Values[K]>[] };

/** How one format is read. */
interface Format {
	/** Line and name of what is missing when a part of this format is. */
	readonly line: GapLine;
	readonly what: string;
	/** Decodes the part into the list it belongs to. */
	readonly read: (part: Part, lists: Lists) => Decoded<unknown>;
}

function format<K extends keyof Values>(
	line: GapLine,
	what: string,
	list: K,
	decode: (bytes: Uint8Array) => Decoded<Values[K]>,
): Format {
	const read = (part: Part, lists: Lists) => {
		const { bytes, ...meta } = part;
		const decoded = decode(bytes);
		if (decoded.kind === "decoded") lists[list].push({ part: meta, value: decoded.value });
		return decoded;
	};
	return { line, what, read };
}

/** A profile of goroutines is kept as what it is, and once more as what its text form would say. */
function readPprof({ bytes, ...part }: Part, lists: Lists): Decoded<Profile> {
	const decoded = decodePprofOnce(bytes);
	if (decoded.kind === "foreign") return decoded;
	lists.profiles.push({ part, value: decoded.value });
	const goroutines = goroutineProfileOf(decoded.value);
	if (goroutines === undefined) return decoded;
	const list = goroutines.kind === "leaked" ? lists.leakProfiles : lists.goroutineProfiles;
	list.push({ part, value: goroutines.value });
	return decoded;
}

/** All profiles of counts are printed the same way; which it is, its first line says. */
function readCounts({ bytes, ...part }: Part, lists: Lists): Decoded<unknown> {
	const decoded = decodeCountsOnce(bytes);
	if (decoded.kind === "foreign") return decoded;
	const { name, ...value } = decoded.value;
	if (name === "goroutine") lists.goroutineProfiles.push({ part, value });
	else if (name === "goroutineleak") lists.leakProfiles.push({ part, value });
	else lists.profiles.push({ part, value: profileOfCounts(decoded.value) });
	return decoded;
}

export const FORMATS: Readonly<Record<PartFormat, Format>> = {
	"go-debug2": format("runtime", "goroutines", "goroutines", decodeDumpOnce),
	"go-debug1": { line: "runtime", what: "goroutine profile", read: readCounts },
	"go-heap-debug1": format("runtime", "heap", "heaps", decodeHeapDebug1),
	"go-contention-debug1": format("runtime", "lock profile", "profiles", decodeContentionDebug1),
	pprof: { line: "runtime", what: "profile", read: readPprof },
	"sock-diag": format("sockets", "sockets", "sockets", decodeSockDiag),
	ss: format("sockets", "sockets", "sockets", decodeSs),
	netstat: format("sockets", "sockets", "sockets", decodeNetstat),
	"proc-net-tcp": format("sockets", "sockets", "sockets", decodeProcNetTcp),
	"fd-table": format("sockets", "socket owners", "fds", decodeFdTable),
	"tcp-life": format("sockets", "life of connections", "tcpLife", decodeTcpLife),
	ledger: format("runtime", "borrow ledger", "ledgers", decodeLedger),
	"go-trace": format("runtime", "execution trace", "traces", decodeGoTrace),
	"go-trace-v2": format("runtime", "execution trace", "traces", decodeGoTraceV2),
	prometheus: format("pool", "metrics", "metrics", decodePrometheus),
	"postgres-sessions": format("pool", "database sessions", "sessions", decodePostgresSessions),
	"mysql-sessions": format("pool", "database sessions", "sessions", decodeMysqlSessions),
	"sessions-text": format("pool", "database sessions", "sessions", decodeSessionsText),
	"go-buildinfo": format("process", "Go build info", "build", decodeGoBuildinfo),
	"dns-check": format("sockets", "name servers", "dnsChecks", decodeDnsCheck),
	process: format("process", "process facts", "process", decodeProcess),
};

export function decodeCapture(capture: Capture): Signals {
	const lists: Lists = {
		goroutines: [],
		goroutineProfiles: [],
		leakProfiles: [],
		profiles: [],
		heaps: [],
		traces: [],
		sockets: [],
		fds: [],
		tcpLife: [],
		ledgers: [],
		metrics: [],
		sessions: [],
		dnsChecks: [],
		process: [],
		build: [],
	};
	const gaps: Gap[] = [];
	for (const part of capture.parts.toSorted((a, b) => a.sample - b.sample)) {
		const { line, what, read } = FORMATS[part.format];
		gaps.push(...gapsOf(part, { line, what }, read(part, lists)));
	}
	const { build, ...signals } = lists;
	const { target, window } = capture;
	return {
		target,
		window,
		gaps: [...capture.gaps, ...toldOnce(gaps)],
		...signals,
		...(build[0] ? { build: build[0] } : {}),
	};
}

/** A line that is odd in one sample is odd in all forty: told of the first, with how many there are. */
function toldOnce(gaps: readonly Gap[]): Gap[] {
	const alike = Map.groupBy(gaps, ({ line, what, why, weight }) => JSON.stringify([line, what, why, weight]));
	return [...alike.values()].flatMap(([first, ...others]) => {
		if (first?.at === undefined || others.length === 0) return first ?? [];
		return { ...first, at: `${first.at} and ${others.length} more like it` };
	});
}

function gapsOf(part: Part, missing: Pick<Gap, "line" | "what">, decoded: Decoded<unknown>): Gap[] {
	if (decoded.kind === "foreign") {
		return [{ ...missing, why: `${part.name} holds ${decoded.found}`, at: part.name, weight: "loss" }];
	}
	// The collector's own reason for a cut part is better than the decoder's finding that it is cut.
	const known = part.truncated !== undefined;
	const flaws = known ? decoded.flaws.filter(({ kind }) => kind !== "truncated") : decoded.flaws;
	const gaps = flaws.map((flaw) => gapOf(part, missing, flaw));
	if (known) gaps.unshift({ ...missing, why: part.truncated, at: part.name, weight: "loss" });
	return gaps;
}

function gapOf(part: Part, missing: Pick<Gap, "line" | "what">, { kind, why, at }: Flaw): Gap {
	return { ...missing, why, at: `${part.name} byte ${at}`, weight: kind === "truncated" ? "loss" : "note" };
}
