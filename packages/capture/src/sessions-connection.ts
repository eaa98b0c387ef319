/**
 * One connection to a database that is kept over several readings and never outlives an abort.
 *
 *     none --read--> connecting --> open --read--> open ...
 *      ^------ abort, error: the socket is destroyed; close: goodbye first ------'
 */
import type { Socket } from "node:net";
import type { DatabaseUrl, TlsMode } from "./database-url.ts";
import { explainDatabaseError } from "./sessions-error.ts";
import { CLOSE_MS_MAX, type SessionsReading } from "./sessions-source.ts";

/** A database that can be read several times over one connection. Not for concurrent use. */
export interface SessionsSource {
	/** Connects if need be. Rejects with a message for people; after an abort, the connection is gone. */
	read(signal: AbortSignal): Promise<SessionsReading>;
	close(): Promise<void>;
}

/** A logged-in connection. */
export interface Link {
	/** Under TLS too: destroying it frees everything at once. */
	readonly socket: Socket;
	/** Says goodbye. */
	end(): Promise<void>;
}

/** What an engine brings. */
export interface Engine<L extends Link> {
	/** On failure nothing may be left open. */
	connect(url: DatabaseUrl, tls: boolean, signal: AbortSignal): Promise<L>;
	/** Whether an attempt failed for a reason that the other way, with TLS or without, may not meet. */
	isAboutTls(error: unknown, tls: boolean): boolean;
	read(link: L): Promise<SessionsReading>;
}

export function sessionsSource<L extends Link>(url: DatabaseUrl, engine: Engine<L>): SessionsSource {
	let link: L | undefined;
	const drop = () => {
		link?.socket.destroy();
		link = undefined;
	};
	return {
		async read(signal) {
			try {
				const open = link ?? (await connect(url, engine, signal));
				link = open;
				return await abortable(signal, drop, () => engine.read(open));
			} catch (error) {
				drop();
				if (signal.aborted) throw signal.reason;
				throw explainDatabaseError(error, url);
			}
		},
		async close() {
			const open = link;
			link = undefined;
			if (open === undefined) return;
			const cut = setTimeout(() => open.socket.destroy(), CLOSE_MS_MAX);
			await open.end().catch(() => undefined);
			clearTimeout(cut);
			open.socket.destroy();
		},
	};
}

/** libpq's order: `prefer` tries TLS first, `allow` tries without first. */
const ATTEMPTS: Readonly<Record<TlsMode, readonly boolean[]>> = {
	disable: [false],
	allow: [false, true],
	prefer: [true, false],
	require: [true],
	"verify-ca": [true],
	"verify-full": [true],
};

async function connect<L extends Link>(url: DatabaseUrl, engine: Engine<L>, signal: AbortSignal): Promise<L> {
	const [first = false, second] = ATTEMPTS[url.tlsMode];
	try {
		return await engine.connect(url, first, signal);
	} catch (error) {
		signal.throwIfAborted();
		if (second === undefined || !engine.isAboutTls(error, first)) throw error;
		return engine.connect(url, second, signal);
	}
}

/** Rejects with an AbortError once `signal` says stop, after `cut` was called to free what hangs. */
export async function abortable<T>(signal: AbortSignal, cut: () => void, run: () => Promise<T>): Promise<T> {
	signal.throwIfAborted();
	const { promise: stopped, reject } = Promise.withResolvers<never>();
	const onAbort = () => {
		cut();
		reject(signal.reason);
	};
	signal.addEventListener("abort", onAbort, { once: true });
	try {
		return await Promise.race([run(), stopped]);
	} finally {
		signal.removeEventListener("abort", onAbort);
	}
}
