/** The pprof labels of a group of goroutines, counted without keeping every trace id. */
import type { Labels } from "@plumbline/signals/goroutines";
import { compareText } from "./compare-text.ts";

export interface LabelSeen {
	readonly key: string;
	/** Goroutines that have it. */
	readonly count: number;
	/** Most first, at most LABEL_VALUES_SHOWN_MAX; empty where there are too many different ones to tell. */
	readonly values: readonly { readonly value: string; readonly count: number }[];
	/** Different values; absent where there are more than LABEL_VALUES_MAX. */
	readonly distinct?: number;
}

/** A key with more values than this is an id, not a kind: its values say nothing of a group. */
const LABEL_VALUES_MAX = 64;
const LABEL_VALUES_SHOWN_MAX = 5;
/** Keys of one group. */
const LABEL_KEYS_MAX = 32;

interface Key {
	count: number;
	/** Undefined as soon as there are too many. */
	values: Map<string, number> | undefined;
}

export class LabelTally {
	readonly #keys = new Map<string, Key>();

	add(labels: Labels, count: number): void {
		for (const name in labels) {
			const key = this.#key(name);
			if (key !== undefined) countValue(key, labels[name] ?? "", count);
		}
	}

	merge(other: LabelTally): void {
		for (const [name, { count, values }] of other.#keys) {
			const key = this.#key(name);
			if (key === undefined) continue;
			if (values === undefined) {
				key.count += count;
				key.values = undefined;
			} else {
				for (const [value, times] of values) countValue(key, value, times);
			}
		}
	}

	/** By key. */
	seen(): readonly LabelSeen[] {
		return [...this.#keys]
			.map(([key, { count, values }]): LabelSeen => {
				const sorted = [...(values ?? [])]
					.map(([value, times]) => ({ value, count: times }))
					.sort((a, b) => b.count - a.count || compareText(a.value, b.value));
				return {
					key,
					count,
					values: sorted.slice(0, LABEL_VALUES_SHOWN_MAX),
					...(values === undefined ? {} : { distinct: values.size }),
				};
			})
			.sort((a, b) => compareText(a.key, b.key));
	}

	#key(name: string): Key | undefined {
		let key = this.#keys.get(name);
		if (key === undefined && this.#keys.size < LABEL_KEYS_MAX) {
			key = { count: 0, values: new Map() };
			this.#keys.set(name, key);
		}
		return key;
	}
}

function countValue(key: Key, value: string, count: number): void {
	key.count += count;
	const { values } = key;
	if (values === undefined) return;
	values.set(value, (values.get(value) ?? 0) + count);
	if (values.size > LABEL_VALUES_MAX) key.values = undefined;
}
