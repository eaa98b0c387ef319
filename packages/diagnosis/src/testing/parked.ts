/** Goroutines that are parked, and the samples that count them, for tests of leaks. */
import type { GoroutineProfile, ProfileRecord } from "@plumbline/signals/goroutines";
import type { Signals } from "@plumbline/signals/signals";
import { app, type Call, call, type Goroutine } from "./dump-text.ts";
import { type Service, signalsOf } from "./service.ts";

/** Started by the service's own code, in a goroutine that has ended unless `creator` lives. */
export function parked(
	goid: number,
	state: string,
	calls: readonly Call[],
	maker: Call = app("main.Quote", 30),
	creator = 5000 + goid,
): Goroutine {
	return { goid, state, calls, createdBy: maker, creator };
}

export const SENDS = [app("main.bestPrice.func1", 32)];

/** Sends its answer to nobody. */
export function sender(goid: number): Goroutine {
	return parked(goid, "chan send", SENDS);
}

/** Reads a connection of its own. */
export function reader(goid: number, maker: Call, creator: number): Goroutine {
	const calls = [
		call("internal/poll.runtime_pollWait", "0x7f090c490c00, 0x72"),
		call("net.(*conn).Read", "0xc000124000"),
		app("main.(*Client).read", 60),
	];
	return parked(goid, "IO wait", calls, maker, creator);
}

/** Waits for the lock at this address. */
export function lockWait(address: string): { readonly state: string; readonly calls: readonly Call[] } {
	return {
		state: "sync.Mutex.Lock",
		calls: [
			call("internal/sync.runtime_SemacquireMutex", "0x28?, 0x33?, 0x5dbb25?"),
			call("internal/sync.(*Mutex).lockSlow", address),
			call("internal/sync.(*Mutex).Lock", "..."),
			call("sync.(*Mutex).Lock", "..."),
		],
	};
}

/** A grouped profile a sample: so many goroutines with these calls. */
export function profilesOf(calls: readonly Call[], counts: readonly number[]): GoroutineProfile[] {
	return counts.map((count) => ({ total: count + 12, records: [record(calls, count)] }));
}

export function record(calls: readonly Call[], count: number): ProfileRecord {
	const frames = calls.map(({ func, file, line }) => ({ func, file, line }));
	return { count, frames, labels: {}, offset: 31 };
}

/** The service's signals, with go_goroutines on its metrics page. */
export function withGoroutineCounts(service: Service, counts: readonly number[]): Signals {
	const signals = signalsOf({ ...service, pools: counts.map(() => []) });
	const metrics = signals.metrics.map(({ part, value }, i) => ({
		part,
		value: { ...value, go: { go_goroutines: counts[i] ?? 0 } },
	}));
	return { ...signals, metrics };
}
