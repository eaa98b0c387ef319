/**
 * What happened between two readings of a profile that counts since the start of the process: allocs, block,
 * mutex. Each stack with its labels is taken for itself, the later minus the earlier.
 *
 * How it can mislead: a value that falls (what a live heap holds, or any value after a restart) has no place in
 * such a difference. It counts as nothing, and `fallen` tells how often that was.
 */
import type { Profile, ProfileFrame, ProfileLabels } from "@plumbline/signals/profiles";

export interface ProfileDelta {
	/** Samples with anything left; equal stacks and labels are one. */
	readonly profile: Profile;
	/** For each type, how many stacks had less of it at the end than at the beginning. */
	readonly fallen: readonly number[];
}

/** Undefined if the two do not count the same things. */
export function profileDelta(first: Profile, last: Profile): ProfileDelta | undefined {
	if (JSON.stringify(first.types) !== JSON.stringify(last.types)) return undefined;
	const width = last.types.length;
	const keys = new Keys();
	const before = sumsOf(first, keys);
	const after = sumsOf(last, keys);
	const fallen = new Array<number>(width).fill(0);
	const rows: Row[] = [];
	for (const [key, row] of after) {
		const values = row.values.map((value, type) => value - (before.get(key)?.values[type] ?? 0n));
		if (countFallen(values, fallen))
			rows.push({ ...row, values: values.map((value) => (value < 0n ? 0n : value)) });
	}
	for (const [key, { values }] of before)
		if (!after.has(key))
			countFallen(
				values.map((value) => -value),
				fallen,
			);
	return { profile: profileOf(first, last, rows), fallen };
}

interface Row {
	readonly stack: number;
	/** 0 = none, as in a profile. */
	readonly labels: number;
	readonly values: bigint[];
}

/** Counts what fell; true if anything rose. */
function countFallen(values: readonly bigint[], fallen: number[]): boolean {
	let rose = false;
	for (const [type, value] of values.entries()) {
		if (value < 0n) fallen[type] = (fallen[type] ?? 0) + 1;
		rose ||= value > 0n;
	}
	return rose;
}

/** Sums by stack and labels; `stack` and `labels` are those of the profile. */
function sumsOf(profile: Profile, keys: Keys): Map<string, Row> {
	const rows = new Map<string, Row>();
	const width = profile.types.length;
	const stackKeys: (number | undefined)[] = [];
	const labelKeys: (number | undefined)[] = [0];
	for (let sample = 0; sample < profile.count; sample++) {
		const stack = profile.stackOf[sample] ?? 0;
		const labels = profile.labelsOf[sample] ?? 0;
		stackKeys[stack] ??= keys.ofStack(profile.stacks.at(stack) ?? []);
		labelKeys[labels] ??= keys.ofLabels(profile.labels.at(labels - 1));
		const key = `${stackKeys[stack]} ${labelKeys[labels]}`;
		let row = rows.get(key);
		if (row === undefined) {
			row = { stack, labels, values: new Array<bigint>(width).fill(0n) };
			rows.set(key, row);
		}
		for (let type = 0; type < width; type++) {
			row.values[type] = (row.values[type] ?? 0n) + (profile.values[sample * width + type] ?? 0n);
		}
	}
	return rows;
}

/** Numbers for stacks and labels that are the same for equal ones of both profiles. */
class Keys {
	readonly #numbers = new Map<string, number>();

	ofStack(frames: readonly ProfileFrame[]): number {
		const numbers = frames.map(({ func, file, line }) => this.#of(`f ${func}\n${file}\n${line}`));
		return this.#of(`s ${numbers.join(" ")}`);
	}

	ofLabels(labels: ProfileLabels | undefined): number {
		const { strings = {}, numbers = [] } = labels ?? {};
		const texts = Object.entries(strings).sort(([a], [b]) => (a < b ? -1 : 1));
		const counts = numbers.map(({ key, value, unit }) => [key, `${value}`, unit]);
		return this.#of(`l ${JSON.stringify([texts, counts])}`);
	}

	#of(text: string): number {
		const known = this.#numbers.get(text);
		if (known !== undefined) return known;
		this.#numbers.set(text, this.#numbers.size);
		return this.#numbers.size - 1;
	}
}

function profileOf(first: Profile, last: Profile, rows: readonly Row[]): Profile {
	const width = last.types.length;
	const values = new BigInt64Array(rows.length * width);
	for (const [i, row] of rows.entries()) values.set(row.values, i * width);
	const { durationNanos: _, ...rest } = last;
	const spanned =
		first.timeNanos !== undefined && last.timeNanos !== undefined && last.timeNanos > first.timeNanos;
	return {
		...rest,
		...(spanned ? { durationNanos: (last.timeNanos ?? 0n) - (first.timeNanos ?? 0n) } : {}),
		count: rows.length,
		values,
		stackOf: Uint32Array.from(rows, ({ stack }) => stack),
		labelsOf: Uint32Array.from(rows, ({ labels }) => labels),
	};
}
