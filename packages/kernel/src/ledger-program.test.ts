/**
 * The programs' real bytes, run on small tables, against a model that keeps the same books in plain words.
 * Whether the kernel takes them is ledger-session's to try.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FRAMES_MAX } from "./ledger-maps.ts";
import {
	addressOfG,
	HELD_MAX,
	LedgerMachine,
	MACHINE_POOLS,
	STACKS_MAX,
	type Taking,
	WAITING_MAX,
} from "./testing/ledger-machine.ts";

const GOIDS = [1, 7, 8, 90];
const HANDLES_MAX = 5;
const OWNER = 0xc000_0001_0000n;
/** Of each pool the last handle is an HTTP/2 connection, where the pool asks. */
const isShared = (handle: bigint) => Number(handle & 0xfffn) === HANDLES_MAX * 0x100;
const handleOf = (pool: number, n: number) =>
	n === 0 ? 0n : 0xc0_0000_0000n + BigInt(pool * 0x1000 + n * 0x100);

function memory(): Map<bigint, bigint> {
	const words = new Map<bigint, bigint>();
	for (const [pool, { ownerAt, unlessSetAt }] of MACHINE_POOLS.entries()) {
		for (let n = 1; n <= HANDLES_MAX; n++) {
			const handle = handleOf(pool, n);
			if (unlessSetAt !== undefined) words.set(handle + BigInt(unlessSetAt), isShared(handle) ? 1n : 0n);
			words.set(handle + BigInt(ownerAt), OWNER + BigInt(pool));
		}
	}
	return words;
}

const frame = (n: number) => 0x40_0000n + BigInt(n) * 0x10n;
const deep = (last: number) => [...Array.from({ length: 60 }, (_, i) => frame(i)), frame(last)];
const STACKS: readonly (readonly bigint[])[] = [
	[frame(1)],
	[frame(1), frame(2), frame(3)],
	[frame(1), frame(3), frame(2)],
	[frame(2), frame(3)],
	// Differ only beyond what is kept.
	deep(1000),
	deep(2000),
];

interface ModelStack {
	acquired: number;
	released: number;
	heldNs: number;
	heldNsMax: number;
}

const COUNTS = {
	replaced: 0,
	strangers: 0,
	lost: 0,
	stacksLost: 0,
	acquireHits: 0,
	releaseHits: 0,
	waitHits: 0,
};

/** The same books, kept naively. */
class Model {
	readonly held = new Map<bigint, { since: bigint; goid: number; pool: number; stack: string }>();
	readonly stacks = new Map<string, ModelStack>();
	readonly waiting = new Map<number, { since: bigint; pool: number }>();
	readonly counters = MACHINE_POOLS.map(() => ({ ...COUNTS }));
	repeats = 0;

	stack(name: string): ModelStack {
		const stack = this.stacks.get(name) ?? { acquired: 0, released: 0, heldNs: 0, heldNsMax: 0 };
		this.stacks.set(name, stack);
		return stack;
	}

	count(pool: number, what: keyof typeof COUNTS): void {
		const row = this.counters[pool];
		if (row !== undefined) row[what]++;
	}

	take({ pool, goid, handle, nowNs }: Taking, name: string): void {
		if (MACHINE_POOLS[pool]?.waits) this.waiting.delete(goid);
		if (handle === 0n) return;
		if (MACHINE_POOLS[pool]?.unlessSetAt !== undefined && isShared(handle)) return;
		this.count(pool, "acquireHits");
		const older = this.held.get(handle);
		if (older?.goid === goid) {
			this.repeats++;
			return;
		}
		if (older !== undefined) this.count(pool, "replaced");
		const own = [...this.stacks.keys()].filter((key) => key.length > 1);
		const hasRoom = this.stacks.has(name) || own.length < STACKS_MAX;
		if (!hasRoom) this.count(pool, "stacksLost");
		const stack = hasRoom ? name : `${pool}`;
		const row = this.stack(stack);
		if (older === undefined && this.held.size >= HELD_MAX) {
			this.count(pool, "lost");
			return;
		}
		this.held.set(handle, { since: nowNs, goid, pool, stack });
		row.acquired++;
	}

