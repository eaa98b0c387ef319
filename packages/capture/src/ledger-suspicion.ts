/**
 * Whether the first samples of the window show a pool in use, so that watching who borrows can tell something.
 * Where none of them could be read, or all that is seen is an open pool without counters, it cannot be excluded.
 */
import type { Part } from "@plumbline/signals/capture";
import { decodeGoroutinesDebug1 } from "@plumbline/signals/goroutines-debug1";
import { decodePrometheus } from "@plumbline/signals/pools-prometheus";

/** On some goroutine's stack while a connection is held or waited for, or an HTTP request is under way. */
const IN_USE =
	/^(database\/sql\.\(\*(Tx|Rows)\)\.awaitDone|database\/sql\.\(\*DB\)\.conn|github\.com\/jackc\/puddle.*\.[aA]cquire|net\/http\.\(\*persistConn\)\.roundTrip)$/;

/** A request that has no connection yet, or a connection being made for one. */
const HTTP_DIAL = /^net\/http\.\(\*Transport\)\.(dialConn|getConn)$/;

/**
 * The reader of an HTTP/1 connection, which lives as long as the connection. Idle, it stands in a read, with
 * `internal/poll.runtime_pollWait` innermost; while a body is open it waits itself, for the body's end. The
 * runtime's own frames are not printed, so then it is the innermost. Seen so in Go 1.21.13 and 1.26.8.
 */
const HTTP_READER = "net/http.(*persistConn).readLoop";

/**
 * Runs as long as a pool is open. A whole connection taken, a row never scanned and a cursor without a context
 * leave no goroutine, so while a pool is open no stack speaks against them.
 */
const POOL_OPEN =
	/^(database\/sql\.\(\*DB\)\.connectionOpener|github\.com\/jackc\/pgx\/v\d+\/pgxpool\.\(\*Pool\)\.backgroundHealthCheck)$/;

/** `held`: attach. `idle`: every line that was read speaks against it. */
export function suspicionOf(parts: readonly Part[]): "held" | "idle" {
	const first = parts.filter((part) => part.sample === 0);
	const answers = first.flatMap((part) => sawUse(part) ?? []);
	return answers.length === 0 || answers.includes(true) ? "held" : "idle";
}

/**
 * Whether one of these samples caught the program dialling for its HTTP client. A client that keeps its connections
 * dials seldom; one that does not may hold none at the moment of any sample.
 */
export function sawDialling(parts: readonly Part[]): boolean {
	return parts.some((part) => {
		if (part.format !== "go-debug1") return false;
		const profile = decodeGoroutinesDebug1(part.bytes);
		if (profile.kind === "foreign") return false;
		return profile.value.records.some(({ frames }) => frames.some(({ func }) => HTTP_DIAL.test(func)));
	});
}

/** Undefined when this part says nothing of it. */
function sawUse(part: Part): boolean | undefined {
	switch (part.format) {
		case "prometheus": {
			const metrics = decodePrometheus(part.bytes);
			if (metrics.kind === "foreign" || metrics.value.pools.length === 0) return undefined;
			return metrics.value.pools.some(({ inUse = 0 }) => inUse > 0);
		}
		case "go-debug1": {
			const profile = decodeGoroutinesDebug1(part.bytes);
			if (profile.kind === "foreign") return undefined;
			const { records } = profile.value;
			const has = (pattern: RegExp) =>
				records.some(({ frames }) => frames.some(({ func }) => pattern.test(func)));
			if (has(IN_USE) || records.some(({ frames }) => frames[0]?.func === HTTP_READER)) return true;
			return has(POOL_OPEN) ? undefined : false;
		}
		default:
			return undefined;
	}
}
