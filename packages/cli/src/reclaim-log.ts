/**
 * The audit log of a clean-up: one JSON object a line, what is asked written before it is sent.
 *
 * ```
 * {"time":"2026-11-22T11:45:50.123Z","event":"planned","peer":{"ip":"10.0.0.7","port":5432},"dryRun":false,...}
 * {"time":...,"event":"asked","sockets":[{"local":"10.0.0.9:40001","cookie":"4d2","ageMs":31007},...]}
 * {"time":...,"event":"answered","sockets":[{"local":"10.0.0.9:40001","cookie":"4d2","fate":"destroyed"},...]}
 * {"time":...,"event":"recounted","asked":64,"destroyed":64,"gone":0,"failed":0,"remaining":0,...}
 * ```
 * A log that cannot be written stops the work: nothing is destroyed that is not on record.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { ageMs } from "@plumbline/kernel/reclaim-plan";
import type { Answered } from "@plumbline/kernel/sock-destroy";
import type { TimeWaitRow } from "@plumbline/kernel/time-wait-rows";
import { CommandError, EXIT_UNEXAMINED } from "./exit-code.ts";

export class AuditLog {
	readonly #path: string;
	readonly #fd: number;
	readonly #broken = new AbortController();

	/** Appends; a new file is its owner's only. */
	constructor(path: string) {
		this.#path = path;
		try {
			this.#fd = openSync(path, "a", 0o600);
		} catch (error) {
			throw new CommandError(`--log: ${inWords(error)}`, EXIT_UNEXAMINED, error);
		}
	}

	/** Aborted when a line could not be written. */
	get broken(): AbortSignal {
		return this.#broken.signal;
	}

	get failure(): string | undefined {
		const { reason } = this.#broken.signal;
		return reason === undefined ? undefined : `the log ${this.#path} cannot be written: ${inWords(reason)}`;
	}

	write(event: string, facts: Readonly<Record<string, unknown>>): void {
		if (this.#broken.signal.aborted) return;
		const bytes = Buffer.from(`${JSON.stringify({ time: new Date().toISOString(), event, ...facts })}\n`);
		try {
			for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
		} catch (error) {
			this.#broken.abort(error);
		}
	}

	asked(rows: readonly TimeWaitRow[]): void {
		this.write("asked", { sockets: rows.map((row) => ({ ...named(row), ageMs: ageMs(row) })) });
	}

	answered(answers: readonly Answered[]): void {
		this.write("answered", { sockets: answers.map(({ row, ...fate }) => ({ ...named(row), ...fate })) });
	}

	close(): void {
		closeSync(this.#fd);
	}
}

function inWords(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}

function named(row: TimeWaitRow): { local: string; cookie: string } {
	return { local: localEnd(row), cookie: row.cookie.toString(16) };
}

export function localEnd({ localIp, localPort }: TimeWaitRow): string {
	return endpoint(localIp, localPort);
}

/** `10.0.0.7:5432`, `[fd00::7]:5432` */
export function endpoint(ip: string, port: number): string {
	return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}
