/** What supervisor and worker tell each other over Node's own channel, and the bounds of it. */
import type { SettingsChanges } from "./reload-difference.ts";
import type { GatewaySettings } from "./settings.ts";
import type { ListeningPlace, ReloadOutcome } from "./worker-contract.ts";

/** Descriptors of a child: 0 to 2 its streams, 3 Node's channel, then ours (supervisor-pass.ts), then sockets. */
export const PASSING_FD = 4;
export const FIRST_SOCKET_FD = 5;

/** A worker that has not begun by then, or not answered, is given up. */
export const START_MS_MAX = 30_000;
export const APPLY_MS_MAX = 30_000;
export const COLLECT_MS_MAX = 2000;
/** Beyond drainMs: a worker that still lives then is killed. */
export const DRAIN_GRACE_MS = 5000;
const TOPICS_MAX = 256;
const TOPIC_CHARS_MAX = 200;

export type ToWorker =
	| {
			readonly kind: "open";
			readonly settings: GatewaySettings;
			/** In the order of the descriptors from FIRST_SOCKET_FD on. */
			readonly sockets: readonly string[];
			readonly slot: number;
			readonly workers: number;
			readonly published: readonly (readonly [topic: string, value: unknown])[];
	  }
	| {
			readonly kind: "apply";
			readonly epoch: number;
			readonly settings: GatewaySettings;
			readonly changes: SettingsChanges;
			/** So many descriptors wait at PASSING_FD, in this order. */
			readonly sockets: readonly string[];
	  }
	| { readonly kind: "reloaded"; readonly outcome: ReloadOutcome }
	| { readonly kind: "drain" }
	| { readonly kind: "ask"; readonly id: number; readonly question: string }
	| { readonly kind: "published"; readonly topic: string; readonly value: unknown }
	| { readonly kind: "collected"; readonly id: number; readonly answers: readonly CollectedAnswer[] };

export interface CollectedAnswer {
	readonly slot: number;
	readonly pid: number;
	readonly value: unknown;
}

export type FromWorker =
	| { readonly kind: "ready"; readonly listening: readonly ListeningPlace[] }
	| { readonly kind: "failed"; readonly why: string }
	| { readonly kind: "applied"; readonly epoch: number; readonly why: string | undefined }
	| { readonly kind: "answer"; readonly id: number; readonly value: unknown }
	| { readonly kind: "collect"; readonly id: number; readonly question: string }
	| { readonly kind: "publish"; readonly topic: string; readonly value: unknown }
	| { readonly kind: "say"; readonly line: string }
	| { readonly kind: "drained" };

/** The last value of each topic, for workers that come later. Whatever is beyond the bounds is not kept. */
export class PublishedTopics {
	readonly #last = new Map<string, unknown>();

	/** False: not taken. */
	set(topic: string, value: unknown): boolean {
		if (topic.length > TOPIC_CHARS_MAX) return false;
		if (!this.#last.has(topic) && this.#last.size >= TOPICS_MAX) return false;
		this.#last.set(topic, value);
		return true;
	}

	get all(): readonly (readonly [string, unknown])[] {
		return [...this.#last];
	}
}
