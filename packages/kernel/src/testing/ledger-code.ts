/** For tests: where the code a process runs differs from its file, byte by byte: its breakpoints, if all is well. */
import assert from "node:assert/strict";
import { closeSync, openSync, readSync } from "node:fs";
import { offsetsOfPlan, planPools } from "../ledger-plan.ts";
import { POOLS } from "../ledger-pools.ts";
import { openLedgerTarget } from "../ledger-target.ts";
import { expectRead } from "./bpf-live.ts";

export interface CodeWatch {
	/** Offsets in the file of all bytes of code that are not in memory as they are in the file. */
	readonly changed: () => number[];
	/** Those where a ledger in that mode has its probes, in order. */
	readonly probed: (mode: "return" | "fast") => number[];
	readonly close: () => void;
}

const CHUNK_BYTES = 1 << 16;

export function watchCode(pid: number): CodeWatch {
	const target = expectRead(openLedgerTarget(pid));
	const memory = expectRead(target.memory);
	const file = openSync(target.path, "r");
	const { segments } = target.symbols;
	const changed = () =>
		segments.flatMap(({ fileOffset, address, size }) => {
			const offsets: number[] = [];
			for (let at = 0; at < size; at += CHUNK_BYTES) {
				const length = Math.min(CHUNK_BYTES, size - at);
				const wanted = Buffer.alloc(length);
				assert.equal(readSync(file, wanted, 0, length, fileOffset + at), length);
				const found = memory.read(address + target.bias + at, length);
				assert.ok(found, "the code can be read");
				if (wanted.equals(found)) continue;
				found.forEach((byte, i) => {
					if (byte !== wanted[i]) offsets.push(fileOffset + at + i);
				});
			}
			return offsets;
		});
	return {
		changed,
		probed(mode) {
			const plans = planPools(target.symbols, POOLS, mode);
			const offsets = plans.flatMap((p) => (p.kind === "watched" ? offsetsOfPlan(p.plan) : []));
			return [...new Set(offsets)].sort((a, b) => a - b);
		},
		close() {
			closeSync(file);
			target.close();
		},
	};
}
