/**
 * Lines to a file or to standard output, in batches, one write at a time:
 *
 *   begin, end ─▶ held ──(BATCH_BYTES, or HOLD_MS passed)──▶ writing ──▶ file
 *
 * A disk that is slower than the gateway costs lines, never memory or time: above HELD_BYTES_MAX they are dropped and
 * counted. `reopen` opens the path again before the next batch: what logrotate waits for.
 */
import { type FileHandle, open } from "node:fs/promises";
import { realTimers, type Timers } from "@plumbline/resolver/timers";
import { LINE_BYTES_MAX, LineBytes } from "./access-log-bytes.ts";

const BATCH_BYTES = 64 * 1024;
const HOLD_MS = 100;
/** There are two such: one is filled while the other is written. Of memory, they take what was ever filled. */
const HELD_BYTES_MAX = 4 * 1024 * 1024;
const CLOSE_MS_MAX = 2000;
/** Between two troubles that are told. */
const TOLD_EVERY_MS = 60_000;

export interface LineCounts {
	readonly written: number;
	/** For want of room, or because they could not be written. */
	readonly dropped: number;
}

interface Sink {
	write(bytes: Uint8Array): Promise<void>;
	close(): Promise<void>;
}

export interface LineFileOptions {
	/** `-`: standard output. */
	readonly path: string;
	readonly timers?: Timers;
	readonly now?: () => number;
	/** A line for the operator; a warning of the process by default. */
	readonly trouble?: (text: string) => void;
	/** Called before each batch is written. */
	readonly beforeBatch?: () => void;
}

export class LineFile {
	readonly #path: string;
	readonly #timers: Timers;
	readonly #now: () => number;
	readonly #trouble: (text: string) => void;
	readonly #beforeBatch: () => void;
	#held = new LineBytes(HELD_BYTES_MAX);
	#spare = new LineBytes(HELD_BYTES_MAX);
	#heldLines = 0;
	#written = 0;
	#dropped = 0;
	#toldDropped = 0;
	#toldAtMs = -Infinity;
	#cancelTimer: (() => void) | undefined;
	#writing: Promise<void> | undefined;
	#sink: Sink | undefined;
	#isToOpen = true;
	#isClosed = false;

	constructor(options: LineFileOptions) {
		this.#path = options.path;
		this.#timers = options.timers ?? realTimers;
		this.#now = options.now ?? (() => performance.now());
		this.#trouble = options.trouble ?? ((text) => process.emitWarning(text));
		this.#beforeBatch = options.beforeBatch ?? (() => undefined);
	}

	get counts(): LineCounts {
		return { written: this.#written, dropped: this.#dropped };
	}

	/** Where to write a line; undefined: it is dropped. `end` when it is whole. */
	begin(): LineBytes | undefined {
		if (!this.#isClosed && this.#held.at + LINE_BYTES_MAX <= HELD_BYTES_MAX) return this.#held;
		this.#dropped++;
		return undefined;
	}

	end(): void {
		this.#heldLines++;
		if (this.#writing !== undefined) return;
		if (this.#held.at >= BATCH_BYTES) this.#write();
		else if (this.#cancelTimer === undefined)
			this.#cancelTimer = this.#timers.after(HOLD_MS, () => this.#write());
	}

	reopen(): void {
		this.#isToOpen = true;
	}

	/** What is held is written, if that takes no longer than CLOSE_MS_MAX. */
	async close(): Promise<void> {
		if (this.#isClosed) return;
		this.#isClosed = true;
		let giveUp: () => void = () => undefined;
		const given = new Promise<void>((resolve) => {
			giveUp = this.#timers.after(CLOSE_MS_MAX, resolve);
		});
		await Promise.race([this.#drain(), given]);
		giveUp();
	}

	async #drain(): Promise<void> {
		while (this.#writing !== undefined || this.#held.at > 0) {
			if (this.#writing === undefined) this.#write();
			await this.#writing;
		}
		await this.#sink?.close();
		this.#sink = undefined;
	}

	#write(): void {
		this.#cancelTimer?.();
		this.#cancelTimer = undefined;
		if (this.#writing !== undefined || this.#held.at === 0) return;
		this.#beforeBatch();
		const batch = this.#held;
		const lines = this.#heldLines;
		this.#held = this.#spare;
		this.#spare = batch;
		this.#heldLines = 0;
		this.#writing = this.#put(batch.bytes.subarray(0, batch.at), lines).then(() => {
			batch.at = 0;
			this.#writing = undefined;
			if (this.#held.at === 0 || this.#isClosed) return;
			const waitMs = this.#held.at >= BATCH_BYTES ? 0 : HOLD_MS;
			this.#cancelTimer ??= this.#timers.after(waitMs, () => this.#write());
		});
	}

	/** Never rejects. */
	async #put(batch: Uint8Array, lines: number): Promise<void> {
		try {
			const sink = await this.#opened();
			await sink.write(batch);
			this.#written += lines;
			if (this.#dropped > this.#toldDropped) this.#tell(`${this.#path} is slower than the requests`);
		} catch (error) {
			this.#dropped += lines;
			// The next batch opens it anew: the disk may have room then, the folder may be there.
			this.#isToOpen = true;
			this.#tell(`${this.#path} cannot be written: ${String(error)}`);
		}
	}

	async #opened(): Promise<Sink> {
		if (this.#sink !== undefined && !this.#isToOpen) return this.#sink;
		const before = this.#sink;
		this.#isToOpen = false;
		try {
			this.#sink = this.#path === "-" ? STDOUT : await fileSink(this.#path);
		} catch (error) {
			if (before === undefined) throw error;
			// A rotated file is better than none.
			this.#isToOpen = true;
			this.#tell(`${this.#path} cannot be opened again, the old file is written on: ${String(error)}`);
			return before;
		}
		await before?.close();
		return this.#sink;
	}

	#tell(why: string): void {
		const nowMs = this.#now();
		if (nowMs - this.#toldAtMs < TOLD_EVERY_MS) return;
		this.#toldAtMs = nowMs;
		this.#toldDropped = this.#dropped;
		this.#trouble(`access log: ${why}; ${this.#dropped} lines dropped so far`);
	}
}

async function fileSink(path: string): Promise<Sink> {
	const file: FileHandle = await open(path, "a", 0o640);
	return {
		async write(bytes) {
			for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
		},
		close: () => file.close().catch(() => undefined),
	};
}

/** A pipe nobody reads any more ends lines, not the gateway. */
const STDOUT: Sink = {
	write: (bytes) =>
		new Promise((resolve, reject) => {
			const { stdout } = process;
			if (stdout.listenerCount("error") === 0) stdout.on("error", () => undefined);
			stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
		}),
	close: async () => undefined,
};
