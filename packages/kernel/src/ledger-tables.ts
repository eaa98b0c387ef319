/** The kernel's tables of one ledger: made, given a row for each pool, read. Their layout is in ledger-maps.ts. */
import { type BpfMap, createMap } from "./bpf-maps.ts";
import type { Bpf } from "./bpf-system-call.ts";
import * as layout from "./ledger-maps.ts";
import type { LedgerTables } from "./ledger-program.ts";
import { type LedgerRows, overflowKey } from "./ledger-reading.ts";
import { type Reading, read } from "./reading.ts";

/** Rows of the tables at most. `stacks` holds an overflow row for each pool besides. */
export interface LedgerLimits {
	readonly held?: number;
	readonly stacks?: number;
	readonly waiting?: number;
}

export interface OpenTables {
	/** For the programs. */
	readonly fds: LedgerTables;
	/** In the order of the pools. */
	readonly counters: () => layout.CounterRow[];
	readonly rows: () => Reading<LedgerRows>;
	readonly close: () => void;
}

/** All or none. To be closed by the caller. */
export function openTables(bpf: Bpf, pools: number, limits: LedgerLimits = {}): Reading<OpenTables> {
	const maps: BpfMap[] = [];
	const close = () => {
		for (const map of maps.splice(0)) map.close();
	};
	const make = (name: string, keyBytes: number, valueBytes: number, entriesMax: number) => {
		const map = createMap(bpf, { kind: "hash", name, keyBytes, valueBytes, entriesMax });
		if (map.kind === "read") maps.push(map.value);
		else close();
		return map;
	};
	const held = make("plumbline_held", 8, layout.HELD_BYTES, limits.held ?? layout.HELD_MAX);
	if (held.kind === "refused") return held;
	const stacks = make("plumbline_stack", 8, layout.STACK_BYTES, limits.stacks ?? layout.STACKS_MAX);
	if (stacks.kind === "refused") return stacks;
	const waiting = make("plumbline_wait", 8, layout.WAITING_BYTES, limits.waiting ?? layout.WAITING_MAX);
	if (waiting.kind === "refused") return waiting;
	const owners = make("plumbline_owner", 8, layout.OWNER_BYTES, layout.OWNERS_MAX);
	if (owners.kind === "refused") return owners;
	const counters = make("plumbline_count", 4, layout.COUNTERS_BYTES, layout.POOLS_MAX);
	if (counters.kind === "refused") return counters;
	for (let index = 0; index < pools; index++) {
		counters.value.update(poolKey(index), new Uint8Array(layout.COUNTERS_BYTES));
		const row = new Uint8Array(layout.STACK_BYTES);
		new DataView(row.buffer).setBigUint64(layout.STACK.pool, BigInt(index), true);
		stacks.value.update(stackKey(overflowKey(index)), row);
	}
	const open: Maps = {
		held: held.value,
		stacks: stacks.value,
		waiting: waiting.value,
		owners: owners.value,
		counters: counters.value,
	};
	return read({
		fds: {
			held: open.held.fd,
			stacks: open.stacks.fd,
			waiting: open.waiting.fd,
			owners: open.owners.fd,
			counters: open.counters.fd,
		},
		counters: () => countersOf(open.counters, pools),
		rows: () => readRows(open, pools),
		close,
	});
}

type Maps = Readonly<Record<keyof LedgerTables, BpfMap>>;

function poolKey(index: number): Uint8Array {
	return new Uint8Array(Uint32Array.of(index).buffer);
}

function stackKey(key: bigint): Uint8Array {
	return new Uint8Array(BigUint64Array.of(key).buffer);
}

function countersOf(counters: BpfMap, pools: number): layout.CounterRow[] {
	return Array.from({ length: pools }, (_, i) =>
		layout.counterRow(counters.lookup(poolKey(i)) ?? new Uint8Array(layout.COUNTERS_BYTES)),
	);
}

function readRows(maps: Maps, pools: number): Reading<LedgerRows> {
	const held = maps.held.entries();
	if (held.kind === "refused") return held;
	const stacks = maps.stacks.entries();
	if (stacks.kind === "refused") return stacks;
	const waiting = maps.waiting.entries();
	if (waiting.kind === "refused") return waiting;
	const owners = maps.owners.entries();
	if (owners.kind === "refused") return owners;
	return read({
		held: held.value.map(layout.heldRow),
		stacks: stacks.value.map(layout.stackRow),
		waiting: waiting.value.map(layout.waitingRow),
		owners: owners.value.map(layout.ownerRow),
		counters: countersOf(maps.counters, pools),
		nowNs: process.hrtime.bigint(),
	});
}
