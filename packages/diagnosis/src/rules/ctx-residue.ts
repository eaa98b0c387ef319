/**
 * ctx-residue: work outlives its context (transaction form).
 *
 * A context with a timeout, taken outside the transaction and not followed by a rollback, holds the
 * connection until the deadline; then database/sql rolls back by itself, and drivers without a validator
 * (pgx stdlib) have their connection thrown away. The window shows transactions that idle, vanish all at
 * the same age, and take their sessions and sockets with them.
 */
import { persistentRows } from "../dump-view.ts";
import { goroutineEvidence, plural, seconds, sessionEvidence, socketEvidence } from "../evidence.ts";
import type { Evidence } from "../finding.ts";
import { type Handle, handlesIn } from "../handles.ts";
import { attributeBySiblings } from "../holder.ts";
import { finding, present, type Rule } from "../rule.ts";
import { LINK_CONFIDENCE_MIN, type ServiceSessions, type SessionHistory } from "../session-history.ts";
import type { World } from "../world.ts";

/** A transaction idle for less may be a pause between two statements. */
const IDLE_MS_MIN = 1_000;
/** One or two that end oddly are accidents. */
const ENDED_MIN = 3;

export const ctxResidue: Rule = {
	id: "ctx-residue",
	about: {
		sees: "transactions that idle until a context deadline ends them, often together with their connection",
		hurts:
			"each holds its connection until the deadline; then the pool has to open new ones in bursts, and late use fails with 'transaction has already been committed or rolled back'",
		otherwise: [
			"idle_in_transaction_session_timeout on the server ending transactions that leak",
			"somebody ending sessions by hand or by script during the window",
		],
		fix: [
			"`defer tx.Rollback()` right after Begin: a deadline is a safety net, not the way out",
			"take the timeout inside, around the statements that need it, not around a wider piece of work",
		],
		stop: ["shorten the timeout: it bounds how long each connection is lost"],
		verify: ["run plumbline diagnose again: sessions keep their backend ids over the window"],
	},
	examine(world) {
		const openers = openersOfEnded(world);
		const ended = openers === "still at work" ? [] : endedByContext(world.sessions);
		const blocked = blockedRollbacks(world);
		if (ended.length < ENDED_MIN && blocked.length === 0) return undefined;
		const count = Math.max(ended.length >= ENDED_MIN ? ended.length : 0, blocked.length);
		const vanished = ended.filter((e) => e.how === "session gone").length;
		const age = commonEndAge(ended);
		const attribution = attributeBySiblings(
			world,
			"begin",
			ended.map((e) => e.history),
		);
		return finding("ctx-residue", ctxResidue.about, {
			// Only the runtime line tells a deadline from code that pauses and then ends its transaction itself.
			severity: openers === "gone before the end" || blocked.length > 0 ? "warning" : "note",
			confidence: openers === "cannot be told" ? 0.5 : age === undefined ? 0.75 : 0.9,
			count,
			title: `${plural(count, "transaction")} ended by a context, not by the code that began ${count === 1 ? "it" : "them"}`,
			story: present([
				ended.length > 0
					? `${plural(ended.length, "transaction")} idled and then ended in the window${vanished > 0 ? `, ${vanished} with the whole connection` : ""}`
					: undefined,
				age === undefined ? undefined : `all at the same age, about ${seconds(age)}: a timeout`,
				blocked.length > 0
					? `${plural(blocked.length, "rollback")} wait behind a statement in flight`
					: undefined,
			]).join("; "),
			attribution,
			evidence: present<Evidence>([
				ended.length > 0
					? sessionEvidence(
							ended.map((e) => e.history),
							`${plural(ended.length, "session")} idle in transaction, then ${vanished > 0 ? "gone" : "rolled back"}`,
						)
					: undefined,
				...runtimeEvidence(world),
				vanishedSockets(world, ended),
			]),
		});
	},
};

interface Ended {
	readonly history: SessionHistory;
	readonly how: "session gone" | "rolled back";
	/** Age of the transaction when last seen, and when it was surely over. */
	readonly ageMsMin: number;
	readonly ageMsMax: number;
}

