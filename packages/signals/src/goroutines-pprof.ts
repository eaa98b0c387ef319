/**
 * The goroutine profile in its protobuf form, `/debug/pprof/goroutine?debug=0`, as the text form is read: how
 * many goroutines have each stack and labels. CockroachDB's Go writes one sample a goroutine (`debug=3`), with
 * numbers for its id and its wait: those numbers are left to the profile itself, equal goroutines are one record.
 *
 * The text form begins a stack at the first call outside the runtime, and what reads goroutines relies on that:
 * `runtime.gopark` and its like are left out here too. The profile itself keeps them.
 */
import type { GoroutineProfile, Labels, ProfileRecord } from "./goroutines.ts";
import { NONE, Slots } from "./goroutines-debug2-slots.ts";
import type { LabelTexts, Profile, ProfileFrame } from "./profiles.ts";

/** The profile as goroutines, and whether they are those that the runtime proved leaked; undefined if it counts other things. */
export function goroutineProfileOf(
	profile: Profile,
): { readonly kind: "all" | "leaked"; readonly value: GoroutineProfile } | undefined {
	const index = profile.types.findIndex(
		({ type, unit }) => unit === "count" && (type === "goroutine" || type === "goroutineleak"),
	);
	if (index === -1) return undefined;
	const records = recordsOf(profile, index);
	const total = records.reduce((sum, { count }) => sum + count, 0);
	const kind = profile.types[index]?.type === "goroutineleak" ? "leaked" : "all";
	return { kind, value: { total, records } };
}

/** Its labels are made when asked for: most who look at a million records ask for stacks and counts alone. */
class PprofRecord implements ProfileRecord {
	count: number;
	readonly frames: readonly ProfileFrame[];
	readonly offset = 0;
	readonly #sets: LabelTexts["sets"];
	readonly #set: number;

	constructor(count: number, frames: readonly ProfileFrame[], sets: LabelTexts["sets"], set: number) {
		this.count = count;
		this.frames = frames;
		this.#sets = sets;
		this.#set = set;
	}

	get labels(): Labels {
		return this.#sets.at(this.#set) ?? {};
	}
}

/** As printStackRecord in src/runtime/pprof/pprof.go: a goroutine of the runtime itself keeps all its calls. */
function withoutRuntime(frames: readonly ProfileFrame[]): readonly ProfileFrame[] {
	const first = frames.findIndex(
		({ func }) => !func.startsWith("runtime.") && !func.startsWith("internal/runtime/"),
	);
	return first > 0 ? frames.slice(first) : frames;
}

function recordsOf(profile: Profile, index: number): readonly ProfileRecord[] {
	const textLabels = profile.labels.texts?.() ?? textLabelsOf(profile);
	const records: PprofRecord[] = [];
	const stackOf: number[] = [];
	const setOf: number[] = [];
	/** Of each set of labels, plus 1. Where each goroutine has its own, this is all that is looked at. */
	const firstOf = new Uint32Array(textLabels.sets.length);
	/** Records of sets that are on several stacks, by stack and set. */
	const others = new Slots();
	const recordOf: number[] = [];
	const framesOf: (readonly ProfileFrame[] | undefined)[] = [];
	for (let sample = 0; sample < profile.count; sample++) {
		const count = Number(profile.values[sample * profile.types.length + index] ?? 0n);
		if (count <= 0) continue;
		const stack = profile.stackOf[sample] ?? 0;
		const set = textLabels.setOf[profile.labelsOf[sample] ?? 0] ?? 0;
		const first = (firstOf[set] ?? 0) - 1;
		let known = first >= 0 && stackOf[first] === stack ? first : NONE;
		const hash = mixed(stack, set);
		if (first >= 0 && known === NONE) {
			const is = (at: number): boolean =>
				stackOf[recordOf[at] ?? 0] === stack && setOf[recordOf[at] ?? 0] === set;
			const found = others.find(hash, is);
			if (found !== NONE) known = recordOf[found] ?? NONE;
		}
		const record = records[known];
		if (record !== undefined) {
			record.count += count;
			continue;
		}
		framesOf[stack] ??= withoutRuntime(profile.stacks.at(stack) ?? []);
		if (first < 0) firstOf[set] = records.length + 1;
		else {
			others.add(hash);
			recordOf.push(records.length);
		}
		stackOf.push(stack);
		setOf.push(set);
		const frames = framesOf[stack] ?? [];
		records.push(new PprofRecord(count, frames, textLabels.sets, set));
	}
	return records;
}

function mixed(stack: number, set: number): number {
	const hash = Math.imul(Math.imul(stack ^ 0x9e3779b9, 0x85ebca6b) ^ set, 0xc2b2ae35);
	return hash ^ (hash >>> 15);
}

/** For a profile that was not decoded from bytes: made by hand, or out of a text. */
function textLabelsOf({ labels }: Profile): LabelTexts {
	const sets: Labels[] = [{}];
	const numbers = new Map([["[]", 0]]);
	const setOf = new Uint32Array(labels.length + 1);
	for (let i = 0; i < labels.length; i++) {
		const { strings } = labels.at(i) ?? { strings: {} };
		const key = JSON.stringify(Object.entries(strings));
		let number = numbers.get(key);
		if (number === undefined) {
			number = sets.push(strings) - 1;
			numbers.set(key, number);
		}
		setOf[i + 1] = number;
	}
	return { sets, setOf };
}
