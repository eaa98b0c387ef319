/** What a scenario of chaos plays on: upstreams, the gateway, a load and sessions, and what went wrong by the rules. */

import type { ChaosGateway } from "@plumbline/gateway/testing/chaos-gateway";
import type { ChaosLoad, LoadRecord } from "@plumbline/gateway/testing/chaos-load";
import type { SessionEnd } from "@plumbline/gateway/testing/chaos-sessions";
import { ChaosSession } from "@plumbline/gateway/testing/chaos-sessions";
import type { ChaosUpstream } from "@plumbline/gateway/testing/chaos-upstream";

/** A time in which something of a server, or of all, cannot be had; monotonic. */
export interface Outage {
	readonly server: string | undefined;
	readonly fromMs: number;
	toMs: number;
}

export interface Stage {
	readonly upstreams: readonly ChaosUpstream[];
	readonly gateway: ChaosGateway;
	readonly load: ChaosLoad;
	readonly sessions: Sessions;
	readonly outages: Outage[];
	/** What is wrong, beside failed requests. */
	readonly violations: string[];
	/** What is worth telling. */
	readonly told: string[];
}

export interface Scenario {
	readonly name: string;
	/** What may fail, in words. */
	readonly mayFail: string;
	/** So many, or one on each of these addresses, all on one port. */
	readonly upstreams: number | readonly string[];
	/** 2: its heap is not compared, as processes come and go. */
	readonly workers?: 1 | 2;
	readonly perSecond?: number;
	readonly posts?: number;
	readonly sessions?: number;
	/** The program ends during it: nothing is left to look at. */
	readonly ends?: boolean;
	/** Before the gateway starts; what it returns is given to it as environment. */
	prepare?(upstreams: readonly ChaosUpstream[]): Promise<Readonly<Record<string, string>>>;
	config(upstreams: readonly ChaosUpstream[]): string;
	/** Beside a warm-up by requests, before the heap is first looked at. */
	warm?(gateway: ChaosGateway): Promise<void>;
	play(stage: Stage, untilMs: number): Promise<void>;
	allows(record: LoadRecord, stage: Stage): boolean;
	allowsEnd?(end: SessionEnd, stage: Stage): boolean;
	/** After the load. */
	check?(stage: Stage): Promise<void> | void;
	/** Whatever was prepared. */
	clear?(): Promise<void>;
}

/** The gateway's event loop and ours may see a server's end so much later than it was. */
export const SEEN_MS_MAX = 100;
const WORD_MS = 200;
const WARN_ENDS_MAX = 10_000;

/** The request was under way while the server was being lost. */
export function wasLost({ beganMs, endedMs }: LoadRecord, { outages }: Stage): boolean {
	return outages.some(({ fromMs }) => beganMs <= fromMs + SEEN_MS_MAX && endedMs >= fromMs);
}

/** Not idempotent, and somebody may have begun to work on it. */
export function mayHaveBeenDone({ method, kind, status }: LoadRecord): boolean {
	return method === "POST" && kind === "answered" && (status === 502 || status === 504);
}

export const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Half of them WebSockets, half streams; who is broken is opened anew. */
export class Sessions {
	readonly #port: () => number;
	readonly #path: string;
	readonly #open: (ChaosSession | undefined)[];
	readonly #timer: NodeJS.Timeout;
	readonly ends: SessionEnd[] = [];
	#isOver = false;
	/** Opened again after a break. */
	reopens = true;

	constructor(port: () => number, path: string, count: number) {
		this.#port = port;
		this.#path = path;
		this.#open = Array.from({ length: count }, () => undefined);
		for (let at = 0; at < count; at++) this.#begin(at);
		this.#timer = setInterval(() => {
			for (const session of this.#open) session?.say();
		}, WORD_MS);
	}

	async opened(): Promise<void> {
		await Promise.all(this.#open.map((session) => session?.opened));
	}

	get open(): number {
		return this.#open.filter((session) => session !== undefined && !session.isOver).length;
	}

	end(): void {
		this.#isOver = true;
		clearInterval(this.#timer);
		for (const session of this.#open) session?.end();
	}

	#begin(at: number): void {
		const kind = at % 2 === 0 ? "websocket" : "stream";
		const path = kind === "stream" ? `/stream${this.#path}` : this.#path;
		this.#open[at] = new ChaosSession({
			...{ port: this.#port(), kind, path },
			broken: (end) => {
				if (this.ends.length < WARN_ENDS_MAX) this.ends.push(end);
				if (!this.#isOver && this.reopens) setTimeout(() => this.#isOver || this.#begin(at), WORD_MS);
			},
		});
	}
}
