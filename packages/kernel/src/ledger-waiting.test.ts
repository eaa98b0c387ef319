/** Goroutines laid out in made-up memory as each Go lays them out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parkedFrames } from "./ledger-waiting.ts";
import type { ProcessMemory } from "./process-memory.ts";

const G = 0xc000_0001_0000;
const LOW = 0xc000_0100_0000;
const HIGH = LOW + 0x2000;
const PC = 0x40_1234;

/** Words by address; what was not written cannot be read. */
function memoryOf(words: ReadonlyMap<number, bigint>): ProcessMemory {
	return {
		read(address, length) {
			const bytes = new Uint8Array(length);
			const view = new DataView(bytes.buffer);
			for (let at = 0; at < length; at += 8) {
				const word = words.get(address + at);
				if (word === undefined) return undefined;
				view.setBigUint64(at, word, true);
			}
			return bytes;
		},
		close() {},
	};
}

interface Layout {
	readonly minor: number;
	readonly goidAt: number;
	readonly bpAt: number;
}

const LAYOUTS: readonly Layout[] = [
	{ minor: 18, goidAt: 152, bpAt: 104 },
	{ minor: 22, goidAt: 152, bpAt: 104 },
	{ minor: 24, goidAt: 160, bpAt: 104 },
	{ minor: 25, goidAt: 152, bpAt: 96 },
	{ minor: 27, goidAt: 152, bpAt: 96 },
];
const NEW: Layout = { minor: 26, goidAt: 152, bpAt: 96 };

interface Parked {
	readonly status?: number;
	readonly savedG?: number;
	/** Frame pointers and the return address above each; the first is the saved one. */
	readonly chain: readonly (readonly [frame: number, next: number, returnAddress: number])[];
}

function parked({ goidAt, bpAt }: Layout, { status = 4, savedG = G, chain }: Parked): Map<number, bigint> {
	const words = new Map<number, bigint>();
	// Nothing that is not asked for is 0.
	for (let at = 0; at < 168; at += 8) words.set(G + at, 0xdead_dead_dead_deadn);
	const put = (address: number, value: number | bigint) => words.set(address, BigInt(value));
	put(G, LOW);
	put(G + 8, HIGH);
	put(G + 64, PC);
	put(G + 72, savedG);
	put(G + bpAt, chain[0]?.[0] ?? 0);
	// The word of the status has the stack's lock in its upper half.
	put(G + goidAt - 8, (7n << 32n) | BigInt(status));
	for (const [frame, next, returnAddress] of chain) {
		put(frame, next);
		put(frame + 8, returnAddress);
	}
	return words;
}

const CHAIN = [
	[LOW + 0x100, LOW + 0x180, 0x40_2000],
	[LOW + 0x180, LOW + 0x200, 0x40_3000],
	[LOW + 0x200, 0, 0x40_4000],
] as const;
const FRAMES = [PC, 0x40_2000, 0x40_3000, 0x40_4000];

function frames(layout: Layout, goroutine: Parked): number[] {
	return parkedFrames(memoryOf(parked(layout, goroutine)), G, layout.minor, layout.goidAt);
}

for (const layout of LAYOUTS) {
	test(`Go 1.${layout.minor}: where it stands, then its callers`, () => {
		assert.deepEqual(frames(layout, { chain: CHAIN }), FRAMES);
		assert.deepEqual(frames(layout, { chain: CHAIN, status: 0x1004 }), FRAMES, "its stack is being scanned");
	});
}

test("a goroutine that is not parked gives nothing: it runs, or ended, or is being made", () => {
	for (const status of [0, 1, 2, 3, 6, 8, 0x1002]) {
		assert.deepEqual(frames(NEW, { chain: CHAIN, status }), [], `status ${status}`);
	}
});

test("a saved g that is another, or memory that cannot be read: nothing", () => {
	assert.deepEqual(frames(NEW, { chain: CHAIN, savedG: G + 0x200 }), []);
	assert.deepEqual(parkedFrames(memoryOf(new Map()), G, 26, 152), []);
	assert.deepEqual(parkedFrames(memoryOf(parked(NEW, { chain: CHAIN })), G + 8, 26, 152), []);
});

test("the other layout's frame pointer is no frame: only where it stands", () => {
	const words = parked({ minor: 24, goidAt: 152, bpAt: 104 }, { chain: CHAIN });
	assert.deepEqual(parkedFrames(memoryOf(words), G, 26, 152), [PC]);
});

test("a chain that leaves the stack, turns back or goes in circles ends there", () => {
	const [first, second] = CHAIN;
	const ends: Readonly<Record<string, readonly (readonly [number, number, number])[]>> = {
		"below the stack": [[LOW - 16, LOW + 0x180, 0x40_2000]],
		"above the stack": [[HIGH, 0, 0x40_2000]],
		"half above the stack": [[HIGH - 8, 0, 0x40_2000]],
		"no frame pointer": [],
	};
	for (const [name, chain] of Object.entries(ends)) {
		assert.deepEqual(frames(NEW, { chain }), [PC], name);
	}
	const circle = [first, [second[0], first[0], 0x40_3000]] as const;
	assert.deepEqual(frames(NEW, { chain: circle }), FRAMES.slice(0, 3), "turns back");
	const self = [[first[0], first[0], 0x40_2000]] as const;
	assert.deepEqual(frames(NEW, { chain: self }), FRAMES.slice(0, 2), "points at itself");
	const unread = [[first[0], LOW + 0x800, 0x40_2000]] as const;
	assert.deepEqual(frames(NEW, { chain: unread }), FRAMES.slice(0, 2), "leads to what cannot be read");
});

test("a stack of any depth is bounded, and return addresses of 0 are left out", () => {
	const deep = Array.from({ length: 200 }, (_, i) => {
		const at = LOW + i * 16;
		return [at, at + 16, i === 2 ? 0 : 0x50_0000 + i] as const;
	});
	const found = frames(NEW, { chain: deep });
	assert.equal(found.length, 63);
	assert.deepEqual(found.slice(0, 4), [PC, 0x50_0000, 0x50_0001, 0x50_0003]);
});

test("any bytes at all: an answer of bounded length", () => {
	fc.assert(
		fc.property(fc.uint8Array({ minLength: 168, maxLength: 168 }), fc.nat({ max: 27 }), (bytes, minor) => {
			const memory: ProcessMemory = {
				read: (address, length) => (address === G ? bytes : new Uint8Array(length).fill(bytes[0] ?? 0)),
				close() {},
			};
			assert.ok(parkedFrames(memory, G, minor, 152).length <= 64);
		}),
	);
});
