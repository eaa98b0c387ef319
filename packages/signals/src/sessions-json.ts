/**
 * The JSON frame both kinds of session list come in: a head, then one row a line, so that rows can be
 * quoted by offset and a file cut short still gives its whole rows. Written in ASCII (\u escapes), so
 * that an offset in the text is one in the bytes.
 *
 *     {"format":"plumbline.postgres-sessions/1",
 *     "server":{"version":"18.4",...},
 *     "self":{"id":4711,...},
 *     "sessions":[
 *     {"id":4242,...},
 *     {"id":4243,...}
 *     ]}
 */
import type { Decoded } from "./decoded.ts";
import { Flaws } from "./flaws.ts";
import type { DbSession, Engine, SessionTable } from "./sessions.ts";

/** Characters of a foreign beginning or a bad row that a message quotes. */
const QUOTE_CHARS_MAX = 60;

export type Fields = Readonly<Record<string, unknown>>;

/** What one engine makes of the frame. */
export interface SessionsDialect {
	/** Value of `format`. */
	readonly format: string;
	readonly engine: Engine;
	readonly seesAllUsers: (self: Fields, rows: readonly Fields[]) => boolean;
	readonly session: (row: Fields, id: number) => DbSession;
}

export function decodeSessions(bytes: Uint8Array, dialect: SessionsDialect): Decoded<SessionTable> {
	const text = new TextDecoder().decode(bytes);
	const flaws = new Flaws();
	const frame = readFrame(text, flaws);
	if (frame?.format !== dialect.format || !Array.isArray(frame.sessions)) {
		return { kind: "foreign", found: text.slice(0, QUOTE_CHARS_MAX).split(/[\r\n]/, 1)[0] ?? "" };
	}
	const offsets = text.length === bytes.length ? rowOffsets(text) : [];
	const rows: Fields[] = [];
	const sessions: DbSession[] = [];
	frame.sessions.forEach((row: unknown, i) => {
		const offset = offsets.length === frame.sessions.length ? offsets[i] : undefined;
		const fields = fieldsOf(row);
		const id = numberOf(fields.id);
		if (id === undefined || !Number.isInteger(id)) {
			const found = JSON.stringify(row).slice(0, QUOTE_CHARS_MAX);
			flaws.malformed(`expected a session with an id, found ${found}`, offset ?? 0);
			return;
		}
		rows.push(fields);
		sessions.push({ ...dialect.session(fields, id), ...(offset === undefined ? {} : { offset }) });
	});
	const server = fieldsOf(frame.server);
	const self = fieldsOf(frame.self);
	const value = {
		engine: dialect.engine,
		serverVersion: textOf(server.version) ?? "unknown",
		server: { ip: plainIp(textOf(server.ip) ?? ""), port: numberOf(server.port) ?? 0 },
		...present<Pick<SessionTable, "connectionsMax" | "ownId">>({
			connectionsMax: numberOf(server.connectionsMax),
			ownId: numberOf(self.id),
		}),
		seesAllUsers: dialect.seesAllUsers(self, rows),
		sessions,
	};
	return { kind: "decoded", value, flaws: flaws.list() };
}

interface Frame extends Fields {
	readonly sessions: readonly unknown[];
}

/** The frame, mended when its end is missing. Undefined when it is no JSON object with rows. */
function readFrame(text: string, flaws: Flaws): Frame | undefined {
	const whole = parse(text);
	if (whole !== undefined) return whole;
	const rowsEnd = Math.max(
		text.lastIndexOf("}\n"),
		text.lastIndexOf("},\n"),
		text.lastIndexOf('"sessions":[\n') + 11,
	);
	const mended = parse(`${text.slice(0, rowsEnd + 1)}]}`);
	if (mended !== undefined) flaws.truncated("expected more rows, found the end of the bytes", rowsEnd + 1);
	return mended;
}

function parse(text: string): Frame | undefined {
	try {
		const value: unknown = JSON.parse(text);
		const frame = fieldsOf(value);
		return Array.isArray(frame.sessions) ? { ...frame, sessions: frame.sessions } : undefined;
	} catch {
		return undefined;
	}
}

function rowOffsets(text: string): number[] {
	const offsets: number[] = [];
	for (let at = text.indexOf('\n{"id":'); at >= 0; at = text.indexOf('\n{"id":', at + 1))
		offsets.push(at + 1);
	return offsets;
}

function fieldsOf(value: unknown): Fields {
	return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function numberOf(value: unknown): number | undefined {
	return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** A text that says something: the empty one is absent. */
export function textOf(value: unknown): string | undefined {
	return typeof value === "string" && value !== "" ? value : undefined;
}

export function numbersOf(value: unknown): readonly number[] {
	return Array.isArray(value) ? value.filter((one): one is number => Number.isInteger(one)) : [];
}

/** An IPv4 address that came in IPv6 clothes is given as IPv4. */
export function plainIp(ip: string): string {
	return ip.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
}

/** Without the keys whose value is undefined. */
export function present<T extends object>(fields: { [K in keyof T]?: T[K] | undefined }): Partial<T> {
	return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
