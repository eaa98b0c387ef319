/**
 * Requests at a steady rate, whatever becomes of those before (open loop), bounded in rate, number and time.
 *
 *     of ten: 6 GET and 2 POST on connections that are kept, 2 GET on connections of their own
 *
 * Every POST has a number of its own as its body. What is not answered 2xx is kept in `failures`, with its times.
 */
import { type Asked, ChaosClient, type Told } from "./chaos-client.ts";

export interface LoadRecord extends Told {
	readonly method: string;
	/** Of a POST. */
	readonly body: string;
	/** Monotonic. */
	readonly beganMs: number;
	readonly endedMs: number;
}

interface LoadOptions {
	readonly port: number;
	readonly perSecond: number;
	readonly requestsMax?: number;
	/** Share of the POSTs in ten; default 2. */
	readonly posts?: number;
	readonly path?: string;
}

const TICK_MS = 5;
const LATE_TICKS_MAX = 20;
const REQUESTS_MAX = 1_000_000;
const FAILURES_MAX = 10_000;
const UNDER_WAY_MAX = 4_096;
/** Below any idle time limit of the gateway's, so that it never closes what we are about to use. */
const KEPT_MS_MAX = 5_000;

/** Of all loads of this process. */
let lastPost = 0;

export class ChaosLoad {
	readonly #options: LoadOptions;
	readonly #idle: ChaosClient[] = [];
	readonly #underWay = new Set<Promise<void>>();
	readonly #timer: NodeJS.Timeout;
	readonly failures: LoadRecord[] = [];
	/** Answered 2xx, by server. */
	readonly byServer = new Map<string, number>();
	sent = 0;
	answered = 0;
	/** The load itself was late, and left them out. */
	skipped = 0;
	perSecond: number;
	#due = 0;
	#lastMs = performance.now();
	readonly #tookMs: number[] = [];

	constructor(options: LoadOptions) {
		this.#options = options;
		this.perSecond = options.perSecond;
		this.#timer = setInterval(() => this.#tick(), TICK_MS);
	}

	get underWay(): number {
		return this.#underWay.size;
	}

	/** Milliseconds, of all that were answered. */
	percentile(share: number): number {
		const sorted = this.#tookMs.toSorted((a, b) => a - b);
		return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
	}

	/** Until so many more have been sent. */
	async more(count: number): Promise<void> {
		const until = this.sent + count;
		while (this.sent < until && this.sent < this.#max) await new Promise((resolve) => setImmediate(resolve));
	}

	/** Until all that are under way now are over. */
	async settled(): Promise<void> {
		await Promise.all(this.#underWay);
	}

	/** No more. Resolves when all that were under way are over, and every connection is closed. */
	async stop(): Promise<void> {
		clearInterval(this.#timer);
		await Promise.all(this.#underWay);
		for (const client of this.#idle.splice(0)) client.close();
	}

	get #max(): number {
		return this.#options.requestsMax ?? REQUESTS_MAX;
	}

	#tick(): void {
		const nowMs = performance.now();
		const due = this.#due + ((nowMs - this.#lastMs) * this.perSecond) / 1_000;
		const dueMax = Math.max(1, (this.perSecond * TICK_MS * LATE_TICKS_MAX) / 1_000);
		this.skipped += Math.max(0, Math.floor(due - dueMax));
		this.#due = Math.min(due, dueMax);
		this.#lastMs = nowMs;
		while (this.#idle[0] !== undefined && nowMs - this.#idle[0].askedMs > KEPT_MS_MAX)
			this.#idle.shift()?.close();
		for (; this.#due >= 1; this.#due--) {
			if (this.sent >= this.#max) clearInterval(this.#timer);
			else if (this.#underWay.size >= UNDER_WAY_MAX) this.skipped++;
			else this.#send();
		}
	}

	#send(): void {
		const { port, posts = 2, path = "/" } = this.#options;
		const at = this.sent++ % 10;
		const method = at < posts ? "POST" : "GET";
		const body = method === "POST" ? `post ${++lastPost}` : "";
		const isLast = at >= 8;
		let client = isLast ? undefined : this.#idle.pop();
		while (client !== undefined && !client.isOpen) {
			client.close();
			client = this.#idle.pop();
		}
		client ??= new ChaosClient(port);
		const asked = this.#ask(client, { method, path, body, isLast });
		this.#underWay.add(asked);
		void asked.then(() => this.#underWay.delete(asked));
	}

	async #ask(client: ChaosClient, asked: Asked): Promise<void> {
		const beganMs = performance.now();
		const told = await client.ask(asked);
		const endedMs = performance.now();
		if (client.isOpen) this.#idle.push(client);
		else client.close();
		if (told.kind === "answered" && told.status < 300) {
			this.answered++;
			this.#tookMs.push(endedMs - beganMs);
			const server = told.server ?? "";
			this.byServer.set(server, (this.byServer.get(server) ?? 0) + 1);
		} else if (this.failures.length < FAILURES_MAX) {
			const { method, body = "" } = asked;
			this.failures.push({ ...told, method, body, beganMs, endedMs });
		}
	}
}
