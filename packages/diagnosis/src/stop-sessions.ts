/** The command that ends just these sessions, in the words of their server. */
import type { ServiceSessions, SessionHistory } from "./session-history.ts";

/** More ids make no command that anybody would read before running it. */
const IDS_MAX = 50;

/**
 * Ends sessions that idle in a transaction. The state is asked for again, since a session may have ended, and
 * its id may be another's, by the time somebody runs this.
 */
export function endIdleTransactions(
	{ engine }: ServiceSessions,
	sessions: readonly SessionHistory[],
): string | undefined {
	const shown = sessions.slice(0, IDS_MAX);
	if (shown.length === 0) return undefined;
	switch (engine) {
		case "postgres":
			return `\`${terminateIfStillIdle(shown)}\``;
		case "mysql":
			return `look first (\`show processlist\`: still Sleep?), then \`${shown.map(({ id }) => `KILL ${id};`).join(" ")}\``;
		default:
			return engine satisfies never;
	}
}

/** Ends one session that blocks others; whose it is, is not known here, so its owner comes first. */
export function endBlocker({ engine }: ServiceSessions, history: SessionHistory): string {
	const { id } = history;
	switch (engine) {
		case "postgres":
			return history.last.session.state.startsWith("idle in transaction")
				? `ask its owner; then \`${terminateIfStillIdle([history])}\``
				: `ask its owner; then \`select pg_cancel_backend(${id});\``;
		case "mysql":
			return `ask its owner; then \`KILL ${id};\``;
		default:
			return engine satisfies never;
	}
}

function terminateIfStillIdle(sessions: readonly SessionHistory[]): string {
	const ids = sessions.map((s) => s.id).join(", ");
	const ports = sessions.map((s) => s.last.session.client?.port).filter((port) => port !== undefined);
	const from = ports.length === sessions.length ? ` and client_port in (${ports.join(", ")})` : "";
	return `select pg_terminate_backend(pid) from pg_stat_activity where pid in (${ids})${from} and state like 'idle in transaction%';`;
}
