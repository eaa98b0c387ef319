/**
 * db-lock-wait: sessions blocked by another session.
 *
 * Database line: the server says who blocks whom; the same session blocked by the same one in samples at
 * least LOCK_WAIT_MS_MIN apart. The chain is followed to the session that blocks and is not blocked itself.
 * Runtime line: goroutines that stay in a driver call all along.
 */
import { persistentRows } from "../dump-view.ts";
import { goroutineEvidence, plural, quoteSession, seconds, sessionEvidence } from "../evidence.ts";
import type { Evidence } from "../finding.ts";
import { finding, present, type Rule } from "../rule.ts";
import { LINK_CONFIDENCE_MIN, type ServiceSessions, type SessionHistory } from "../session-history.ts";
import { endBlocker } from "../stop-sessions.ts";
import type { World } from "../world.ts";

/** Locks of busy tables are waited for all the time; this long, it is a queue. */
const LOCK_WAIT_MS_MIN = 2_000;
/** Longest chain followed; PostgreSQL's deadlock detector ends real rings within a second. */
const CHAIN_MAX = 64;

export const dbLockWait: Rule = {
	id: "db-lock-wait",
	about: {
		sees: "sessions that wait for a lock another session holds, through the window",
		hurts: "every blocked call keeps its connection; the pool fills up with waiters although nothing leaks",
		otherwise: ["a long but healthy migration that holds its locks on purpose"],
		fix: [
			"end the blocking transaction sooner: no slow work and no human between lock and commit",
			"lock_timeout for callers that can do without, `FOR UPDATE SKIP LOCKED` for queues",
			"take rows in one order everywhere",
		],
		stop: [
			"PostgreSQL: `select pg_cancel_backend(PID);`, then `select pg_terminate_backend(PID);` of the blocker; MySQL and MariaDB: `KILL ID;`",
		],
		verify: [
			"PostgreSQL: `select count(*) from pg_stat_activity where wait_event_type = 'Lock';` falls to 0",
		],
	},
	examine(world, found) {
		const { sessions } = world;
		if (sessions === undefined) return undefined;
		const blocked = blockedForLong(sessions);
		const [longest] = blocked;
		if (longest === undefined) return undefined;
		const roots = rootBlockers(sessions, blocked);
		const root = roots[0];
		const joined = sessions.link.confidence >= LINK_CONFIDENCE_MIN;
		const own = joined && root !== undefined && sessions.ours.includes(root);
		const ownLeak =
			own && root.last.session.state.startsWith("idle in") && found.some((f) => f.id === "tx-open");
		const count = blocked.length;
		return finding("db-lock-wait", dbLockWait.about, {
			severity: joined ? "critical" : "note",
			confidence: joined ? 0.95 : 0.5,
			count,
			title: `${plural(count, "session")} wait for a lock held by ${root === undefined ? "a session that cannot be seen" : whois(root, sessions)}`,
			story: present([
				`${plural(count, "session")} of ${joined ? "this service" : "this database"} blocked, the longest for ${seconds(longest.last.session.stateAgeMs ?? 0)}`,
				root === undefined
					? undefined
					: `the blocker is ${root.last.session.state}${root.last.session.xactAgeMs === undefined ? "" : `, its transaction ${seconds(root.last.session.xactAgeMs)} old`}`,
			]).join("; "),
			causes: ownLeak ? ["tx-open"] : [],
			attribution: {
				candidates: [],
				siblings: [],
				holderGap:
					root === undefined
						? "the server does not show the blocker to this user"
						: ownLeak
							? "the blocker is this service's own leaked transaction: see tx-open"
							: own
								? `the lock is held by ${whois(root, sessions)}, which is ${root.last.session.state}`
								: `the lock is held from outside this service's code, by ${whois(root, sessions)}`,
			},
			...(root === undefined ? {} : { stop: [endBlocker(sessions, root)] }),
			evidence: present<Evidence>([
				root && {
					...sessionEvidence([root], "the session that blocks"),
					quote: quoteSession(root.last.session),
				},
				sessionEvidence(blocked, `${plural(count, "session")} blocked by it`),
				...runtimeEvidence(world),
			]),
		});
	},
};

/** Our sessions that the same blocker kept waiting over samples far enough apart. */
function blockedForLong({ ours }: ServiceSessions): SessionHistory[] {
	return ours
		.filter(({ last, sightings }) => {
			const blockers = last.session.blockedBy;
			if (blockers.length === 0) return false;
			const since = sightings.find((s) => s.session.blockedBy.some((id) => blockers.includes(id)));
			const sameStatement = (last.session.stateAgeMs ?? 0) >= LOCK_WAIT_MS_MIN;
			return since !== undefined && last.atMs - since.atMs >= LOCK_WAIT_MS_MIN && sameStatement;
		})
		.sort((a, b) => (b.last.session.stateAgeMs ?? 0) - (a.last.session.stateAgeMs ?? 0));
}

/** Sessions at the head of the queues, the one that blocks most first. */
function rootBlockers({ all }: ServiceSessions, blocked: readonly SessionHistory[]): SessionHistory[] {
	const byId = new Map(all.map((h) => [h.id, h]));
	const counts = new Map<SessionHistory, number>();
	for (const { last } of blocked) {
		let at: SessionHistory | undefined = byId.get(last.session.blockedBy[0] ?? -1);
		for (let i = 0; i < CHAIN_MAX && at !== undefined; i++) {
			const next: number | undefined = at.last.session.blockedBy[0];
			if (next === undefined) break;
			at = byId.get(next);
		}
		if (at !== undefined) counts.set(at, (counts.get(at) ?? 0) + 1);
	}
	return [...counts].sort(([, a], [, b]) => b - a).map(([history]) => history);
}

function whois(history: SessionHistory, { ours, link }: ServiceSessions): string {
	const s = history.last.session;
	if (link.confidence >= LINK_CONFIDENCE_MIN && ours.includes(history))
		return `this service's own session ${s.id}`;
	const from = s.client === undefined ? "a local socket" : `${s.client.ip}:${s.client.port}`;
	const name =
		s.application === undefined || s.application === "" ? "an unnamed client" : `"${s.application}"`;
	return `${name} (session ${s.id}, user ${s.user ?? "unknown"}, from ${from})`;
}

function runtimeEvidence({ firstDump, lastDump, spansWindow }: World): Evidence[] {
	if (!spansWindow || firstDump === undefined || lastDump === undefined) return [];
	const rows = persistentRows(firstDump, lastDump, "driver-call");
	const [first] = rows;
	return first === undefined
		? []
		: [
				goroutineEvidence(
					lastDump,
					first,
					`${plural(rows.length, "goroutine")} stay in a driver call all along`,
				),
			];
}
