/**
 * A model service over one window, as signals: what each line showed at the start and at the end.
 *
 * A line that is left out has its gap, as a capture would have.
 */
import type { Gap, Instant, Line, MonoMs, Part, PartFormat, WallMs } from "@plumbline/signals/capture";
import type { DnsCheck } from "@plumbline/signals/dns-check";
import type { GoTrace } from "@plumbline/signals/go-trace";
import type { GoroutineProfile } from "@plumbline/signals/goroutines";
import { decodeGoroutinesDebug2 } from "@plumbline/signals/goroutines-debug2";
import type { HeapSnapshot } from "@plumbline/signals/heap";
import type { Ledger } from "@plumbline/signals/ledger";
import type { Metrics, PoolCounters } from "@plumbline/signals/pools";
import type { ProcessFacts } from "@plumbline/signals/process";
import type { Profile } from "@plumbline/signals/profiles";
import type { DbSession } from "@plumbline/signals/sessions";
import type { Sampled, Signals } from "@plumbline/signals/signals";
import type { Socket } from "@plumbline/signals/sockets";
import type { TcpLife } from "@plumbline/signals/tcp-life";
import { type DumpStyle, dumpText, type Goroutine } from "./dump-text.ts";
import { DB_IP, DB_PORT } from "./lines.ts";

export interface Service {
	/** One list a sample; so with every line. Samples are spread evenly over the window. */
	readonly dumps?: readonly (readonly Goroutine[])[];
	readonly style?: DumpStyle;
	readonly profiles?: readonly GoroutineProfile[];
	readonly sessions?: readonly (readonly DbSession[])[];
	readonly engine?: "postgres" | "mysql";
	readonly sockets?: readonly (readonly Socket[])[];
	readonly tcpLife?: TcpLife;
	/** Read at the end of the window. */
	readonly ledger?: Ledger;
	readonly pools?: readonly (readonly PoolCounters[])[];
	/** Series of the Go runtime on the metrics page; with `pools`, as many samples. */
	readonly go?: readonly Metrics["go"][];
	readonly heaps?: readonly HeapSnapshot[];
	/** Of the start of the window. */
	readonly trace?: GoTrace;
	readonly process?: readonly ProcessFacts[];
	readonly dnsCheck?: DnsCheck;
	/** Read at the start. */
	readonly cpu?: Profile;
	/** Profiles that count since the start of the process, at both ends. */
	readonly counted?: Partial<Readonly<Record<"allocs" | "mutex", readonly Profile[]>>>;
	readonly windowMs?: number;
}

const WINDOW_MS = 10_000;
const EPOCH_MS = 1_790_000_000_000;

export function signalsOf(service: Service): Signals {
	const windowMs = service.windowMs ?? WINDOW_MS;
	const sampled = <T>(what: string, format: PartFormat, values: readonly T[] | undefined): Sampled<T>[] =>
		(values ?? []).map((value, i, all) => {
			const atMs = all.length === 1 ? 0 : (windowMs * i) / (all.length - 1);
			return { value, part: part(`${what}.${i}`, format, i, atMs) };
		});
	const dumps = service.dumps?.map((goroutines) => decoded(dumpText(goroutines, service.style)));
	const fds = service.sockets?.map((sockets) => {
		return { byInode: new Map(sockets.map((s) => [s.inode, { pid: 4711, fd: s.inode % 1000 }])) };
	});
	return {
		target: { pid: 4711 },
		window: { start: instant(0), end: instant(windowMs) },
		gaps: gapsOf(service),
		goroutines: sampled("goroutines", "go-debug2", dumps),
		goroutineProfiles: sampled("profile", "go-debug1", service.profiles),
		leakProfiles: [],
		profiles: [
			...sampled("cpu", "pprof", service.cpu && [service.cpu]),
			...sampled("allocs", "pprof", service.counted?.allocs),
			...sampled("mutex", "pprof", service.counted?.mutex),
		],
		heaps: sampled("heap", "go-heap-debug1", service.heaps),
		traces: sampled("go-trace", "go-trace", service.trace && [service.trace]),
		sockets: sampled(
			"sockets",
			"sock-diag",
			service.sockets?.map((sockets) => ({ sockets })),
		),
		fds: sampled("fds", "fd-table", fds),
		tcpLife: sampled("tcp-life", "tcp-life", service.tcpLife && [service.tcpLife]),
		ledgers: service.ledger
			? [{ value: service.ledger, part: part("ledger.0", "ledger", lastSample(service.dumps), windowMs) }]
			: [],
		metrics: sampled(
			"metrics",
			"prometheus",
			(service.pools ?? service.go)?.map((_, i) => ({
				pools: service.pools?.[i] ?? [],
				go: service.go?.[i] ?? {},
				seriesCount: 40,
			})),
		),
		sessions: sampled(
			"sessions",
			"postgres-sessions",
			service.sessions?.map((sessions) => ({
				engine: service.engine ?? ("postgres" as const),
				serverVersion: "15.18",
				server: { ip: DB_IP, port: DB_PORT },
				connectionsMax: 100,
				sessions,
				seesAllUsers: true,
			})),
		),
		dnsChecks: sampled("dns-check", "dns-check", service.dnsCheck && [service.dnsCheck]),
		process: sampled("process", "process", service.process),
	};
}

/** Of the same end as the last dump. */
function lastSample(samples: readonly unknown[] = []): number {
	return Math.max(0, samples.length - 1);
}

function gapsOf({ dumps, profiles, sockets, pools, sessions }: Service): Gap[] {
	const gap = (line: Line, what: string): Gap => ({ line, what, why: "not given", weight: "loss" });
	return [
		...(dumps === undefined && profiles === undefined ? [gap("runtime", "goroutines")] : []),
		...(sockets === undefined ? [gap("sockets", "sockets")] : []),
		...(pools === undefined ? [gap("pool", "metrics")] : []),
		...(sessions === undefined ? [gap("pool", "database sessions")] : []),
	];
}

function decoded(text: string) {
	const dump = decodeGoroutinesDebug2(new TextEncoder().encode(text));
	if (dump.kind === "foreign") throw new Error(`the decoder does not know this dump: ${dump.found}`);
	const [flaw] = dump.flaws;
	if (flaw !== undefined) throw new Error(`the dump is broken: ${flaw.why} at ${flaw.at}`);
	return dump.value;
}

function part(name: string, format: PartFormat, sample: number, atMs: number): Omit<Part, "bytes"> {
	return { name, format, sample, source: "test", start: instant(atMs), end: instant(atMs) };
}

function instant(atMs: number): Instant {
	return { wallMs: (EPOCH_MS + atMs) as WallMs, monoMs: (5_000 + atMs) as MonoMs };
}
