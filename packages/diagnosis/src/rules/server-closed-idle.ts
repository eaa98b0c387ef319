/**
 * server-closed-idle: the server has hung up on idle connections of a pool, and the pool does not know yet.
 *
 * Sockets line: a pile of a client's connections in CLOSE_WAIT (close-wait-view.ts) that had long been idle when
 * they were closed, that hold nothing but the FIN or a word of farewell, and that do not grow. Pool line: the pool
 * counts at least as many idle ones. Not a leak: most pools do not read while a connection idles, so they find out
 * at its next use. net/http's client does read, and never has such.
 */
import { type Pile, worstPile } from "../close-wait-view.ts";
import { plural, poolEvidence, seconds, socketEvidence } from "../evidence.ts";
import type { Evidence } from "../finding.ts";
import { areLeftOpen } from "../http-bodies.ts";
import { leastOver } from "../pool-view.ts";
import { finding, present, type Rule } from "../rule.ts";
import type { World } from "../world.ts";

export const serverClosedIdle: Rule = {
	id: "server-closed-idle",
	about: {
		sees: "idle connections of a pool that the server has closed, and the pool has not noticed",
		hurts:
			"each is found out at its next use: a caller pays for a second connection, or gets an error where the pool does not try again; until then each keeps a file descriptor",
		otherwise: [
			"connections that were left open and forgotten, whose peers have hung up, with no more coming: watch whether their number grows",
		],
		fix: [
			"let the pool close idle connections before the server does: `db.SetConnMaxIdleTime`, pgxpool's MaxConnIdleTime, go-redis's ConnMaxIdleTime shorter than the server's time-out (idle_session_timeout, wait_timeout, a load balancer's idle limit)",
			"keep fewer idle connections: MaxIdleConns near what quiet hours need",
		],
		stop: [
			"nothing needs to be done at once: the pool replaces each at its next use; if `ss -tn state close-wait` shows more and more of them, restart the service",
		],
		verify: ["run plumbline diagnose again in quiet hours: `ss -tn state close-wait` shows none that stays"],
	},
	examine(world, found) {
		const pile = worstPile(world, "idle");
		if (pile === undefined) return undefined;
		// A response that nobody closed keeps its connection, whoever hangs up: that is no pool's idle one.
		if (found.some(({ id }) => id === "http-body-open") && areLeftOpen(world, pile.sockets)) return undefined;
		const { where, sockets, fresh, oldestMs, unread } = pile;
		const count = sockets.length;
		const idle = idleInPool(world, pile);
		return finding("server-closed-idle", serverClosedIdle.about, {
			severity: "note",
			confidence: idle === undefined ? 0.6 : 0.9,
			count,
			title: `${plural(count, "idle connection")} with ${where} that the peer has closed`,
			story: present([
				`${plural(count, "socket")} stayed in CLOSE_WAIT through the whole window, the oldest for ${seconds(oldestMs)}`,
				fresh === 0 ? "none came that had been in use just before" : undefined,
				unread > 0 ? `${unread} of them hold a few bytes of farewell` : undefined,
				idle === undefined
					? "a pool finds out at their next use, and nothing says that they are more than that"
					: "the pool counts as many idle connections, and finds out at their next use",
			]).join("; "),
			attribution: {
				candidates: [],
				siblings: [],
				holderGap: `sockets know no line of code; see which pool keeps idle connections with ${where}, and for how long`,
			},
			evidence: present<Evidence>([
				socketEvidence(sockets, `${plural(count, "socket")} in CLOSE_WAIT at both ends of the window`),
				idle,
			]),
		});
	},
};

function idleInPool({ pools }: World, { database, sockets }: Pile): Evidence | undefined {
	if (!database || (leastOver(pools, "idle") ?? 0) < sockets.length) return undefined;
	const [fullest] = pools.toSorted((a, b) => (b.last.counters.idle ?? 0) - (a.last.counters.idle ?? 0));
	return (
		fullest && poolEvidence(fullest.last, `the pool counts ${fullest.last.counters.idle} idle connections`)
	);
}
