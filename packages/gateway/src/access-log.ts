/** The log of requests: which form its lines have and where they go. One line a request, when it has ended. */
import type { Timers } from "@plumbline/resolver/timers";
import { type LineCounts, LineFile } from "./access-log-file.ts";
import { AccessLines } from "./access-log-lines.ts";
import type { ExchangeObserver } from "./observer.ts";
import type { TelemetrySettings } from "./settings.ts";

export interface AccessLog extends ExchangeObserver {
	readonly counts: LineCounts;
	/** After the file was moved away. */
	reopen(): void;
	close(): Promise<void>;
}

export interface AccessLogOptions {
	readonly now: () => number;
	readonly wall: () => number;
	readonly timers?: Timers;
	/** Told at most once a minute. */
	readonly trouble?: (text: string) => void;
}

export function openAccessLog(
	{ path, format }: NonNullable<TelemetrySettings["accessLog"]>,
	{ now, wall, ...rest }: AccessLogOptions,
): AccessLog {
	const lines = new AccessLines(now, wall);
	const file = new LineFile({ path, now, ...rest, beforeBatch: () => lines.setClock() });
	return {
		finished(record) {
			const to = file.begin();
			if (to === undefined) return;
			const start = to.at;
			try {
				if (format === "json") lines.json(record, to);
				else lines.common(record, format === "combined", to);
			} catch (error) {
				// Half a line would swallow the next one.
				to.at = start;
				throw error;
			}
			file.end();
		},
		get counts() {
			return file.counts;
		},
		reopen: () => file.reopen(),
		close: () => file.close(),
	};
}
