/** A profile made of records that a text page told: custom profiles, lock contention. */
import type { Frame, Labels } from "./goroutines.ts";
import type { CountProfile } from "./goroutines-debug1.ts";
import type { Profile, ValueType } from "./profiles.ts";

interface TextRecord {
	readonly frames: readonly Frame[];
	readonly labels: Labels;
	/** One for each type. */
	readonly values: readonly bigint[];
}

export function profileOfRecords(types: readonly ValueType[], records: readonly TextRecord[]): Profile {
	const stacks = new Distinct<readonly Frame[]>();
	const labels = new Distinct<Labels>();
	const stackOf = new Uint32Array(records.length);
	const labelsOf = new Uint32Array(records.length);
	const values = new BigInt64Array(records.length * types.length);
	for (const [i, record] of records.entries()) {
		stackOf[i] = stacks.number(record.frames);
		const labelled = Object.keys(record.labels).length > 0;
		labelsOf[i] = labelled ? labels.number(record.labels) + 1 : 0;
		values.set(record.values.slice(0, types.length), i * types.length);
	}
	return {
		types,
		count: records.length,
		values,
		stacks: stacks.entries,
		stackOf,
		labels: labels.entries.map((strings) => ({ strings, numbers: [] })),
		labelsOf,
		comments: [],
	};
}

/** `threadcreate profile: total 11` as any other profile: one value, a count. */
export function profileOfCounts({ name, records }: CountProfile): Profile {
	const counted = records.map(({ count, ...record }) => ({ ...record, values: [BigInt(count)] }));
	return profileOfRecords([{ type: name, unit: "count" }], counted);
}

class Distinct<T> {
	readonly entries: T[] = [];
	readonly #numbers = new Map<string, number>();

	number(entry: T): number {
		const key = JSON.stringify(entry);
		const known = this.#numbers.get(key);
		if (known !== undefined) return known;
		this.#numbers.set(key, this.entries.length);
		return this.entries.push(entry) - 1;
	}
}
