/** The kernel's rows of stacks as stacks of named frames; rows that read the same become one. Pure. */
import type { Frame } from "@plumbline/signals/goroutines";
import type { PoolKind } from "@plumbline/signals/ledger";
import type { GoSymbols } from "./go-symbols.ts";
import type { StackRow } from "./ledger-maps.ts";

/** What is needed of the symbols, so that tests need no executable. */
export type FramesAt = Pick<GoSymbols, "framesAt">["framesAt"];

export interface NamedStack {
	readonly pool: number;
	readonly kind: PoolKind;
	readonly frames: readonly Frame[];
	readonly acquired: number;
	readonly released: number;
	readonly heldNs: number;
	readonly heldNsMax: number;
	/** The rows that it is made of. */
	readonly keys: readonly bigint[];
}

/** Goroutine dumps leave them out too. */
const RUNTIME_ROOTS = new Set(["runtime.goexit", "runtime.main"]);

/** `bias`: runtime address minus address in the file. */
export function nameStacks(
	rows: readonly StackRow[],
	kindOf: (pool: number) => PoolKind,
	framesAt: FramesAt,
	bias: number,
): NamedStack[] {
	const stacks = new Map<string, NamedStack>();
	for (const row of rows) {
		if (row.acquired === 0) continue;
		const frames = nameFrames(row.frames, framesAt, bias);
		const name = JSON.stringify([row.pool, frames]);
		const known = stacks.get(name);
		stacks.set(name, {
			pool: row.pool,
			kind: kindOf(row.pool),
			frames,
			acquired: (known?.acquired ?? 0) + row.acquired,
			released: (known?.released ?? 0) + row.released,
			heldNs: (known?.heldNs ?? 0) + row.heldNs,
			heldNsMax: Math.max(known?.heldNsMax ?? 0, row.heldNsMax),
			keys: [...(known?.keys ?? []), row.key],
		});
	}
	return [...stacks.values()];
}

/**
 * All are return addresses, which belong to the call before them; only in fast mode, where there is no first
 * one, the next is the very instruction that ran.
 */
export function nameFrames(addresses: readonly number[], framesAt: FramesAt, bias: number): Frame[] {
	const [returnAddress = 0, ...walked] = addresses;
	const frames: Frame[] = [];
	const add = (address: number): void => {
		for (const { func, file, line } of framesAt(address - bias)) {
			if (!RUNTIME_ROOTS.has(func)) frames.push({ func, file, line });
		}
	};
	if (returnAddress !== 0) add(returnAddress - 1);
	walked.forEach((address, i) => {
		add(returnAddress === 0 && i === 0 ? address : address - 1);
	});
	return frames;
}
