/** What the readers of both database engines share: their bounds, what a reading is, the text they write. */
import type { Gap } from "@plumbline/signals/capture";

/** To connect, TLS and login included. */
export const CONNECT_MS_MAX = 2000;
/** For each statement, kept by the server. */
export const STATEMENT_MS_MAX = 2000;
/** Rows read of the session list; those with the oldest transactions come first. */
export const SESSIONS_MAX = 5000;
/** Characters of a statement that are read: as many as PostgreSQL keeps by default. */
export const STATEMENT_CHARS_MAX = 1024;
/** To say goodbye to the server; then the connection is cut. */
export const CLOSE_MS_MAX = 500;

/** As PostgreSQL's application_name and MySQL's program_name. */
export const APPLICATION = "plumbline";

/** One reading, as text of the part, and what could not be seen. */
export interface SessionsReading {
	readonly text: string;
	readonly truncated?: string;
	/** Without line and name, which the recorder's plan has. */
	readonly gaps: readonly Pick<Gap, "why" | "weight">[];
}

export interface SessionsFrame {
	readonly format: string;
	readonly server: object;
	readonly self: object;
	readonly sessions: readonly object[];
}

/** The part's text: one row a line, ASCII only, so that rows can be quoted by their byte offset. */
export function writeFrame({ format, server, self, sessions }: SessionsFrame): string {
	const rows = sessions.map((row) => JSON.stringify(row)).join(",\n");
	const text = `{"format":${JSON.stringify(format)},\n"server":${JSON.stringify(server)},\n"self":${JSON.stringify(self)},\n"sessions":[\n${rows}\n]}\n`;
	return text.replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
