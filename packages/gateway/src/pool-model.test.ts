/**
 * Random lives of a pool against what anybody can check from outside: never more connections than allowed, nobody
 * granted twice or after leaving, who comes first is served first, nobody is forgotten, nobody waits beside a
 * connection that would do, and every port is given back.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { FakeConnection } from "./testing/fake-dials.ts";
import { type Asker, PEER, type PoolStage, poolStage } from "./testing/pool-stage.ts";

const EVENTS = [
	"ask",
	"ask",
	"ask-fresh",
	"finish",
	"finish",
	"finish",
	"connect",
	"connect",
	"fail",
] as const;
const RARE = ["cancel", "drop", "late", "pass", "pass-long"] as const;

const IDLE_MS = 1_500;
/** After a failed dial there may be none for so long, and a tick. */
const BACKOFF_MS_MAX = 1_100;

type Event = { readonly does: (typeof EVENTS)[number] | (typeof RARE)[number]; readonly pick: number };

const events = fc.array(
	fc.record({ does: fc.constantFrom<Event["does"]>(...EVENTS, ...RARE), pick: fc.nat(1_000) }),
	{ maxLength: 120, size: "max" },
);

const settings = fc.record({
	max: fc.integer({ min: 1, max: 4 }),
	maxIdle: fc.integer({ min: 0, max: 4 }),
	queueMax: fc.integer({ min: 0, max: 6 }),
	warm: fc.integer({ min: 0, max: 2 }),
	requestsMax: fc.constantFrom(1, 5, Infinity),
	lifetimeMs: fc.constantFrom(3_000, Infinity),
	lingerMs: fc.constantFrom(0, 2_000),
	streamsMax: fc.integer({ min: 1, max: 3 }),
	idleMs: fc.constant(IDLE_MS),
	queueMs: fc.constant(1_000),
});

interface Waiting {
	readonly asker: Asker;
	readonly isFresh: boolean;
}

class Walk {
	readonly #stage: PoolStage;
	readonly #multiplexes: boolean;
	readonly #max: number;
	#failedMs = Number.NEGATIVE_INFINITY;
	/** Since when each was seen free. */
	readonly #freeSince = new Map<FakeConnection, number>();
	#queue: Waiting[] = [];

	constructor(given: ReturnType<typeof settings.generate>["value"], multiplexes: boolean) {
		this.#multiplexes = multiplexes;
		this.#max = given.max;
		this.#stage = poolStage(given, { protocol: multiplexes ? "h2c" : "http" });
	}

	async step({ does, pick }: Event): Promise<void> {
		const { dials, pool, time } = this.#stage;
		const connections = [...dials.connections];
		const connection = connections[pick % Math.max(1, connections.length)];
		const before = this.#queue.filter(({ asker }) => !asker.isDecided);
		switch (does) {
			case "ask":
			case "ask-fresh":
				this.#ask(does === "ask-fresh");
				break;
			case "finish":
				if (connection !== undefined && connection.open > 0 && !connection.isClosed) connection.finish();
				break;
			case "connect":
				if (dials.pending.length > 0) dials.succeed(this.#multiplexes ? 1 + (pick % 3) : undefined);
				break;
			case "fail":
				if (dials.pending.length > 0) dials.fail();
				this.#failedMs = time.now();
				break;
			case "cancel":
				this.#cancel(pick);
				break;
			case "drop":
				connection?.drop();
				break;
			case "late":
				dials.closesLate = pick % 2 === 0;
				if (!dials.closesLate) dials.tellClosed();
				break;
			case "pass":
				await time.pass(pick);
				break;
			case "pass-long":
				await time.pass(pick * 4);
				break;
			default:
				does satisfies never;
		}
		this.#order(before);
		this.#look();
		assert.ok(pool.counts.open + pool.counts.connecting <= this.#max, "never more than allowed");
	}

	/** Everything that is still open comes to its end; then nobody may be left. */
	async end(): Promise<void> {
		const { dials, pool, ports, time } = this.#stage;
		await time.pass(1_100);
		for (const { asker } of this.#queue) assert.ok(asker.isDecided, "nobody waits longer than queueMs");
		assert.equal(pool.counts.waiting, 0);
		pool.close();
		dials.closesLate = false;
		dials.tellClosed();
		assert.equal(dials.pending.length, 0);
		assert.equal(ports.inUse(PEER), 0);
		assert.equal(time.waiting(), 0);
		const { opened, closedBy, open } = pool.counts;
		assert.equal(open, 0);
		assert.equal(
			Object.values(closedBy).reduce((sum, count) => sum + count),
			opened,
		);
	}

	#ask(isFresh: boolean): void {
		const asker = this.#stage.ask(isFresh);
		if (!asker.isDecided) this.#queue.push({ asker, isFresh });
		else if (asker.connection !== undefined) this.#fits(asker, isFresh, this.#queue);
	}

	#cancel(pick: number): void {
		const waiting = this.#queue.filter(({ asker }) => !asker.isDecided);
		const gone = waiting[pick % Math.max(1, waiting.length)];
		if (gone === undefined) return;
		gone.asker.ticket?.cancel();
		this.#queue = this.#queue.filter((each) => each !== gone);
		// Deciding it from now on throws.
		gone.asker.isDecided = true;
	}

	/** Of those who waited before: whoever was granted was the first whom that connection fits. */
	#order(before: readonly Waiting[]): void {
		const left: Waiting[] = [];
		for (const each of before) {
			const { asker, isFresh } = each;
			if (!asker.isDecided) left.push(each);
			else if (asker.connection !== undefined) this.#fits(asker, isFresh, left);
		}
		this.#queue = this.#queue.filter(({ asker }) => !asker.isDecided);
	}

