/**
 * Spans on their way out, by OTLP over HTTP: a queue with a bound, one batch under way at a time. Nobody ever waits for
 * it; what does not fit is dropped and counted.
 */
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";
import type { Timers } from "@plumbline/resolver/timers";
import type { TraceCounts } from "./metrics.ts";

const SPANS_MAX = 8192;
const BATCH_SPANS = 512;
const HOLD_MS = 1000;
const CLOSE_MS_MAX = 3000;
/** ExportResultCode.SUCCESS of @opentelemetry/core. */
const SUCCESS = 0;

interface Trace {
	readonly spans: readonly ReadableSpan[];
}

export class SpanQueue {
	readonly #exporter: SpanExporter;
	readonly #timers: Timers;
	#traces: Trace[] = [];
	#spans = 0;
	#sending: Promise<void> | undefined;
	#cancelTimer: (() => void) | undefined;
	#isClosed = false;
	#kept = 0;
	#sent = 0;
	#dropped = 0;

	constructor(exporter: SpanExporter, timers: Timers) {
		this.#exporter = exporter;
		this.#timers = timers;
	}

	get counts(): TraceCounts {
		return { kept: this.#kept, sent: this.#sent, dropped: this.#dropped };
	}

	/** `make` is called only if there is room: under a flood of errors a trace too many costs nothing but this. */
	add(make: () => readonly ReadableSpan[]): void {
		this.#kept++;
		if (this.#isClosed || this.#spans >= SPANS_MAX) {
			this.#dropped++;
			return;
		}
		const spans = make();
		this.#traces.push({ spans });
		this.#spans += spans.length;
		if (this.#sending !== undefined) return;
		if (this.#spans >= BATCH_SPANS) this.#send();
		else this.#cancelTimer ??= this.#timers.after(HOLD_MS, () => this.#send());
	}

	/** Sends what is held, if that takes no longer than CLOSE_MS_MAX. */
	async close(): Promise<void> {
		if (this.#isClosed) return;
		this.#isClosed = true;
		let giveUp: () => void = () => undefined;
		const given = new Promise<void>((resolve) => {
			giveUp = this.#timers.after(CLOSE_MS_MAX, resolve);
		});
		await Promise.race([this.#drain(), given]);
		giveUp();
		this.#cancelTimer?.();
		this.#dropped += this.#traces.length;
		this.#traces = [];
		void this.#exporter.shutdown().catch(() => undefined);
	}

	async #drain(): Promise<void> {
		while (this.#sending !== undefined || this.#traces.length > 0) {
			if (this.#sending === undefined) this.#send();
			await this.#sending;
		}
	}

	#send(): void {
		this.#cancelTimer?.();
		this.#cancelTimer = undefined;
		if (this.#sending !== undefined || this.#traces.length === 0) return;
		const batch: ReadableSpan[] = [];
		let taken = 0;
		for (const { spans } of this.#traces) {
			if (batch.length >= BATCH_SPANS) break;
			batch.push(...spans);
			taken++;
		}
		this.#traces = this.#traces.slice(taken);
		this.#spans -= batch.length;
		this.#sending = this.#isTaken(batch).then((isSent) => {
			this.#sending = undefined;
			if (isSent) this.#sent += taken;
			else this.#dropped += taken;
			if (this.#traces.length === 0 || this.#isClosed) return;
			this.#cancelTimer ??= this.#timers.after(this.#spans >= BATCH_SPANS ? 0 : HOLD_MS, () => this.#send());
		});
	}

	#isTaken(batch: ReadableSpan[]): Promise<boolean> {
		return new Promise((resolve) => {
			try {
				this.#exporter.export(batch, ({ code }) => resolve(code === SUCCESS));
			} catch {
				resolve(false);
			}
		});
	}
}