	giveBack(pool: number, handle: bigint, nowNs: bigint): void {
		this.count(pool, "releaseHits");
		const row = this.held.get(handle);
		if (row === undefined) {
			this.count(pool, "strangers");
			return;
		}
		this.held.delete(handle);
		const stack = this.stack(row.stack);
		stack.released++;
		stack.heldNs += Number(nowNs - row.since);
		stack.heldNsMax = Math.max(stack.heldNsMax, Number(nowNs - row.since));
	}

	wait(pool: number, goid: number, nowNs: bigint): void {
		this.count(pool, "waitHits");
		if (this.waiting.has(goid) || this.waiting.size < WAITING_MAX) {
			this.waiting.set(goid, { since: nowNs, pool });
		}
	}
}

const EVENT = fc.record({
	what: fc.constantFrom("take", "take", "take", "give back", "give back", "wait"),
	pool: fc.nat({ max: MACHINE_POOLS.length - 1 }),
	goid: fc.constantFrom(...GOIDS),
	handle: fc.nat({ max: HANDLES_MAX }),
	stack: fc.nat({ max: STACKS.length - 1 }),
	by: fc.nat({ max: 1 }),
	argument: fc.nat({ max: 1 }),
	afterNs: fc.nat({ max: 5_000_000 }),
});

/** As `stackRow` gives them: in fast mode there is no return address, so a 0 comes first. */
function framesOf(stack: number, mode: "return" | "fast"): number[] {
	const frames = (STACKS[stack] ?? []).map(Number);
	return (mode === "fast" ? [0, ...frames] : frames).slice(0, FRAMES_MAX);
}

for (const arch of ["amd64", "arm64"] as const) {
	for (const mode of ["return", "fast"] as const) {
		test(`${arch}, ${mode} mode: whatever happens the tables say what the model says`, () => {
			fc.assert(
				fc.property(fc.array(EVENT, { maxLength: 80, size: "max" }), (events) => {
					const machine = new LedgerMachine(arch, mode, GOIDS, memory());
					const model = new Model();
					let nowNs = 1_000n;
					for (const event of events) {
						const { what, pool, goid } = event;
						nowNs += BigInt(event.afterNs);
						const handle = handleOf(pool, event.handle);
						const hit = { pool, goid, nowNs, handle };
						if (what === "wait") {
							machine.wait(hit);
							model.wait(pool, goid, nowNs);
						} else if (what === "take") {
							const taking = { ...hit, frames: STACKS[event.stack] ?? [] };
							machine.take(taking);
							model.take(taking, JSON.stringify([pool, framesOf(event.stack, mode)]));
						} else {
							const releases = MACHINE_POOLS[pool]?.releases ?? [];
							const by = event.by % releases.length;
							const places = releases[by] ?? [];
							const argument = places[event.argument % places.length] ?? 0;
							machine.giveBack({ ...hit, by, argument });
							model.giveBack(pool, handle, nowNs);
						}
					}
					same(machine, model);
					balances(machine, model);
				}),
				{ numRuns: 100 },
			);
		});
	}
}

function same(machine: LedgerMachine, model: Model): void {
	const nameOfKey = new Map(
		machine.stacks.map(({ key, pool, frames }) => [
			key,
			key < 16n ? `${pool}` : JSON.stringify([pool, frames]),
		]),
	);
	const held = machine.held.map(({ handle, sinceNs, goid, stack, owner, pool }) => {
		assert.equal(owner, Number(OWNER) + pool);
		return [handle, { since: sinceNs, goid, pool, stack: nameOfKey.get(stack) }] as const;
	});
	assert.deepEqual(new Map(held), model.held);
	const stacks = machine.stacks.map(({ key, acquired, released, heldNs, heldNsMax }) => {
		return [nameOfKey.get(key) ?? "", { acquired, released, heldNs, heldNsMax }] as const;
	});
	for (const pool of MACHINE_POOLS.keys()) model.stack(`${pool}`);
	assert.deepEqual(new Map(stacks), model.stacks);
	const waiting = machine.waiting.map(({ g, goid, sinceNs, pool }) => {
		assert.equal(BigInt(g), addressOfG(goid));
		return [goid, { since: sinceNs, pool }] as const;
	});
	assert.deepEqual(new Map(waiting), model.waiting);
	assert.deepEqual(machine.counters, model.counters);
}

