/**
 * Read-only degrade: while writes fail, reads go on and writes are refused at once, with a word on when to come back.
 *
 *                 `failuresInARow` writes ended in 5xx or not at all
 *     ┌─────────┐ ───────────────────────────────────────────────▶ ┌───────────┐
 *     │ writing │                                                  │ read-only │ ◀─┐ the write that was let through failed:
 *     └─────────┘ ◀─────────────────────────────────────────────── └───────────┘ ──┘ probeMs again
 *                   one write, let through after probeMs, ended well
 *
 * A write is any method that RFC 9110 does not call safe. gRPC is POST throughout, reads too: `auto` is for HTTP.
 * A write whose client left says nothing either way; as the probe it gives its place to the next.
 */
import type { GateOutcome } from "./gate.ts";
import { isSafe } from "./retry-rules.ts";
import type { ReadOnlySettings } from "./settings.ts";

export type WriteTicket =
	/** A read, or the route does not look. */
	"none" | "write" | "probe" | "refused";

/** A probe that never ends, such as an upload that goes on for hours, holds the door no longer than this. */
const PROBE_MS_MAX = 60_000;

export class ReadOnlyDegrade {
	readonly settings: ReadOnlySettings;
	readonly #changed: (on: boolean) => void;
	#failures = 0;
	/** When the next write may be tried; undefined: all writes may. */
	#probeAtMs: number | undefined;
	#probing = false;

	constructor(settings: ReadOnlySettings, changed: (on: boolean) => void) {
		this.settings = settings;
		this.#changed = changed;
	}

	get on(): boolean {
		return this.settings.mode === "on" || this.#probeAtMs !== undefined;
	}

	enter(method: string, nowMs: number): WriteTicket {
		const { mode, probeMs } = this.settings;
		if (mode === "off" || isSafe(method)) return "none";
		if (mode === "on") return "refused";
		if (this.#probeAtMs === undefined) return "write";
		if (nowMs < this.#probeAtMs) return "refused";
		this.#probing = true;
		// The next one, if this one is never heard of again.
		this.#probeAtMs = nowMs + Math.max(probeMs, PROBE_MS_MAX);
		return "probe";
	}

	/** Until a write may be tried. */
	retryAfterMs(nowMs: number): number {
		const { mode, probeMs } = this.settings;
		if (mode === "on" || this.#probing || this.#probeAtMs === undefined) return probeMs;
		return Math.max(0, this.#probeAtMs - nowMs);
	}

	/** `outcome` undefined: it was refused further on, and no server saw it. */
	leave(ticket: WriteTicket, outcome: GateOutcome | undefined, nowMs: number): void {
		if (ticket === "none" || ticket === "refused") return;
		const end = outcome === undefined ? "nothing" : ended(outcome);
		if (ticket === "probe") this.#probed(end, nowMs);
		else if (end === "well") this.#failures = 0;
		else if (end === "failed") this.#failed(nowMs);
	}

	#failed(nowMs: number): void {
		if (this.#probeAtMs !== undefined) return;
		if (++this.#failures < this.settings.failuresInARow) return;
		this.#probeAtMs = nowMs + this.settings.probeMs;
		this.#changed(true);
	}

	#probed(end: "well" | "failed" | "nothing", nowMs: number): void {
		if (this.#probeAtMs === undefined) return;
		this.#probing = false;
		if (end === "failed") this.#probeAtMs = nowMs + this.settings.probeMs;
		else if (end === "nothing") this.#probeAtMs = nowMs;
		else {
			this.#probeAtMs = undefined;
			this.#failures = 0;
			this.#changed(false);
		}
	}
}

function ended({ status, cancelled }: GateOutcome): "well" | "failed" | "nothing" {
	if (status !== undefined) return status >= 500 ? "failed" : "well";
	return cancelled ? "nothing" : "failed";
}
