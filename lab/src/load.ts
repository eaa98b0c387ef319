/**
 * Load on the lab's service: requests at a rate, and requests that provoke a fault.
 * Bounded in rate, concurrency, total and time; connections are kept alive.
 */
import { randomBytes } from "node:crypto";
import { Agent, request } from "node:http";
import type { Duplex } from "node:stream";
import type { Background, Provocation } from "./scenario.ts";

/** More than any capture needs; a forgotten stage then falls silent by itself. */
const LOAD_MS_MAX = 600_000;
const REQUESTS_MAX = 500_000;
const TICK_MS = 10;

export interface LoadCounts {
	readonly sent: number;
	readonly answered: number;
	/** Answers from the rare path. */
	readonly rare: number;
	/** Answers by status; 0 = no answer. */
	readonly statuses: Readonly<Record<number, number>>;
}

export interface Load {
	counts(): LoadCounts;
	/** Settles when every request now under way has been answered. */
	turnover(): Promise<void>;
	/** Sends no more, and settles when all are answered. */
	pause(): Promise<void>;
	resume(): void;
	/** Ends it at once, breaking off what is under way. */
	stop(): void;
}

/** Sends requests at a steady rate until stopped. */
export function startLoad(base: string, background: Background): Load {
	const { perSecond, concurrencyMax, rare, requestsMax = REQUESTS_MAX } = background;
	const agent = new Agent({ keepAlive: true, maxSockets: concurrencyMax });
	const underWay = new Map<Promise<number>, Hanging>();
	const statuses: Record<number, number> = {};
	let sent = 0;
	let rareSent = 0;
	let rareAnswered = 0;
	let answered = 0;
	let paused = false;
	const started = performance.now();
	let last = started;
	let due = 0;

	const tick = setInterval(() => {
		const now = performance.now();
		// A late tick does not send a burst larger than the concurrency.
		due = Math.min(due + ((now - last) * perSecond) / 1000, concurrencyMax);
		last = now;
		// Out of time or requests: what is under way may still be answered.
		if (now - started > LOAD_MS_MAX || sent >= requestsMax) {
			clearInterval(tick);
			return;
		}
		while (!paused && due >= 1 && underWay.size < concurrencyMax && sent < requestsMax) {
			due -= 1;
			send();
		}
	}, TICK_MS);

	function send(): void {
		sent += 1;
		const isRare = rare !== undefined && rareSent < rare.max && sent % rare.oneIn === 0;
		if (isRare) rareSent += 1;
		const call = ask(agent, base + numbered(isRare ? rare.path : background.path, sent));
		const settled = call.status.then((status) => {
			underWay.delete(settled);
			answered += 1;
			if (isRare) rareAnswered += 1;
			statuses[status] = (statuses[status] ?? 0) + 1;
			return status;
		});
		underWay.set(settled, call.request);
	}

	function stop(): void {
		clearInterval(tick);
		for (const call of underWay.values()) call.destroy();
		agent.destroy();
	}

	const turnover = async () => {
		await Promise.all(underWay.keys());
	};
	return {
		counts: () => ({ sent, answered, rare: rareAnswered, statuses: { ...statuses } }),
		turnover,
		pause: () => {
			paused = true;
			return turnover();
		},
		resume: () => {
			due = 0;
			paused = false;
		},
		stop,
	};
}

export interface Provoked {
	/** Settles when all are answered; rejects on a status other than the expected one. */
	readonly answered: Promise<void>;
	stop(): void;
}

/** Sends a provocation's requests, all at once, each on its own connection. */
export function provoke(base: string, provocation: Provocation): Provoked {
	const { count, path, status, until, websocket } = provocation;
	const agent = new Agent({ keepAlive: true, maxSockets: count });
	const open = new Set<Hanging>();
	let stopped = false;
	let sent = 0;

	async function once(): Promise<void> {
		sent += 1;
		const call = ask(agent, base + numbered(path, sent), websocket);
		open.add(call.request);
		const got = await call.status;
		open.delete(call.request);
		if (!stopped && status !== undefined && got !== status) {
			throw new Error(`${path} answered ${got}, expected ${status}`);
		}
	}
	async function worker(): Promise<void> {
		do await once();
		while (until === "steady" && !stopped && sent < REQUESTS_MAX);
	}
	const answered = Promise.all(Array.from({ length: count }, worker)).then(() => {});
	// Held and steady ones are never awaited: their failure shows in the staging check.
	answered.catch(() => {});
	return {
		answered,
		stop: () => {
			stopped = true;
			for (const call of open) call.destroy();
			agent.destroy();
		},
	};
}

/** A request under way, or a websocket that one became. */
export interface Hanging {
	destroy(): void;
}

/** One GET. Its status, or 0 when there was no whole answer; of a websocket 101, when it has ended. */
export function ask(
	agent: Agent,
	url: string,
	websocket: boolean | undefined = false,
): { request: Hanging; status: Promise<number> } {
	const call = request(url, { agent, ...(websocket ? { headers: upgradeHeaders() } : {}) });
	let upgraded: Duplex | undefined;
	const status = new Promise<number>((resolve) => {
		call.once("response", (response) => {
			response.once("end", () => resolve(response.statusCode ?? 0));
			// After a whole answer this changes nothing: the promise is settled.
			response.once("close", () => resolve(0));
			response.once("error", () => resolve(0));
			response.resume();
		});
		call.once("error", () => resolve(0));
		// What the service sends is thrown away unread: its clients in the lab are silent ones.
		call.once("upgrade", (response, socket) => {
			upgraded = socket.resume();
			socket.once("error", () => {});
			socket.once("close", () => resolve(response.statusCode ?? 0));
		});
	});
	call.end();
	const destroy = () => {
		call.destroy();
		upgraded?.destroy();
	};
	return { request: { destroy }, status };
}

/** RFC 6455, section 4.1. */
function upgradeHeaders(): Readonly<Record<string, string>> {
	return {
		connection: "Upgrade",
		upgrade: "websocket",
		"sec-websocket-version": "13",
		"sec-websocket-key": randomBytes(16).toString("base64"),
	};
}

/** A path with `{n}` in it, for the nth request. */
export function numbered(path: string, n: number): string {
	return path.replaceAll("{n}", String(1 + (n % 97)));
}
