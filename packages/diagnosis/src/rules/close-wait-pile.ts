/**
 * close-wait-pile: the peer has closed, we have not, and it stays so (close-wait-view.ts).
 *
 * Seen by the same socket in CLOSE_WAIT at both ends of the window. What looks like idle connections of a pool,
 * which the server has timed out, is for server-closed-idle to tell.
 */
import { SIGNS_MIN, worstPile } from "../close-wait-view.ts";
import { plural, seconds, socketEvidence } from "../evidence.ts";
import { areLeftOpen } from "../http-bodies.ts";
import { finding, present, type Rule } from "../rule.ts";

export const closeWaitPile: Rule = {
	id: "close-wait-pile",
	about: {
		sees: "connections that the peer has closed and this service has not, for the whole window",
		hurts: "each keeps a file descriptor until the process ends; the kernel never clears CLOSE_WAIT",
		otherwise: [
			"idle connections of a pool that the server has closed, unnoticed until their next use (server-closed-idle): of a client, only a pile that grows, or that holds unread bytes, is more than noted",
			"a handler that works on long after its client has gone",
			"a tunnel or stream whose other half is open on purpose and has had nothing to send for the whole window",
		],
		fix: [
			"close on every path: `defer conn.Close()` right after Dial or Accept; `defer resp.Body.Close()` right after the error check",
			"a read that returns io.EOF is the peer's close: the loop must end and close",
			"read and write deadlines, so that no goroutine waits for a peer that has gone",
			"for idle connections of a pool: its idle time-out (ConnMaxIdleTime, MaxConnIdleTime) shorter than the server's",
		],
		stop: ["restart the service; only its own close(2) frees them"],
		verify: ["run plumbline diagnose again: `ss -tn state close-wait` shows none that stays"],
	},
	examine(world, found) {
		const pile = worstPile(world, "left");
		if (pile === undefined) return undefined;
		const { severity, where, incoming, database, sockets, fresh, oldestMs, unread } = pile;
		const count = sockets.length;
		return finding("close-wait-pile", closeWaitPile.about, {
			severity,
			confidence: database || severity === "note" ? 0.6 : 0.9,
			count,
			title: `${plural(count, "connection")} ${incoming ? "to" : "with"} ${where} closed by the peer and not by this service`,
			story: present([
				`${plural(count, "socket")} stayed in CLOSE_WAIT through the whole window, the oldest for ${seconds(oldestMs)}`,
				unread > 0 ? `${unread} of them hold bytes that nobody has read` : undefined,
				fresh >= SIGNS_MIN ? `${fresh} more came that had been in use just before` : undefined,
			]).join("; "),
			causes:
				found.some(({ id }) => id === "http-body-open") && areLeftOpen(world, sockets)
					? ["http-body-open"]
					: [],
			attribution: {
				candidates: [],
				siblings: [],
				holderGap: `sockets know no line of code; look for who ${incoming ? "accepts" : "dials"} ${where} and does not close`,
			},
			evidence: [
				socketEvidence(sockets, `${plural(count, "socket")} in CLOSE_WAIT at both ends of the window`),
			],
		});
	},
};
