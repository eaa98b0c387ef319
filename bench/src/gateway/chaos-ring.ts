/**
 * Ten thousand sessions on a ring whose members change: nine of ten hold a WebSocket, the others only come again.
 *
 *     member added      who has nothing open moves to the new one, or not at all; who has something open stays
 *     sessions end      they may move now, to the new one or not at all
 *     member removed    its keys move, nobody else's
 *     and comes back    keys move to it, or not at all
 *
 * Where a key is, is told by a request with it.
 */
import { ChaosClient } from "@plumbline/gateway/testing/chaos-client";
import { ChaosSession } from "@plumbline/gateway/testing/chaos-sessions";
import type { ChaosUpstream } from "@plumbline/gateway/testing/chaos-upstream";
import { type Scenario, type Stage, wait } from "./chaos-stage.ts";

const SESSIONS = 10_000;
/** Each has two descriptors in the gateway. */
const OPEN = 9_000;
const ENDED = 3_000;
const AT_ONCE = 64;
const SETTLE_MS = 1_500;
const WORD_MS_MAX = 20_000;
const SHARE_OFF_MAX = 0.35;

function config(upstreams: readonly ChaosUpstream[]): string {
	return `workers: 1
drain: 5s
upstreams:
  all: { servers: [${upstreams.map(({ url }) => `"${url}"`)}], balance: { hash: "header:x-session" }, pool: { max: 8192, idle: 1s, linger: 1s } }
routes: [{ path: /, to: all, timeouts: { idle: 10m } }]`;
}

const fieldOf = (key: number) => `x-session: s${key}\r\n`;

async function inTurns(count: number, one: (key: number, turn: number) => Promise<void>): Promise<void> {
	let next = 0;
	await Promise.all(
		Array.from({ length: AT_ONCE }, async (_, turn) => {
			while (next < count) await one(next++, turn);
		}),
	);
}

class RingSessions {
	readonly #port: number;
	readonly #failed: (what: string) => void;
	readonly #open = new Map<number, ChaosSession>();
	readonly #clients: ChaosClient[] = [];
	broken = 0;

	constructor(port: number, failed: (what: string) => void) {
		this.#port = port;
		this.#failed = failed;
	}

	isOpen(key: number): boolean {
		return this.#open.has(key);
	}

	async open(count: number): Promise<void> {
		await inTurns(count, async (key) => {
			const session = new ChaosSession({
				...{ port: this.#port, kind: "websocket", path: "/ring", fields: fieldOf(key) },
				broken: () => this.broken++,
			});
			await session.opened;
			this.#open.set(key, session);
		});
	}

	end(count: number): void {
		for (let key = 0; key < count; key++) {
			this.#open.get(key)?.end();
			this.#open.delete(key);
		}
	}

	serverOf(key: number): string | undefined {
		return this.#open.get(key)?.server;
	}

	/** A word of every open session must come back. */
	async speak(): Promise<number> {
		const all = [...this.#open.values()];
		for (const session of all) session.say();
		const untilMs = performance.now() + WORD_MS_MAX;
		const silent = () => all.filter(({ out, isOver }) => isOver || out > 0).length;
		while (silent() > 0 && performance.now() < untilMs) await wait(100);
		return silent();
	}

	/** Where every key is now. */
	async places(): Promise<readonly (string | undefined)[]> {
		const places: (string | undefined)[] = Array.from({ length: SESSIONS });
		await inTurns(SESSIONS, async (key, turn) => {
			const kept = this.#clients[turn];
			const client = kept?.isOpen === true ? kept : new ChaosClient(this.#port);
			this.#clients[turn] = client;
			const told = await client.ask({ method: "GET", path: "/ring", fields: fieldOf(key) });
			if (told.status === 200) places[key] = told.server;
			else this.#failed(`session ${key}: ${told.kind} ${told.status} ${told.detail}`);
		});
		return places;
	}

	close(): void {
		for (const session of this.#open.values()) session.end();
		for (const client of this.#clients) client.close();
	}
}

type Places = readonly (string | undefined)[];

async function play(stage: Stage): Promise<void> {
	const { upstreams, gateway, violations, told } = stage;
	const sessions = new RingSessions(gateway.port, (what) => violations.push(what));
	const configured = async (members: readonly ChaosUpstream[]) => {
		gateway.configure(config(members));
		await gateway.said(/configuration read again: upstream/);
		await wait(SETTLE_MS);
	};
	const compare = (what: string, before: Places, after: Places, mayMove: (key: number) => boolean) => {
		let moved = 0;
		let needless = 0;
		for (let key = 0; key < SESSIONS; key++) {
			if (before[key] === after[key]) continue;
			moved++;
			if (!mayMove(key)) needless++;
		}
		told.push(`${what}: ${moved} keys moved, ${needless} of them needlessly`);
		if (needless > 0) violations.push(`${what}: ${needless} keys moved that need not`);
		return moved;
	};
	const near = (what: string, moved: number, share: number, of: number) => {
		if (Math.abs(moved - share * of) > SHARE_OFF_MAX * share * of)
			violations.push(`${what}: ${moved} moved, ${Math.round(share * of)} of ${of} expected`);
	};
	const first = upstreams.slice(0, 5);
	const [, second, , , , sixth] = upstreams;
	await sessions.open(OPEN);
	const home = await sessions.places();
	for (let key = 0; key < OPEN; key++)
		if (sessions.serverOf(key) !== home[key])
			violations.push(`session ${key} is on ${sessions.serverOf(key)}, its requests go to ${home[key]}`);

	await configured(upstreams);
	const added = await sessions.places();
	const addedMoved = compare(
		"member added",
		home,
		added,
		(key) => !sessions.isOpen(key) && added[key] === sixth?.id,
	);
	near("member added", addedMoved, 1 / 6, SESSIONS - OPEN);
	sessions.end(ENDED);
	await wait(SETTLE_MS);
	const ended = await sessions.places();
	const endedMoved = compare(
		"sessions ended",
		added,
		ended,
		(key) => key < ENDED && ended[key] === sixth?.id,
	);
	near("sessions ended", endedMoved, 1 / 6, ENDED);

	await configured(upstreams.filter((each) => each !== second));
	const removed = await sessions.places();
	compare("member removed", ended, removed, (key) => ended[key] === second?.id);
	if (removed.includes(second?.id)) violations.push("a removed member is still asked");
	await configured(upstreams);
	const back = await sessions.places();
	compare("member back", removed, back, (key) => back[key] === second?.id);
	await configured(first);
	const last = await sessions.places();
	compare("back to the first ring", back, last, (key) => back[key] === sixth?.id);

	const silent = await sessions.speak();
	told.push(`${OPEN - ENDED} WebSockets open to the end, ${sessions.broken} broken, ${silent} silent`);
	if (sessions.broken + silent > 0) violations.push(`${sessions.broken} WebSockets broken, ${silent} silent`);
	sessions.close();
}

export const RING_SCENARIOS: readonly Scenario[] = [
	{
		name: "ring",
		mayFail: "nothing; 10,000 sessions, of which 9,000 hold a WebSocket, over five rings",
		upstreams: 6,
		sessions: 0,
		config: (upstreams) => config(upstreams.slice(0, 5)),
		/** What is kept for the next connections is as much as there were at a time. */
		async warm({ port }) {
			const sessions = new RingSessions(port, () => undefined);
			await sessions.open(OPEN);
			sessions.close();
		},
		play,
		allows: () => false,
	},
];
