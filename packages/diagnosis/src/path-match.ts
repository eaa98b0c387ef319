/**
 * Whether the code paths seen alive are those that leaked, judged by the statements.
 *
 * A leaked session still shows the last statement that its code path ran. If sessions that move run the same
 * one, the path is alive, and live siblings of it are good witnesses. If plenty of transactions were seen at
 * work and none ran it, the siblings belong to some other path: naming that one would accuse the innocent.
 * It can mislead where two paths share their last statement; the count of functions seen guards that.
 */
import { fingerprintSql } from "@plumbline/signals/sql";
import type { ServiceSessions, SessionHistory, Sighting } from "./session-history.ts";

export type PathMatch = "alive" | "not seen" | "unclear";

/** Fewer sightings of other transactions at work may have missed a path that is alive. */
const SIGHTINGS_MIN = 10;

/** Every path runs these. */
const FRAME_OF_TRANSACTION = /^(begin|start transaction|commit|rollback|savepoint|set|$)/;

export function matchPaths(
	sessions: ServiceSessions | undefined,
	leaked: readonly SessionHistory[],
): PathMatch {
	if (sessions === undefined) return "unclear";
	const { ours } = sessions;
	const last = new Set(
		telling(
			sessions,
			leaked.map(({ last }) => last),
		),
	);
	if (last.size === 0) return "unclear";
	const still = new Set(leaked.map((h) => h.id));
	const atWork = telling(sessions, ours.filter((h) => !still.has(h.id)).flatMap(sightingsAtWork));
	if (atWork.some((text) => last.has(text))) return "alive";
	return atWork.length >= SIGHTINGS_MIN ? "not seen" : "unclear";
}

/** Do these sessions end in a statement that the leaked ones ended in? `unclear` where either has none that tells. */
export function endAlike(
	sessions: ServiceSessions | undefined,
	some: readonly SessionHistory[],
	leaked: readonly SessionHistory[],
): "alike" | "different" | "unclear" {
	if (sessions === undefined) return "unclear";
	const wanted = new Set(
		telling(
			sessions,
			leaked.map(({ last }) => last),
		),
	);
	const found = telling(
		sessions,
		some.map(({ last }) => last),
	);
	if (wanted.size === 0 || found.length === 0) return "unclear";
	return found.some((text) => wanted.has(text)) ? "alike" : "different";
}

/** The statements' fingerprints, without those that every path runs. */
function telling({ engine }: ServiceSessions, sightings: readonly Sighting[]): string[] {
	return sightings
		.map(({ session }) => fingerprintSql(session.statement, { engine }))
		.filter((text) => !FRAME_OF_TRANSACTION.test(text));
}

/**
 * In a statement, or between two of a transaction that went on afterwards. One that leaked during the window stays
 * as it was, and is no more at work than those that leaked before it.
 */
function sightingsAtWork({ sightings }: SessionHistory): Sighting[] {
	return sightings.filter((now, i) => {
		if (now.session.state === "active") return true;
		const next = sightings[i + 1];
		if (next === undefined || now.session.state !== "idle in transaction") return false;
		const { state, statement, stateAgeMs = 0 } = next.session;
		const same = state === now.session.state && statement === now.session.statement;
		return !same || stateAgeMs < next.atMs - now.atMs;
	});
}
