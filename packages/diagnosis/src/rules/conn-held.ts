/**
 * conn-held: a connection taken and not returned, or hidden use that no goroutine explains.
 *
 * sql.Conn, pgxpool.Conn, QueryRow without Scan and cursors with a Background context leave no goroutine at
 * all. What gives them away is the crossing of lines (see hidden.ts): silent connections that the pool does
 * not count as idle. Without pool counters: callers starving for the whole window while connections of the
 * same service sit silent.
 */

import { type Attribution, CANDIDATES_MAX } from "../attribution.ts";
import { orAllocators } from "../creators-handles.ts";
import { persistentRows } from "../dump-view.ts";
import { goroutineEvidence, plural, poolEvidence, sessionEvidence, socketEvidence } from "../evidence.ts";
import type { Evidence } from "../finding.ts";
import type { BorrowApi } from "../functions.ts";
import { type Hidden, hiddenUse } from "../hidden.ts";
import { attributeBySiblings } from "../holder.ts";
import { attributeByLedger, whatWouldNameIt } from "../holder-ledger.ts";
import { finding, present, type Rule, severityOfLoss } from "../rule.ts";
import { LINK_CONFIDENCE_MIN, type SessionHistory } from "../session-history.ts";
import { idleThroughout } from "../session-patterns.ts";
import type { World } from "../world.ts";

/** Fewer than these may be pinned on purpose (a LISTEN, an advisory lock): noted, not warned of. */
const PINNED_MAX = 2;

/** The ways to take a connection that leave no goroutine, the rarer ones first. */
const SILENT_BORROWS: readonly BorrowApi[] = ["acquire", "conn", "conn-use", "row", "rows"];

/** They allocate what stands for the connection, and lives as long as it is held. */
const KEEPS_A_BORROW =
	/^(database\/sql\.\(\*DB\)\.(Conn|queryDC)|github\.com\/jackc\/pgx\/v\d+\/pgxpool\.\(\*Pool\)\.Acquire)$/;

export const connHeld: Rule = {
	id: "conn-held",
	about: {
		sees: "connections that are in use for the pool, idle for the database, and explained by no goroutine",
		hurts:
			"each one is lost to the pool until the process ends; the pool starves long before the database is full",
		otherwise: [
			"a connection pinned on purpose: LISTEN, an advisory lock, a session kept for its settings",
			"a second pool of the same service whose counters are not exported",
		],
		fix: [
			"sql.Conn: `defer conn.Close()`; pgxpool: `defer conn.Release()`, or Pool.AcquireFunc",
			"QueryRow returns its connection only in Scan: always call it, or use Exec",
			"rows from a Background context: `defer rows.Close()` right after the error check",
		],
		stop: ["restart the service; it does not heal by itself"],
		verify: [
			"run plumbline diagnose again under the same load: connections in use fall back to the work in hand",
		],
	},
	examine(world) {
		const hidden = hiddenUse(world) ?? starvedBesideSilent(world);
		if (hidden === undefined) return undefined;
		const { count, least, sessions, sockets } = hidden;
		const silent = attributeSilentBorrow(world, sessions);
		const attribution = orAllocators(world, silent, count, (func) => KEEPS_A_BORROW.test(func));
		const pinned = least <= PINNED_MAX;
		return finding("conn-held", connHeld.about, {
			// What may be a pool without counters or a long statement is not worth waking anybody.
			severity: pinned || hidden.unsure ? "note" : severityOfLoss(world, count),
			confidence: hidden.unsure ? 0.5 : pinned ? 0.5 : 0.9,
			...(hidden.unsure ? { level: "suspected" as const } : {}),
			count,
			title: `${plural(count, "connection")} held by code that does nothing with ${count === 1 ? "it" : "them"}`,
			story:
				`${plural(count, "connection")} carried nothing through the whole window, yet the pool does not have ` +
				`${count === 1 ? "it" : "them"} back; no goroutine watches a transaction or cursor for ${count === 1 ? "it" : "them"}. ` +
				"An unclosed sql.Conn, pgxpool.Conn, Rows, or a QueryRow never scanned looks like this." +
				(least < count ? ` By the fewest idle ones seen, at least ${least} are held for sure.` : ""),
			attribution,
			evidence: present<Evidence>([
				...poolSays(world),
				sessions.length > 0
					? sessionEvidence(
							sessions,
							`${plural(sessions.length, "session")} idle in every sample, nothing run`,
						)
					: undefined,
				sockets.length > 0
					? socketEvidence(sockets, `${plural(sockets.length, "connection")} carried no byte in the window`)
					: undefined,
				...runtimeSays(world),
			]),
		});
	},
};

