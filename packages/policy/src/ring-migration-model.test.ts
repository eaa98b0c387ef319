/** The migration against a model that keeps every session ever opened, and reads the present off them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hashRing } from "./hash-ring.ts";
import { maglev } from "./maglev.ts";
import type { Ring } from "./ring.ts";
import { RingMigration, type Session } from "./ring-migration.ts";

const SEED = 20_258;
const KEEP_MS = 200;
const KEYS_MAX = 6;

const nodes = (...names: readonly string[]) => names.map((name) => ({ name }));
const FIRST = hashRing(nodes("a", "b"), { pointsPerWeight: 4 });
const RINGS: readonly Ring[] = [
	FIRST,
	hashRing(nodes("b", "a"), { pointsPerWeight: 4 }),
	hashRing(nodes("a", "b", "c"), { pointsPerWeight: 4 }),
	maglev(nodes("a", "c", "d"), { size: 13 }),
	maglev(nodes("b"), { size: 13 }),
	hashRing([]),
];
/** The second is the first in another order. */
const identity = (ring: Ring) => RINGS.indexOf(ring) || 1;

interface Record {
	readonly key: string;
	readonly node: string;
	/** Counts for its key: it was followed, and is neither closed nor cut off nor lost. */
	holds: boolean;
}

class Naive {
	readonly records: Record[] = [];
	readonly pins = new Map<string, number>();
	ring = FIRST;
	before: Ring | undefined;
	dual = false;
	ended = 0;
	cut = 0;
	lostKeys = 0;
	unkept = 0;

	held(key: string): Record | undefined {
		return this.records.find((record) => record.holds && record.key === key);
	}
	heldKeys(): Set<string> {
		return new Set(this.records.filter(({ holds }) => holds).map(({ key }) => key));
	}
	drop(key: string): void {
		for (const record of this.records) if (record.key === key) record.holds = false;
		this.pins.delete(key);
	}
	passTo(nowMs: number): void {
		for (const [key, untilMs] of [...this.pins]) {
			if (untilMs > nowMs) continue;
			this.drop(key);
			this.cut++;
		}
		if (this.pins.size === 0) this.dual = false;
	}
	pick(key: string): string | undefined {
		return this.held(key)?.node ?? this.ring.pick(key);
	}
	open(key: string): Record | undefined {
		const node = this.pick(key);
		if (node === undefined) return undefined;
		const holds = this.held(key) !== undefined || this.heldKeys().size < KEYS_MAX;
		if (!holds) this.unkept++;
		const record = { key, node, holds };
		this.records.push(record);
		return record;
	}
	close(record: Record): void {
		const held = record.holds;
		record.holds = false;
		if (held && this.held(record.key) === undefined && this.pins.delete(record.key)) this.ended++;
	}
	begin(ring: Ring, nowMs: number): string {
		if (identity(ring) === identity(this.ring)) return "unchanged";
		for (const key of this.heldKeys()) {
			if (this.held(key)?.node === ring.pick(key)) this.pins.delete(key);
			else this.pins.set(key, this.pins.get(key) ?? nowMs + KEEP_MS);
		}
		this.before = this.ring;
		this.ring = ring;
		this.dual = true;
		return `begun ${this.pins.size}`;
	}
	lost(node: string): number {
		const keys = [...this.heldKeys()].filter((key) => this.held(key)?.node === node);
		for (const key of keys) this.drop(key);
		this.lostKeys += keys.length;
		return keys.length;
	}
}

/** `what` is one of 2,000: nearly all are sessions, for a migration costs milliseconds. */
interface Step {
	readonly what: number;
	readonly which: number;
	readonly later: number;
}

test("120,000 random steps agree with a model that keeps every session", () => {
	const step: fc.Arbitrary<Step> = fc.record({
		what: fc.noBias(fc.integer({ min: 0, max: 1_999 })),
		which: fc.nat({ max: 1_000 }),
		later: fc.integer({ min: 0, max: 4 }),
	});
	const seen = { migrations: 0, cut: 0, ended: 0, lost: 0, unkept: 0 };
	fc.assert(
		fc.property(fc.array(step, { minLength: 600, maxLength: 600 }), (steps) => {
			const { migrations, naive } = followBoth(steps);
			seen.migrations += migrations;
			seen.cut += naive.cut;
			seen.ended += naive.ended;
			seen.lost += naive.lostKeys;
			seen.unkept += naive.unkept;
		}),
		{ seed: SEED, numRuns: 200 },
	);
	for (const [what, times] of Object.entries(seen)) assert.ok(times > 50, `${what}: only ${times}`);
});

function followBoth(steps: readonly Step[]): { readonly migrations: number; readonly naive: Naive } {
	const migration = new RingMigration(FIRST, { keepMs: KEEP_MS, keysMax: KEYS_MAX });
	const naive = new Naive();
	const open: (readonly [Session, Record])[] = [];
	let migrations = 0;
	let nowMs = 0;
	for (const { what, which, later } of steps) {
		nowMs += later;
		naive.passTo(nowMs);
		const key = `key-${which % 9}`;
		if (what < 6) {
			const ring = RINGS[which % RINGS.length] ?? FIRST;
			const begun = migration.begin(ring, nowMs);
			assert.equal(begun.kind === "begun" ? `begun ${begun.pinned}` : begun.kind, naive.begin(ring, nowMs));
			migrations++;
		} else if (what === 6) {
			const begun = migration.rollBack(nowMs);
			const said = naive.before === undefined ? undefined : naive.begin(naive.before, nowMs);
			assert.equal(begun?.kind === "begun" ? `begun ${begun.pinned}` : begun?.kind, said);
		} else if (what === 7) {
			assert.equal(migration.cutOver(), naive.pins.size);
			naive.passTo(Number.POSITIVE_INFINITY);
		} else if (what < 14) {
			const node = "abcd".charAt(which % 4);
			assert.equal(migration.lost(node, nowMs), naive.lost(node));
		} else if (what < 980 || open.length === 0) {
			const session = migration.open(key, nowMs);
			const record = naive.open(key);
			assert.equal(session?.node, record?.node);
			if (session !== undefined && record !== undefined) open.push([session, record]);
		} else if (what < 1_860) {
			const [pair] = open.splice(which % open.length, 1);
			if (pair === undefined) continue;
			migration.close(pair[0], nowMs);
			naive.close(pair[1]);
		} else {
			assert.equal(migration.pick(key, nowMs), naive.pick(key));
			migration.tick(nowMs);
		}
		naive.passTo(nowMs);
		compare(migration, naive);
	}
	return { migrations, naive };
}

function compare(migration: RingMigration, naive: Naive): void {
	assert.deepEqual(migration.counts, {
		followed: naive.heldKeys().size,
		pinned: naive.pins.size,
		ended: naive.ended,
		cut: naive.cut,
		lost: naive.lostKeys,
		unkept: naive.unkept,
	});
	assert.equal(migration.phase.kind, naive.dual ? "dual" : "stable");
}
