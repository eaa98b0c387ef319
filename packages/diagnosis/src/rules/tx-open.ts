/**
 * tx-open: a transaction neither committed nor rolled back.
 *
 * Runtime line: database/sql keeps one goroutine in (*Tx).awaitDone for each open transaction; the same
 * goroutine in both dumps is the same transaction, open for the whole window. Left out are those whose
 * opener is still at work with the database.
 * Database line: a session of this service that is idle in one transaction in every sample and ran nothing.
 * pgx's own transactions show only there.
 */

import { withCreators } from "../creators-handles.ts";
import { deadlockedHolders } from "../deadlock.ts";
import {
	goroutineEvidence,
	inUseEvidence,
	plural,
	seconds,
	sessionEvidence,
	socketEvidence,
} from "../evidence.ts";
import type { Evidence, Finding } from "../finding.ts";
import type { Handle } from "../handles.ts";
import { attributeHandles } from "../holder.ts";
import { idleTransactions, leakedTransactions } from "../leaked.ts";
import { finding, present, type Rule, severityOfLoss } from "../rule.ts";
import { LINK_CONFIDENCE_MIN, type SessionHistory } from "../session-history.ts";
import { idleInTxThroughout, idlesInTxForLong, tellsPersistence } from "../session-patterns.ts";
import { silentThroughout } from "../sockets-view.ts";
import { endIdleTransactions } from "../stop-sessions.ts";
import type { World } from "../world.ts";

export const txOpen: Rule = {
	id: "tx-open",
	about: {
		sees: "transactions that stay open through the whole window while nobody works in them",
		hurts:
			"each one keeps a connection out of the pool for good, holds its locks, and holds back vacuum on the database",
		otherwise: [
			"a transaction held on purpose across a slow call to another service",
			"a transaction that a context deadline longer than the window will still end",
		],
		fix: [
			"right after Begin: check its error, then `defer tx.Rollback()` (after Commit it does nothing)",
			"or use the block form: `db.Transaction(func(tx *gorm.DB) error {...})`, `pgx.BeginFunc`",
			"begin with the request's context, so that a forgotten transaction ends with its request",
		],
		stop: [
			"end the sessions that idle in a transaction: PostgreSQL `select pg_terminate_backend(PID);`, MySQL and MariaDB `KILL ID;`",
			"PostgreSQL, from now on: `alter role SERVICE set idle_in_transaction_session_timeout = '60s';`",
			"restarting the service frees the connections until the same path runs again",
		],
		verify: ["run plumbline diagnose again under the same load: the count stays at 0"],
	},
	examine(world) {
		const handles = leakedTransactions(world);
		const deadlocked = deadlockedHolders(world).length;
		const sessions = (idleTransactions(world) ?? []).slice(deadlocked);
		const count = Math.max(handles.length, sessions.length);
		if (count === 0) return somebodysTransactions(world);

		const held = handles.length > 0 && handles.every((h) => h.owner.kind === "busy");
		const attribution = withCreators(
			world,
			attributeHandles(world, handles, "begin", sessions),
			handles.map(({ row }) => row),
		);
		const age = Math.max(
			0,
			...sessions.map((s) => s.last.session.xactAgeMs ?? s.last.session.stateAgeMs ?? 0),
		);
		return finding("tx-open", txOpen.about, {
			severity: severityOfLoss(world, count),
			confidence: handles.length > 0 && sessions.length > 0 ? 0.97 : 0.8,
			count,
			title: held
				? `${plural(count, "transaction")} held open by calls that are still running`
				: `${plural(count, "transaction")} open, and nobody is left to end ${count === 1 ? "it" : "them"}`,
			story: present([
				world.spansWindow || sessions.length > 0
					? `${plural(count, "transaction")} stayed open through the whole window without running a statement`
					: `${plural(count, "transaction")} open although the goroutines that began them have moved on`,
				age > 0 ? `the oldest for ${seconds(age)}` : undefined,
				ownersInWords(handles),
			]).join("; "),
			attribution,
			// Which of the idle ones wait in a deadlock instead is not known by session.
			...(deadlocked > 0 ? {} : stopNow(world, sessions)),
			evidence: present<Evidence>([
				...runtimeEvidence(world, handles),
				sessions.length > 0
					? sessionEvidence(
							sessions,
							`${plural(sessions.length, "session")} idle in transaction in every sample, nothing run`,
						)
					: undefined,
				refuted(world, sessions) ? undefined : inUseEvidence(world.pools, count),
				handles.length === 0 ? silentSockets(world, sessions) : undefined,
			]),
		});
	},
};

