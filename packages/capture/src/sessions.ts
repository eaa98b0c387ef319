/**
 * Database sessions, as the server lists them: one part a sample, over one connection that stays open for
 * the window. Statements lose their literals before they become bytes.
 */
import type { Part } from "@plumbline/signals/capture";
import type { Engine } from "@plumbline/signals/sessions";
import { type DatabaseUrl, parseDatabaseUrl } from "./database-url.ts";
import type { Recorder } from "./recorder.ts";
import type { SessionsSource } from "./sessions-connection.ts";
import { mysqlSource } from "./sessions-mysql.ts";
import { postgresSource } from "./sessions-postgres.ts";
import { CONNECT_MS_MAX, STATEMENT_MS_MAX } from "./sessions-source.ts";

/** For one sample when nothing tighter is asked: connecting and one statement may both take all their time. */
const SAMPLE_MS_MAX = CONNECT_MS_MAX + STATEMENT_MS_MAX;

const SOURCES: Readonly<Record<Engine, (url: DatabaseUrl) => SessionsSource>> = {
	postgres: postgresSource,
	mysql: mysqlSource,
};

export interface SessionsSampling {
	readonly sample: number;
	readonly timeoutMs?: number;
	/** Cuts the connection and rejects with an AbortError. */
	readonly signal?: AbortSignal;
}

/** Reads one database again and again. Samples must be taken one after the other. */
export interface SessionReader {
	/** What fails becomes a gap and answers undefined; the next sample connects anew. */
	collect(recorder: Recorder, sampling: SessionsSampling): Promise<Part | undefined>;
	close(): Promise<void>;
}

/** Opens nothing yet: the first sample connects. An unusable URL is told as a gap by every sample. */
export function openSessions(db: string): SessionReader {
	let url: DatabaseUrl;
	try {
		url = parseDatabaseUrl(db);
	} catch (error) {
		const why = error instanceof Error ? error.message : String(error);
		return {
			async collect(recorder) {
				recorder.gap({ line: "pool", what: WHAT, why, weight: "loss" });
				return undefined;
			},
			close: async () => {},
		};
	}
	const source = SOURCES[url.engine](url);
	return {
		collect: (recorder, sampling) => collect(recorder, sampling, url, source),
		close: () => source.close(),
	};
}

/** One sample over a connection of its own, closed afterwards whatever happens. */
export async function collectSessions(
	recorder: Recorder,
	{ db, ...sampling }: SessionsSampling & { readonly db: string },
): Promise<Part | undefined> {
	const reader = openSessions(db);
	try {
		return await reader.collect(recorder, sampling);
	} finally {
		await reader.close();
	}
}

const WHAT = "database sessions";

async function collect(
	recorder: Recorder,
	{ sample, timeoutMs = SAMPLE_MS_MAX, signal }: SessionsSampling,
	url: DatabaseUrl,
	source: SessionsSource,
): Promise<Part | undefined> {
	const { engine, shown, peer } = url;
	const late = AbortSignal.timeout(timeoutMs);
	const stop = signal ? AbortSignal.any([signal, late]) : late;
	const plan = {
		name: `sessions.${sample}.${engine}.json`,
		format: `${engine}-sessions`,
		sample,
		source: shown,
		line: "pool",
		what: WHAT,
	} as const;
	return recorder.record(plan, async () => {
		try {
			const { text, truncated, gaps } = await source.read(stop);
			for (const gap of gaps) recorder.gap({ line: "pool", what: WHAT, ...gap });
			return { bytes: new TextEncoder().encode(text), ...(truncated === undefined ? {} : { truncated }) };
		} catch (error) {
			if (signal?.aborted) throw new DOMException("The capture was interrupted", "AbortError");
			if (late.aborted)
				throw new Error(
					`${peer} did not answer within ${timeoutMs} ms: it may be stuck, or a firewall drops packets`,
				);
			throw error;
		}
	});
}