/** Transactions that idled at one sample and were over, not by a commit, at the next. */
function endedByContext(sessions: ServiceSessions | undefined): Ended[] {
	if (sessions === undefined || sessions.link.confidence < LINK_CONFIDENCE_MIN) return [];
	const times = sessions.sampleTimesMs;
	const ended: Ended[] = [];
	for (const history of sessions.ours) {
		history.sightings.forEach(({ session, atMs }, i) => {
			if (!session.state.startsWith("idle in transaction")) return;
			if ((session.stateAgeMs ?? 0) < IDLE_MS_MIN) return;
			const nextMs = times.find((t) => t > atMs);
			if (nextMs === undefined) return;
			const next = history.sightings[i + 1];
			const gone = next === undefined;
			const rolledBack = next?.session.state === "idle" && /^\s*rollback\b/i.test(next.session.statement);
			if (!gone && !rolledBack) return;
			const age = session.xactAgeMs ?? session.stateAgeMs ?? 0;
			ended.push({
				history: { ...history, last: history.sightings[i] ?? history.last },
				how: gone ? "session gone" : "rolled back",
				ageMsMin: age,
				ageMsMax: age + (nextMs - atMs),
			});
		});
	}
	// A rollback by the code itself looks the same but for its timing: only a common age tells a deadline.
	const kept = ended.filter((e) => e.how === "rolled back");
	return commonEndAge(kept) === undefined ? ended.filter((e) => e.how === "session gone") : ended;
}

/** The one age at which all of these can have ended; undefined when there is none, or too few to tell. */
function commonEndAge(ended: readonly Ended[]): number | undefined {
	if (ended.length < ENDED_MIN) return undefined;
	const least = Math.max(...ended.map((e) => e.ageMsMin));
	const most = Math.min(...ended.map((e) => e.ageMsMax));
	return least <= most ? (least + most) / 2 : undefined;
}

/** Transactions of the first dump that were over in the last. */
function overInWindow({ firstDump, lastDump, spansWindow }: World): Handle[] {
	if (!spansWindow || firstDump === undefined || lastDump === undefined) return [];
	return [...handlesIn(firstDump)].filter((h) => h.kind === "tx" && !lastDump.rowOf.has(h.goid));
}

/** Nobody but a context can end a transaction whose opener has gone; whoever is in the call ends it himself. */
function openersOfEnded(world: World): "gone before the end" | "still at work" | "cannot be told" {
	const over = overInWindow(world).map((h) => h.owner);
	if (!world.spansWindow || over.some((o) => o.kind === "unknown")) return "cannot be told";
	const gone = over.filter((o) => o.kind === "gone" || o.kind === "moved-on").length;
	const unclear = over.filter((o) => o.kind === "busy" && !o.certain).length;
	const most = gone > 0 && gone + unclear >= Math.max(ENDED_MIN, over.length / 2);
	return gone >= ENDED_MIN || most ? "gone before the end" : "still at work";
}

/** Rollbacks that wait all along; for a moment, every cancelled statement has one. */
function blockedRollbacks({ firstDump, lastDump, spansWindow }: World): number[] {
	if (!spansWindow || firstDump === undefined || lastDump === undefined) return [];
	return persistentRows(firstDump, lastDump, "rollback-blocked");
}

/** The watchers of those transactions: there at the start, gone at the end. */
function runtimeEvidence(world: World): Evidence[] {
	const { firstDump, lastDump } = world;
	if (firstDump === undefined || lastDump === undefined) return [];
	const blocked = blockedRollbacks(world)[0];
	const evidence: Evidence[] = [];
	if (blocked !== undefined) {
		evidence.push(goroutineEvidence(lastDump, blocked, "a rollback waits for the statement in flight"));
	}
	const over = overInWindow(world);
	const [first] = over;
	if (first !== undefined && over.length >= ENDED_MIN) {
		const says = `${plural(over.length, "transaction")} open in the first dump, over in the last`;
		evidence.push(goroutineEvidence(firstDump, first.row, says));
	}
	return evidence;
}

function vanishedSockets({ sockets }: World, ended: readonly Ended[]): Evidence | undefined {
	if (sockets === undefined) return undefined;
	const ports = new Set(
		ended.flatMap((e) => (e.how === "session gone" ? [e.history.last.session.client?.port] : [])),
	);
	const still = new Set(sockets.last.map((o) => o.socket.localPort));
	const gone = sockets.first.filter((o) => ports.has(o.socket.localPort) && !still.has(o.socket.localPort));
	return gone.length === 0
		? undefined
		: socketEvidence(gone, `${plural(gone.length, "connection")} of these closed within the window`);
}
