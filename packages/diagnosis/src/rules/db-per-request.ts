/**
 * db-per-request: sql.Open (or gorm.Open) in the request path.
 *
 * Every *sql.DB has one goroutine in (*DB).connectionOpener, so the dump counts the pools. A service opens
 * its pools at the start, all from one goroutine. Pools that come and go within the window, or that were
 * opened by many different goroutines, are opened per request. A legacy ORM gives itself away by hundreds of
 * goroutines making instances.
 */

import { type Attribution, CANDIDATES_MAX } from "../attribution.ts";
import type { DumpView } from "../dump-view.ts";
import { goroutineEvidence, plural, seconds, sessionEvidence } from "../evidence.ts";
import type { Evidence, Holder } from "../finding.ts";
import { attributeBySiblings } from "../holder.ts";
import { finding, present, type Rule } from "../rule.ts";
import type { SessionHistory } from "../session-history.ts";
import type { World } from "../world.ts";

/** Pools that are new within the window: a service under way opens none. */
const NEW_POOLS_MIN = 3;
/** Pools opened by different goroutines; fewer may be lazy set-up. */
const OPENERS_MIN = 5;
/** Goroutines caught making an ORM instance at one moment. */
const ORM_INSTANCE_GOROUTINES_MIN = 100;

export const dbPerRequest: Rule = {
	id: "db-per-request",
	about: {
		sees: "whole connection pools opened while requests are served",
		hurts:
			"each brings its own connections, hand-shakes and goroutine; without Close they pile up until the server refuses connections",
		otherwise: ["a service that opens one pool a tenant on first use: then their number levels off"],
		fix: [
			"open the pool once at start and pass it along: *sql.DB and *gorm.DB are made to be shared",
			"for settings per request use a session of the one pool: `db.Session(&gorm.Session{})`, `db.WithContext(ctx)`",
		],
		stop: ["restart the service to drop the pools that piled up"],
		verify: ["run plumbline diagnose again under load: the number of pools stays the same"],
	},
	examine(world) {
		const { firstDump, lastDump, spansWindow } = world;
		if (lastDump === undefined) return undefined;
		const instances = ormInstances(lastDump);
		const pools = lastDump.rows("opener");
		const fresh = spansWindow && firstDump !== undefined ? newPools(firstDump, lastDump) : [];
		const byRequests = openedByMany(lastDump, pools);
		const growing = fresh.length >= NEW_POOLS_MIN;
		const many = growing || byRequests.length >= OPENERS_MIN;
		if (!many && instances.length < ORM_INSTANCE_GOROUTINES_MIN) return undefined;

		const counted = many
			? Math.max(fresh.length, byRequests.length, poolsOpenAtOnce(world))
			: instances.length;
		const example = (many ? (fresh[0] ?? byRequests[0]) : instances[0]) ?? 0;
		const young = youngSessions(world);
		return finding("db-per-request", dbPerRequest.about, {
			// Pools that stay as they are may be shards opened in parallel, or one a tenant.
			severity: growing || !many ? "critical" : "note",
			confidence: growing ? 0.95 : many ? 0.5 : 0.85,
			count: counted,
			title: growing
				? `${plural(counted, "connection pool")} opened by requests`
				: many
					? `${plural(counted, "connection pool")} opened by many different goroutines`
					: `${plural(counted, "goroutine")} make an ORM instance at the same moment`,
			story: present([
				many
					? undefined
					: `${plural(instances.length, "goroutine")} of ${lastDump.table.count} are in the ORM's set-up`,
				fresh.length > 0 ? `${fresh.length} of ${pools.length} pools are younger than the window` : undefined,
				byRequests.length > 0
					? `${byRequests.length} pools were opened by as many different goroutines`
					: undefined,
			]).join("; "),
			attribution: whoOpens(world, [...fresh, ...byRequests]),
			evidence: present<Evidence>([
				goroutineEvidence(
					lastDump,
					example,
					many ? `${pools.length} pools are open: one opener goroutine for each` : "one of them",
				),
				young.length > 0
					? sessionEvidence(
							young,
							`${plural(young.length, "session")} connected within the last ${seconds(world.sessions?.spanMs ?? 0)}`,
						)
					: undefined,
			]),
		});
	},
};

/** Opener rows of the last dump that the first had not. */
function newPools(first: DumpView, last: DumpView): number[] {
	return last.rows("opener").filter((row) => !first.rowOf.has(last.table.goid[row] ?? 0));
}

/** Opener rows whose creators are different goroutines, other than main; none before Go 1.21. */
function openedByMany({ table }: DumpView, openers: readonly number[]): number[] {
	const seen = new Set<number>();
	return openers.filter((row) => {
		const creator = table.creatorGoid[row] ?? 0;
		if (creator <= MAIN_GOROUTINE || seen.has(creator)) return false;
		seen.add(creator);
		return true;
	});
}

/** The main goroutine's id is always 1; 0 means that the dump does not say. */
const MAIN_GOROUTINE = 1;

/** Without those of the main goroutine, which are the service's own for life, and of nobody knows whom. */
function poolsOpenAtOnce({ dumps }: World): number {
	return Math.max(
		0,
		...dumps.map(({ table, rows }) => {
			return rows("opener").filter((row) => (table.creatorGoid[row] ?? 0) > MAIN_GOROUTINE).length;
		}),
	);
}

function ormInstances({ table, facts }: DumpView): number[] {
	const rows: number[] = [];
	for (let row = 0; row < table.count; row++) if (facts(row).ormInstance) rows.push(row);
	return rows;
}

/** Sessions that connected within the window. */
function youngSessions({ sessions }: World): SessionHistory[] {
	return (
		sessions?.ours.filter(
			(h) => (h.last.session.sessionAgeMs ?? Number.POSITIVE_INFINITY) < sessions.spanMs,
		) ?? []
	);
}

/**
 * The caller of Open where one was seen. Else the opener's own request, if it is at work with a database and was
 * born before the pool, so that it is the one that opened it. What other openers do now is a hint only: a server
 * connection may serve a later request.
 */
function whoOpens(world: World, openers: readonly number[]): Attribution {
	const named = attributeBySiblings(world, "open");
	const { lastDump } = world;
	if (named.holder !== undefined || named.candidates.length > 0 || lastDump === undefined) return named;
	const inRequest = new Map<string, Holder>();
	const elsewhere = new Map<string, Holder>();
	for (const row of openers) {
		const creator = lastDump.table.creatorGoid[row] ?? 0;
		const at = lastDump.rowOf.get(creator);
		const facts = at === undefined ? undefined : lastDump.facts(at);
		const frame = facts?.borrow?.frame ?? facts?.application[0];
		if (frame === undefined) continue;
		const request = lastDump.requestOf.get(creator) ?? Number.POSITIVE_INFINITY;
		if (facts?.borrow !== undefined && request < (lastDump.table.goid[row] ?? 0)) {
			const how = "the request that opened one of the pools works on it here";
			inRequest.set(frame.func, { ...frame, how, confidence: 0.75 });
		} else if (elsewhere.size < CANDIDATES_MAX) {
			const how = "the goroutine that opened a pool is here now";
			elsewhere.set(frame.func, { ...frame, how, confidence: 0.3 });
		}
	}
	const [holder, ...others] = inRequest.values();
	if (holder !== undefined && others.length === 0) return { holder, candidates: [], siblings: [] };
	return { ...named, candidates: [...inRequest.values(), ...elsewhere.values()].slice(0, CANDIDATES_MAX) };
}