/** What must hold of the tables by themselves. */
function balances({ stacks, held, counters }: LedgerMachine, { repeats }: Model): void {
	let hits = 0;
	let counted = 0;
	for (const [pool, row] of counters.entries()) {
		const own = stacks.filter((stack) => stack.pool === pool);
		const acquired = own.reduce((sum, stack) => sum + stack.acquired, 0);
		const released = own.reduce((sum, stack) => sum + stack.released, 0);
		const out = held.filter((one) => one.pool === pool).length;
		assert.equal(acquired, released + out + row.replaced);
		assert.equal(row.releaseHits, released + row.strangers);
		hits += row.acquireHits;
		counted += acquired + row.lost;
	}
	assert.equal(hits, counted + repeats);
}

/** What several processors do at one time: the connections differ, or it is given back twice. */
const AT_ONCE = fc.array(
	fc.record({
		pool: fc.constantFrom(0, 1),
		handle: fc.integer({ min: 1, max: HANDLES_MAX - 1 }),
		stack: fc.nat({ max: STACKS.length - 1 }),
		by: fc.constantFrom(0, 1),
		twice: fc.boolean(),
	}),
	{ minLength: 2, maxLength: 4 },
);

test("programs that come between each other lose and double nothing", () => {
	fc.assert(
		fc.property(
			fc.array(AT_ONCE, { maxLength: 12 }),
			fc.infiniteStream(fc.nat({ max: 5 })),
			(rounds, turns) => {
				const machine = new LedgerMachine("amd64", "return", GOIDS, memory());
				let nowNs = 1n;
				let given = 0;
				for (const round of rounds) {
					const steps = new Map<bigint, ReturnType<LedgerMachine["taking"]>[]>();
					for (const { pool, handle: n, stack, by, twice } of round) {
						const handle = handleOf(pool, n);
						if (steps.has(handle)) continue;
						const hit = { pool, goid: GOIDS[n % GOIDS.length] ?? 1, nowNs: ++nowNs, handle };
						const isHeld = machine.held.some((row) => row.handle === handle);
						const giving = () => {
							given++;
							return machine.givingBack({
								...hit,
								by: pool === 0 ? 0 : by,
								argument: by === 1 && pool === 1 ? 0 : 1,
							});
						};
						const taking = () => machine.taking({ ...hit, frames: STACKS[stack] ?? [] });
						steps.set(handle, isHeld ? [giving(), ...(twice ? [giving()] : [])] : [taking()]);
					}
					const running = [...steps.values()].flat();
					while (running.length > 0) {
						const at = Number(turns.next().value) % running.length;
						if (running[at]?.next().done === true) running.splice(at, 1);
					}
				}
				const { stacks, held, counters } = machine;
				for (const [pool, row] of counters.entries()) {
					const own = stacks.filter((one) => one.pool === pool);
					const sum = (what: "acquired" | "released") => own.reduce((n, one) => n + one[what], 0);
					const out = held.filter((one) => one.pool === pool).length;
					assert.equal(sum("acquired"), sum("released") + out + row.replaced);
					assert.equal(row.acquireHits, sum("acquired") + row.lost);
					for (const one of own)
						assert.ok(one.heldNsMax <= Number(nowNs) && one.heldNs <= given * Number(nowNs));
				}
				assert.equal(
					new Set(stacks.map(({ pool, frames }) => `${pool} ${frames.join()}`)).size,
					stacks.length,
				);
			},
		),
		{ numRuns: 200 },
	);
});

const [TAKE] = STACKS;
function machineOf(): LedgerMachine {
	return new LedgerMachine("amd64", "return", GOIDS, memory());
}

