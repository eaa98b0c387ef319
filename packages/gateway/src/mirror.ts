/**
 * Mirroring: a copy of some requests goes to another upstream, and nobody waits for what it answers.
 *
 *     request ─▶ exchange ─────────────────────────▶ upstream ─▶ answer to the client
 *                   │ begin(head)
 *                   │ data(bytes)   copied, up to bodyBytesMax
 *                   │ end()   the request is whole ──▶ send ──▶ mirror upstream ─▶ answer thrown away
 *                   └ abandon()   the client left first: nothing is sent
 *
 * The copy is sent only when it is whole, so a slow mirror is nothing to the request. Copies under way are bounded, those
 * whose body is still being gathered too; one that comes when all places are taken is not made.
 */
import type { Timers } from "@plumbline/resolver/timers";
import { eachPair, type FieldPairs, firstValue, type RequestHead } from "./message.ts";
import type { MirrorSettings } from "./settings.ts";

/** Says `done` once, when the mirror has answered or failed; the answer gives it up. */
export type MirrorSend = (
	upstream: string,
	head: RequestHead,
	body: Uint8Array | undefined,
	done: (answered: boolean) => void,
) => () => void;

export interface MirrorCounts {
	readonly sent: number;
	readonly answered: number;
	/** By the mirror, or by whoever sends. */
	readonly failed: number;
	/** Not copied: all places were taken. */
	readonly full: number;
	readonly tooLarge: number;
	/** The client left before its request was whole. */
	readonly abandoned: number;
	readonly inFlight: number;
}

/** A copy being made. Exactly one of `end` and `abandon`; calls after that change nothing. */
export interface MirrorCopy {
	/** The bytes stay the caller's. */
	data(bytes: Uint8Array): void;
	end(): void;
	abandon(): void;
}

/** The mirror may take its time, but not for ever. */
const MIRROR_MS_MAX = 30_000;

export class Mirror {
	readonly settings: MirrorSettings;
	readonly #send: MirrorSend;
	readonly #timers: Timers;
	readonly #random: () => number;
	#inFlight = 0;
	readonly #counts = { sent: 0, answered: 0, failed: 0, full: 0, tooLarge: 0, abandoned: 0 };

	constructor(settings: MirrorSettings, parts: { send: MirrorSend; timers: Timers; random: () => number }) {
		this.settings = settings;
		this.#send = parts.send;
		this.#timers = parts.timers;
		this.#random = parts.random;
	}

	get counts(): MirrorCounts {
		return { ...this.#counts, inFlight: this.#inFlight };
	}

	/** Undefined: this one is not mirrored. Tunnels never are: there is no end after which to send them. */
	begin(head: RequestHead): MirrorCopy | undefined {
		const { share, inFlightMax, bodyBytesMax } = this.settings;
		if (head.upgrade !== undefined || head.method === "CONNECT") return undefined;
		if (share < 1 && this.#random() >= share) return undefined;
		if ((head.bodyLength ?? 0) > bodyBytesMax) {
			this.#counts.tooLarge++;
			return undefined;
		}
		if (this.#inFlight >= inFlightMax) {
			this.#counts.full++;
			return undefined;
		}
		this.#inFlight++;
		return new Copy(this, new CopiedRequestHead(head));
	}

	release(why: "tooLarge" | "abandoned"): void {
		this.#inFlight--;
		this.#counts[why]++;
	}

	send(head: RequestHead, body: Uint8Array | undefined): void {
		let over = false;
		let giveUp: (() => void) | undefined;
		const end = (how: "answered" | "failed") => {
			if (over) return;
			over = true;
			stopTimer();
			this.#inFlight--;
			this.#counts[how]++;
		};
		const stopTimer = this.#timers.after(MIRROR_MS_MAX, () => {
			end("failed");
			giveUp?.();
		});
		this.#counts.sent++;
		try {
			giveUp = this.#send(this.settings.upstream, head, body, (answered) =>
				end(answered ? "answered" : "failed"),
			);
		} catch {
			// Whatever is wrong with the mirror, the request it copies has to go on.
			end("failed");
		}
	}
}

class Copy implements MirrorCopy {
	readonly #mirror: Mirror;
	readonly #head: CopiedRequestHead;
	readonly #chunks: Uint8Array[] = [];
	#bytes = 0;
	#over = false;

	constructor(mirror: Mirror, head: CopiedRequestHead) {
		this.#mirror = mirror;
		this.#head = head;
	}

	data(bytes: Uint8Array): void {
		if (this.#over) return;
		this.#bytes += bytes.length;
		if (this.#bytes <= this.#mirror.settings.bodyBytesMax) {
			this.#chunks.push(Uint8Array.from(bytes));
			return;
		}
		this.#drop("tooLarge");
	}

	end(): void {
		if (this.#over) return;
		this.#over = true;
		const body = this.#bytes === 0 ? undefined : Buffer.concat(this.#chunks, this.#bytes);
		this.#head.bodyLength = this.#bytes;
		this.#mirror.send(this.#head, body);
	}

	abandon(): void {
		if (!this.#over) this.#drop("abandoned");
	}

	#drop(why: "tooLarge" | "abandoned"): void {
		this.#over = true;
		this.#chunks.length = 0;
		this.#mirror.release(why);
	}
}

/** A head that outlives its exchange. */
class CopiedRequestHead implements RequestHead {
	readonly version: RequestHead["version"];
	readonly method: string;
	readonly scheme: RequestHead["scheme"];
	readonly authority: string;
	readonly path: string;
	readonly upgrade = undefined;
	/** It is sent whole: there is nothing to wait for. */
	readonly expectsContinue = false;
	readonly acceptsTrailers: boolean;
	readonly fields: FieldPairs;
	/** Known when all of it has come. */
	bodyLength: number | undefined;

	constructor(head: RequestHead) {
		const fields: string[] = [];
		head.each((name, value) => fields.push(name, value));
		this.version = head.version;
		this.method = head.method;
		this.scheme = head.scheme;
		this.authority = head.authority;
		this.path = head.path;
		this.acceptsTrailers = head.acceptsTrailers;
		this.bodyLength = head.bodyLength;
		this.fields = fields;
	}

	value(name: string): string | undefined {
		return firstValue(this.fields, name);
	}

	each(visit: (name: string, value: string) => void): void {
		eachPair(this.fields, visit);
	}
}
