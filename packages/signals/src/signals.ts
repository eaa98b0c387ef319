/** A whole capture, decoded: what diagnosis looks at. */
import type { Capture, Gap, Part } from "./capture.ts";
import type { DnsCheck } from "./dns-check.ts";
import type { GoBuild } from "./go-binary.ts";
import type { GoTrace } from "./go-trace.ts";
import type { GoroutineProfile, GoroutineTable } from "./goroutines.ts";
import type { HeapSnapshot } from "./heap.ts";
import type { Ledger } from "./ledger.ts";
import type { Metrics } from "./pools.ts";
import type { ProcessFacts } from "./process.ts";
import type { Profile } from "./profiles.ts";
import type { SessionTable } from "./sessions.ts";
import type { FdTable, SocketTable } from "./sockets.ts";
import type { TcpLife } from "./tcp-life.ts";

/** A decoded value and the part it came from. */
export interface Sampled<T> {
	readonly part: Omit<Part, "bytes">;
	readonly value: T;
}

/** Each list is in the order of the samples. An empty list has its reason in `gaps`. */
export interface Signals {
	readonly target: Capture["target"];
	readonly window: Capture["window"];
	/** The capture's own gaps and those the decoders found. */
	readonly gaps: readonly Gap[];
	readonly goroutines: readonly Sampled<GoroutineTable>[];
	readonly goroutineProfiles: readonly Sampled<GoroutineProfile>[];
	/** Goroutines that the runtime proved will never run again: the goroutineleak profile. */
	readonly leakProfiles: readonly Sampled<GoroutineProfile>[];
	/** Profiles of every type: cpu, allocs, block, mutex, goroutine, and what a program made itself. */
	readonly profiles: readonly Sampled<Profile>[];
	readonly heaps: readonly Sampled<HeapSnapshot>[];
	readonly traces: readonly Sampled<GoTrace>[];
	readonly sockets: readonly Sampled<SocketTable>[];
	readonly fds: readonly Sampled<FdTable>[];
	/** One part for the whole window: it tells of what lies between its ends. */
	readonly tcpLife: readonly Sampled<TcpLife>[];
	/** Readings of the borrow ledger: at most one, at the end of the window. */
	readonly ledgers: readonly Sampled<Ledger>[];
	readonly metrics: readonly Sampled<Metrics>[];
	readonly sessions: readonly Sampled<SessionTable>[];
	/** Name servers asked beside trusted ones, when that was wanted. */
	readonly dnsChecks: readonly Sampled<DnsCheck>[];
	readonly process: readonly Sampled<ProcessFacts>[];
	readonly build?: Sampled<GoBuild>;
}
