/** One ring in a process of its own: made, kept, warmed up, asked; then a node leaves and one joins. As JSON. */

import { pickBounded } from "@plumbline/policy/bounded-load";
import { hashRing } from "@plumbline/policy/hash-ring";
import { maglev } from "@plumbline/policy/maglev";
import HashRing from "hashring";
import { heldBytes } from "./held-bytes.ts";

export interface RingCost {
	readonly makeMs: number;
	/** Heap and array buffers that stay after it is made, before it is asked. */
	readonly keptBytes: number;
	readonly fewKeysNs: number;
	readonly manyKeysNs: number;
	/** The largest share of the keys over the mean one. */
	readonly fullest: number;
	/** The keys of the node that leaves, and those that moved; of the node that joins, and those that moved. */
	readonly leaveMust: number;
	readonly leaveMoved: number;
	readonly joinMust: number;
	readonly joinMoved: number;
}

type Pick = (key: string) => string | undefined;

const asNodes = (names: readonly string[]) => names.map((name) => ({ name }));
const MAKERS: Readonly<Record<string, (names: readonly string[]) => Pick>> = {
	"plumbline: hash ring": (names) => hashRing(asNodes(names)).pick,
	"plumbline: maglev": (names) => maglev(asNodes(names)).pick,
	/** Everywhere is room: what the looking costs. */
	"plumbline: hash ring, bounded load": (names) => {
		const ring = hashRing(asNodes(names));
		const loads = { of: () => 10, total: 10 * names.length };
		return (key) => pickBounded(ring, key, loads);
	},
	hashring: (names) => {
		const ring = new HashRing(names);
		return (key) => ring.get(key);
	},
};
export const RING_NAMES = Object.keys(MAKERS);

const TIMED = 500_000;
const FEW_KEYS = 1_000;
const MANY_KEYS = 100_000;

function measure(make: (names: readonly string[]) => Pick, count: number): RingCost {
	const names = Array.from({ length: count + 1 }, (_, at) => `10.0.${at >> 8}.${at & 255}:8080`);
	const present = names.slice(0, count);
	const keys = Array.from({ length: MANY_KEYS }, (_, at) => `session-${(at * 2_654_435_761) >>> 0}`);
	make(present.slice(0, 3));
	const before = heldBytes();
	const startUs = cpuUs();
	const pick = make(present);
	const makeMs = (cpuUs() - startUs) / 1000;
	const keptBytes = heldBytes() - before;
	const fewKeysNs = timed(pick, keys.slice(0, FEW_KEYS));
	const manyKeysNs = timed(pick, keys);

	const owners = keys.map(pick);
	const counts = new Map<string | undefined, number>();
	for (const owner of owners) counts.set(owner, (counts.get(owner) ?? 0) + 1);
	const movedTo = (other: Pick) => keys.filter((key, at) => other(key) !== owners[at]).length / MANY_KEYS;
	const leaver = names[0];
	const joined = make(names);
	return {
		makeMs,
		keptBytes,
		fewKeysNs,
		manyKeysNs,
		fullest: (Math.max(...counts.values()) * count) / MANY_KEYS,
		leaveMust: (counts.get(leaver) ?? 0) / MANY_KEYS,
		leaveMoved: movedTo(make(present.slice(1))),
		joinMust: keys.filter((key) => joined(key) === names[count]).length / MANY_KEYS,
		joinMoved: movedTo(joined),
	};
}

function timed(pick: Pick, keys: readonly string[]): number {
	let letters = 0;
	const run = () => {
		for (let nth = 0, at = 0; nth < TIMED; nth++) {
			letters += pick(keys[at] as string)?.length ?? 0;
			if (++at === keys.length) at = 0;
		}
	};
	run();
	const startUs = cpuUs();
	run();
	const tookUs = cpuUs() - startUs;
	if (letters === 0) throw new Error("nobody was picked");
	return (tookUs * 1000) / TIMED;
}

/** CPU time of this process: what else runs on the machine shows less in it than in the time of day. */
function cpuUs(): number {
	const { user, system } = process.cpuUsage();
	return user + system;
}

if (import.meta.main) {
	const [name = "", nodes = ""] = process.argv.slice(2);
	const make = MAKERS[name];
	if (make === undefined) throw new Error(`no ring "${name}"`);
	process.stdout.write(JSON.stringify(measure(make, Number(nodes))));
}