/** No pool counters: callers that waited all along while connections sat silent give the same answer. */
function starvedBesideSilent(world: World): Hidden | undefined {
	const { sessions, spansWindow, firstDump, lastDump, pools } = world;
	if (pools.length > 0 || sessions === undefined || sessions.link.confidence < LINK_CONFIDENCE_MIN)
		return undefined;
	if (!spansWindow || firstDump === undefined || lastDump === undefined) return undefined;
	if (persistentRows(firstDump, lastDump, "pool-wait").length === 0) return undefined;
	const silent = sessions.ours.filter((h) => idleThroughout(h, sessions));
	const unexplained = silent.length - world.handles.filter((h) => h.kind === "rows" && !h.inTx).length;
	if (unexplained <= 0) return undefined;
	return {
		count: unexplained,
		least: unexplained,
		sessions: silent,
		sockets: [],
		unsure: lastDump.rows("opener").length > 1,
	};
}

/** Each way to take a connection silently may be the one: a name only if a single function was seen at any. */
function attributeSilentBorrow(world: World, sessions: readonly SessionHistory[]): Attribution {
	const byLedger = attributeByLedger(world, SILENT_BORROWS, sessions);
	if (byLedger !== undefined) return byLedger;
	const sites = SILENT_BORROWS.flatMap((api) => world.siblings.filter((s) => s.api === api));
	const functions = new Set(sites.map((s) => s.frame.func));
	const [first] = sites;
	// QueryRow and Query are everywhere in healthy code, so they alone name nobody.
	if (first !== undefined && functions.size === 1 && first.api !== "row" && first.api !== "rows") {
		return attributeBySiblings(world, first.api);
	}
	const { holder: _, ...nobody } = attributeBySiblings({ ...world, siblings: [] }, "conn");
	return {
		...nobody,
		...(first === undefined
			? {}
			: {
					holderGap: `healthy code borrows in these ways too, and no line tells which did not return; ${whatWouldNameIt(world)}`,
				}),
		candidates: sites.slice(0, CANDIDATES_MAX).map(({ frame, seen }) => ({
			...frame,
			how: `seen ${plural(seen, "time")} borrowing in a way that must be given back`,
			confidence: 0.3,
		})),
	};
}

function poolSays({ pools }: World): Evidence[] {
	return pools.slice(0, 2).map(({ last }) => {
		const { inUse, idle } = last.counters;
		return poolEvidence(last, `the pool counts ${inUse ?? "?"} in use and ${idle ?? "?"} idle`);
	});
}

/** That the runtime line was read and shows nobody at work. */
function runtimeSays({ lastDump, handles }: World): Evidence[] {
	if (lastDump === undefined || lastDump.table.count === 0) return [];
	const working = lastDump.rows("driver-call").length;
	const transactions = handles.filter((h) => h.kind === "tx").length;
	return [
		goroutineEvidence(
			lastDump,
			lastDump.rows("opener")[0] ?? 0,
			`of ${lastDump.table.count} goroutines ${working} are in a driver call and ${transactions} watch a lasting transaction: the rest of the use has no goroutine`,
		),
	];
}