/**
 * Nothing ties the sessions to the target, so they may be another service's: told, since whoever asks wants to
 * know, but as a note. Or there is one list only, pasted perhaps: then the server's own ages tell.
 */
function somebodysTransactions({ sessions }: World): Finding | undefined {
	if (sessions === undefined || sessions.link.confidence === 0) return undefined;
	const { link, ours } = sessions;
	const tied = link.confidence >= LINK_CONFIDENCE_MIN;
	const once = !tellsPersistence(sessions);
	if (tied && !once) return undefined;
	const idle = ours.filter((h) => (once ? idlesInTxForLong(h) : idleInTxThroughout(h, sessions)));
	if (idle.length === 0) return undefined;
	const oldestMs = Math.max(
		...idle.map(({ last: { session } }) => session.xactAgeMs ?? session.stateAgeMs ?? 0),
	);
	const says = once
		? `${plural(idle.length, "session")} idle in transaction for a minute and longer, the oldest for ${seconds(oldestMs)}`
		: `${plural(idle.length, "session")} idle in transaction in every sample, nothing run`;
	return finding("tx-open", txOpen.about, {
		severity: tied ? "warning" : "note",
		confidence: tied ? Math.min(0.7, link.confidence) : link.confidence,
		count: idle.length,
		title: tied
			? `${plural(idle.length, "transaction")} open for ${seconds(oldestMs)} and nothing run in them`
			: `${plural(idle.length, "transaction")} open in this database, by a client not known to be this service`,
		story: `${says}; ${link.reason}`,
		attribution: {
			candidates: [],
			siblings: [],
			holderGap: tied
				? "no line of code was seen with them: a goroutine dump of the service would show it"
				: "whose they are is not known: give --pid of the service, so that its sockets are read",
		},
		evidence: [sessionEvidence(idle, says)],
	});
}

/** With the sessions at hand, the command that ends just these. */
function stopNow({ sessions: service }: World, sessions: readonly SessionHistory[]): { stop?: string[] } {
	const command = service && endIdleTransactions(service, sessions);
	if (command === undefined) return {};
	const [, timeout, restart] = txOpen.about.stop;
	return { stop: present([command, service?.engine === "postgres" ? timeout : undefined, restart]) };
}

function ownersInWords(handles: readonly Handle[]): string | undefined {
	const of = (kind: Handle["owner"]["kind"]): number => handles.filter((h) => h.owner.kind === kind).length;
	const [gone, moved, busy] = [of("gone"), of("moved-on"), of("busy")];
	const words = present([
		gone > 0 ? `${gone} ended` : undefined,
		moved > 0 ? `${moved} moved on to other work` : undefined,
		busy > 0 ? `${busy} still in the call` : undefined,
	]);
	return words.length === 0 ? undefined : `of the goroutines that began them ${words.join(", ")}`;
}

function runtimeEvidence({ lastDump, spansWindow }: World, handles: readonly Handle[]) {
	const [first] = handles;
	if (first === undefined || lastDump === undefined) return [];
	const where = spansWindow ? "in both dumps" : "in the dump";
	return [
		goroutineEvidence(
			lastDump,
			first.row,
			`${plural(handles.length, "goroutine")} in (*Tx).awaitDone ${where}: one for each open transaction`,
		),
	];
}

/** The service's sessions were read and none idles in a transaction: then its pool's use agrees with nothing. */
function refuted(world: World, idle: readonly SessionHistory[]): boolean {
	return idleTransactions(world) !== undefined && idle.length === 0;
}

/** For transactions that only the database shows: their own sockets, silent all along. */
function silentSockets({ sockets }: World, sessions: readonly SessionHistory[]) {
	if (sockets === undefined) return undefined;
	const ports = new Set(sessions.map((s) => s.last.session.client?.port));
	const silent = sockets.last.filter((o) => ports.has(o.socket.localPort) && silentThroughout(sockets, o));
	if (silent.length < sessions.length) return undefined;
	return socketEvidence(silent, `their ${plural(silent.length, "connection")} carried no byte in the window`);
}
