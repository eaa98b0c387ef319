/**
 * A profile by its functions, as `go tool pprof -top` sums it: flat is what was counted while the function itself
 * was on top, cum what was counted while it was anywhere on the stack, once however often it recurs.
 */
import type { Profile } from "@plumbline/signals/profiles";

export interface TopRow {
	readonly func: string;
	readonly flat: bigint;
	readonly cum: bigint;
}

export interface Top {
	/** By flat, then cum, greatest first, then by name. A function that nothing was counted for is left out. */
	readonly rows: readonly TopRow[];
	/** Of all samples, with those that have no stack. */
	readonly total: bigint;
}

/** The sums of one type of value, `profile.types[type]`. */
export function topOf(profile: Profile, type: number): Top {
	const rows = new Map<string, { func: string; flat: bigint; cum: bigint; seenIn: number }>();
	const { sums, total } = stackSums(profile, type);
	for (let stack = 0; stack < sums.length; stack++) {
		const sum = sums[stack] ?? 0n;
		if (sum === 0n) continue;
		for (const [depth, { func }] of (profile.stacks.at(stack) ?? []).entries()) {
			let row = rows.get(func);
			if (row === undefined) {
				row = { func, flat: 0n, cum: 0n, seenIn: -1 };
				rows.set(func, row);
			}
			if (depth === 0) row.flat += sum;
			if (row.seenIn !== stack) row.cum += sum;
			row.seenIn = stack;
		}
	}
	const sorted = [...rows.values()].sort(
		(a, b) => descending(a.flat, b.flat) || descending(a.cum, b.cum) || (a.func < b.func ? -1 : 1),
	);
	return { rows: sorted.map(({ func, flat, cum }) => ({ func, flat, cum })), total };
}

/** Share (0..1) of what was counted while a function that passes `test` was on the stack. */
export function cumulativeShare(profile: Profile, type: number, test: (func: string) => boolean): number {
	const { sums, total } = stackSums(profile, type);
	if (total <= 0n) return 0;
	const known = new Map<string, boolean>();
	const passes = (func: string): boolean => {
		let answer = known.get(func);
		if (answer === undefined) {
			answer = test(func);
			known.set(func, answer);
		}
		return answer;
	};
	let passed = 0n;
	for (let stack = 0; stack < sums.length; stack++) {
		const sum = sums[stack] ?? 0n;
		if (sum !== 0n && profile.stacks.at(stack)?.some(({ func }) => passes(func)) === true) passed += sum;
	}
	return Number(passed) / Number(total);
}

/** What was counted on each distinct stack: each is then walked once, however many samples it has. */
function stackSums(profile: Profile, type: number): { sums: readonly bigint[]; total: bigint } {
	const sums = new Array<bigint>(profile.stacks.length).fill(0n);
	const width = profile.types.length;
	let total = 0n;
	for (let sample = 0; sample < profile.count; sample++) {
		const value = profile.values[sample * width + type] ?? 0n;
		const stack = profile.stackOf[sample] ?? 0;
		sums[stack] = (sums[stack] ?? 0n) + value;
		total += value;
	}
	return { sums, total };
}

function descending(a: bigint, b: bigint): number {
	if (a === b) return 0;
	return a > b ? -1 : 1;
}