test("held table full: lost is counted, and nobody's row is overwritten", () => {
	const machine = machineOf();
	for (let n = 1; n <= HANDLES_MAX; n++) {
		machine.take({ pool: 0, goid: 7, handle: handleOf(0, n), nowNs: BigInt(n), frames: TAKE ?? [] });
	}
	assert.deepEqual(
		machine.held.map(({ sinceNs }) => sinceNs),
		[1n, 2n, 3n, 4n],
	);
	assert.equal(machine.counters[0]?.lost, 1);
	assert.equal(machine.stacks.find(({ frames }) => frames[0] === 0x40_0010)?.acquired, 4);
});

test("stack table full: the borrow is kept under its pool's overflow row", () => {
	const machine = machineOf();
	for (const [i, frames] of STACKS.slice(0, 4).entries()) {
		machine.take({ pool: 2, goid: 7, handle: handleOf(2, i + 1), nowNs: 5n, frames });
	}
	assert.equal(machine.counters[2]?.stacksLost, 1);
	assert.equal(machine.held.at(-1)?.stack, 2n);
	assert.equal(machine.stacks.find(({ key }) => key === 2n)?.acquired, 1);
});

test("taken again by another goroutine: the new borrower is the holder, one return was missed", () => {
	const machine = machineOf();
	const hit = { pool: 0, handle: handleOf(0, 1), frames: TAKE ?? [] };
	machine.take({ ...hit, goid: 7, nowNs: 1n });
	machine.take({ ...hit, goid: 8, nowNs: 2n });
	assert.deepEqual(
		machine.held.map(({ goid, sinceNs }) => [goid, sinceNs]),
		[[8, 2n]],
	);
	assert.equal(machine.counters[0]?.replaced, 1);
});

test("seen twice on its way out through a generic wrapper: one borrow, the inner stack", () => {
	const machine = machineOf();
	const hit = { pool: 2, goid: 7, handle: handleOf(2, 1) };
	machine.take({ ...hit, nowNs: 1n, frames: STACKS[1] ?? [] });
	machine.take({ ...hit, nowNs: 2n, frames: STACKS[3] ?? [] });
	assert.equal(machine.counters[2]?.replaced, 0);
	assert.deepEqual(
		machine.stacks.filter(({ acquired }) => acquired > 0).map(({ frames }) => frames.length),
		[3],
	);
});

test("pools that lent anything are remembered when all came back; beyond the room for them borrows still count", () => {
	const machine = machineOf();
	for (const pool of [0, 0, 1, 2]) {
		const hit = { pool, goid: 7, handle: handleOf(pool, 1), nowNs: 1n };
		machine.take({ ...hit, frames: TAKE ?? [] });
		machine.giveBack({ ...hit, by: 0, argument: MACHINE_POOLS[pool]?.releases[0]?.[0] ?? 0 });
	}
	assert.deepEqual(machine.held, []);
	assert.deepEqual(
		machine.owners.map(({ owner, pool }) => [BigInt(owner) - OWNER, pool]),
		[
			[0n, 0],
			[1n, 1],
		],
	);
	assert.equal(machine.counters[2]?.lost, 0);
});

test("what cannot be read of the process is 0, and the borrow is counted all the same", () => {
	const machine = new LedgerMachine("amd64", "return", [], new Map());
	machine.take({ pool: 1, goid: 7, handle: handleOf(1, 1), nowNs: 1n, frames: TAKE ?? [] });
	assert.deepEqual(
		machine.held.map(({ goid, owner }) => [goid, owner]),
		[[0, 0]],
	);
});

test("amd64: a release that is about to get more stack is not counted until it begins again", () => {
	const machine = machineOf();
	const hit = { pool: 0, goid: 7, handle: handleOf(0, 1) };
	machine.take({ ...hit, nowNs: 1n, frames: TAKE ?? [] });
	const giving = { ...hit, nowNs: 2n, by: 0, argument: 1 };
	for (const flags of [0x01n, 0x40n, 0x247n]) machine.giveBack({ ...giving, flags });
	assert.equal(machine.held.length, 1);
	machine.giveBack({ ...giving, flags: 0x206n });
	assert.equal(machine.held.length, 0);
	const { releaseHits, strangers } = machine.counters[0] ?? {};
	assert.deepEqual([releaseHits, strangers], [1, 0]);
});