	/** `earlier` still wait. */
	#fits(asker: Asker, isFresh: boolean, earlier: readonly Waiting[]): void {
		if (!this.#multiplexes) {
			assert.ok(!(isFresh && asker.reused), "a fresh one was never used");
			for (const each of earlier)
				if (!each.asker.isDecided) assert.ok(each.isFresh && asker.reused, "first come, first served");
		}
	}

	/** Counts are what there is, and nobody waits beside a connection that would do. */
	#look(): void {
		const { dials, pool, time } = this.#stage;
		const { open, connecting, waiting, inUse } = pool.counts;
		assert.equal(connecting, dials.pending.length);
		assert.equal(open, dials.connections.size);
		assert.equal(waiting, this.#queue.length);
		const live = [...dials.connections].filter((each) => !each.isClosed);
		if (!dials.closesLate) assert.equal(inUse, live.filter((each) => each.open > 0).length);
		const isAway = time.now() - this.#failedMs < BACKOFF_MS_MAX;
		if (waiting > 0 && !isAway)
			assert.ok(connecting > 0 || open >= this.#max, "somebody does something for them");
		if (!this.#multiplexes) this.#lookAtFree(live);
	}

	#lookAtFree(live: readonly FakeConnection[]): void {
		const nowMs = this.#stage.time.now();
		const free = live.filter((each) => each.open === 0 && each.room > 0);
		for (const each of this.#freeSince.keys()) if (!free.includes(each)) this.#freeSince.delete(each);
		for (const each of free) if (!this.#freeSince.has(each)) this.#freeSince.set(each, nowMs);
		for (const { isFresh } of this.#queue)
			for (const each of free)
				if (!isFresh || each.served === 0)
					assert.ok(nowMs - (this.#freeSince.get(each) ?? nowMs) >= IDLE_MS, "nobody waits beside it");
		const isFull = this.#stage.pool.counts.open >= this.#max;
		const closing = this.#stage.dials.connections.size - live.length;
		if (isFull && this.#queue.length > 0 && closing === 0)
			assert.equal(free.length, 0, "an idle one makes room");
	}
}

for (const multiplexes of [false, true])
	test(`random lives of a pool, ${multiplexes ? "many exchanges" : "one exchange"} a connection`, async () => {
		await fc.assert(
			fc.asyncProperty(settings, events, async (given, walk) => {
				const pool = new Walk(given, multiplexes);
				for (const event of walk) await pool.step(event);
				await pool.end();
			}),
			{ numRuns: 200 },
		);
	});
