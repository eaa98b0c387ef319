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
	const ids = sessions.slice(0, IDS_MAX).map((s) => s.id);
	if (ids.length === 0) return undefined;
	switch (engine) {
		case "postgres":
			return `\`select pg_terminate_backend(pid) from pg_stat_activity where pid in (${ids.join(", ")}) and state like 'idle in transaction%';\``;
		case "mysql":
			return `look first (\`show processlist\`: still Sleep?), then \`${ids.map((id) => `KILL ${id};`).join(" ")}\``;
		default:
			return engine satisfies never;
	}
}

/** Ends one session that blocks others, the gentle way first. */
export function endBlocker({ engine }: ServiceSessions, { id, last }: SessionHistory): string {
	switch (engine) {
		case "postgres":
			return last.session.state.startsWith("idle")
				? `\`select pg_terminate_backend(${id});\` (it runs nothing that could be cancelled)`
				: `\`select pg_cancel_backend(${id});\` and, if it stays, \`select pg_terminate_backend(${id});\``;
		case "mysql":
			return `\`KILL ${id};\``;
		default:
			return engine satisfies never;
	}
}
