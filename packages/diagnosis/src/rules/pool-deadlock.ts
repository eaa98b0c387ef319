/**
 * pool-deadlock: holders wait for a second connection from the same pool.
 *
 * Goroutines that wait in (*DB).conn for the whole window while they have a transaction open: either the dump
 * says that they created its watcher and are still in the same request, or their stack runs inside a
 * transaction block. None can go on before another gives up.
 */

import type { Attribution } from "../attribution.ts";
import { type DeadlockedHolder, deadlockedHolders } from "../deadlock.ts";
import { goroutineEvidence, plural, poolEvidence, sessionEvidence } from "../evidence.ts";
import type { Evidence } from "../finding.ts";
import { isExhausted } from "../pool-view.ts";
import { finding, present, type Rule } from "../rule.ts";
import { idleInTxThroughout } from "../session-patterns.ts";
import type { World } from "../world.ts";

export const poolDeadlock: Rule = {
	id: "pool-deadlock",
	about: {
		sees: "goroutines that hold a connection and wait for another one from the same pool",
		hurts: "once every connection is held by such a caller, none of them can ever go on",
		otherwise: ["two pools to the same database, where the one waited for is starved by something else"],
		fix: [
			"run everything inside the transaction on the transaction: pass `tx` down, not `db`",
			"do the second lookup before Begin or after Commit",
			"until then a context timeout on the second call breaks the ring; a larger pool only moves the point",
		],
		stop: ["restart the service: none of them can go on"],
		verify: ["run plumbline diagnose under peak load: no goroutine waits for the pool inside a transaction"],
	},
	examine(world) {
		const holders = deadlockedHolders(world);
		const [first] = holders;
		if (first === undefined || world.lastDump === undefined) return undefined;
		const count = holders.length;
		const full = world.pools.find(isExhausted);
		const { sessions } = world;
		const idle = sessions?.ours.filter((h) => idleInTxThroughout(h, sessions)) ?? [];
		return finding("pool-deadlock", poolDeadlock.about, {
			severity: "critical",
			confidence: full !== undefined || idle.length >= count ? 0.95 : 0.8,
			count,
			title: `${plural(count, "goroutine")} hold a connection and wait for a second one from the same pool`,
			story:
				`${plural(count, "goroutine")} waited for the pool through the whole window, each with a connection of its own in hand` +
				(full === undefined ? "." : `; all ${full.last.counters.maxOpen} connections of the pool are out.`),
			attribution: secondBorrow(holders),
			evidence: present<Evidence>([
				goroutineEvidence(
					world.lastDump,
					first.row,
					`${plural(count, "goroutine")} wait in the pool all along; this one ${first.how}`,
				),
				full &&
					poolEvidence(
						full.last,
						`all ${full.last.counters.maxOpen} connections are in use, ${waiting(world)} callers wait`,
					),
				idle.length > 0
					? sessionEvidence(
							idle,
							`${plural(idle.length, "session")} idle in transaction all along: the holders' own`,
						)
					: undefined,
			]),
		});
	},
};

function waiting({ lastDump }: World): number {
	return lastDump?.rows("pool-wait").length ?? 0;
}

/** The line that asks for the second connection, where most of them wait. */
function secondBorrow(holders: readonly DeadlockedHolder[]): Attribution {
	const counts = new Map<
		string,
		{ frame: NonNullable<DeadlockedHolder["facts"]["borrow"]>["frame"]; n: number }
	>();
	for (const { facts } of holders) {
		const frame = facts.borrow?.frame;
		if (frame === undefined) continue;
		const key = `${frame.func} ${frame.file}:${frame.line}`;
		counts.set(key, { frame, n: (counts.get(key)?.n ?? 0) + 1 });
	}
	const [most] = [...counts.values()].sort((a, b) => b.n - a.n);
	if (most === undefined) {
		return { candidates: [], siblings: [], holderGap: "their stacks show no code of the service" };
	}
	const how = `${most.n} of ${holders.length} ask for the second connection here`;
	return { holder: { ...most.frame, how, confidence: 0.95 }, candidates: [], siblings: [] };
}
