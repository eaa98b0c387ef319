/** What a session did over the window, read off its sightings. All times are the server's own ages. */
import type { ServiceSessions, SessionHistory } from "./session-history.ts";

/** Ages are rounded to seconds by MySQL and drift with the round trip: tolerated difference. */
const AGE_SLACK_MS = 1_500;

/** Two samples closer than this say nothing about what lasts. */
const SPAN_MS_MIN = 1_000;

export function tellsPersistence({ spanMs }: { readonly spanMs: number }): boolean {
	return spanMs >= SPAN_MS_MIN;
}

/** Sat in one transaction from first to last sample and ran nothing in it. */
export function idleInTxThroughout(history: SessionHistory, span: ServiceSessions): boolean {
	if (!history.throughout || !tellsPersistence(span)) return false;
	const elapsed = history.last.atMs - history.first.atMs;
	return (
		history.sightings.every(({ session }) => session.state.startsWith("idle in transaction")) &&
		(history.last.session.stateAgeMs ?? 0) >= elapsed - AGE_SLACK_MS
	);
}

/** A request's pause between two statements is milliseconds; a person at a prompt takes this long too. */
const LONG_IDLE_MS = 60_000;

/** By the server's own age, which one list is enough for. */
export function idlesInTxForLong({ last: { session } }: SessionHistory): boolean {
	return session.state.startsWith("idle in transaction") && (session.stateAgeMs ?? 0) >= LONG_IDLE_MS;
}

/** Ran nothing and was in no transaction for the whole window: idle as far as the server can tell. */
export function idleThroughout(history: SessionHistory, span: ServiceSessions): boolean {
	if (!history.throughout || !tellsPersistence(span)) return false;
	const elapsed = history.last.atMs - history.first.atMs;
	return (
		history.sightings.every(({ session }) => session.state === "idle") &&
		(history.last.session.stateAgeMs ?? 0) >= elapsed - AGE_SLACK_MS
	);
}

/** The server cannot send the rest of a result because the client does not read it. */
export function unreadResultThroughout(history: SessionHistory): boolean {
	return (
		history.throughout &&
		history.sightings.every(
			({ session }) => session.state === "active" && session.wait === "Client/ClientWrite",
		)
	);
}

/** One statement running from before the first sample to after the last. */
export function runsThroughout(history: SessionHistory): boolean {
	const elapsed = history.last.atMs - history.first.atMs;
	return (
		history.throughout &&
		history.sightings.every(({ session }) => session.state === "active") &&
		(history.last.session.stateAgeMs ?? 0) >= elapsed - AGE_SLACK_MS
	);
}
