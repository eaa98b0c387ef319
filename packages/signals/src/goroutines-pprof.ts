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
import type { Profile, ProfileFrame } from "./profiles.ts";

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

interface OpenRecord extends ProfileRecord {
	count: number;
}

function recordsOf(profile: Profile, index: number): readonly ProfileRecord[] {
	const textLabels = textLabelsOf(profile);
	const records: OpenRecord[] = [];
	const slots = new Slots();
	const stackOf: number[] = [];
	const setOf: number[] = [];
	const framesOf: (readonly ProfileFrame[] | undefined)[] = [];
	for (let sample = 0; sample < profile.count; sample++) {
		const count = Number(profile.values[sample * profile.types.length + index] ?? 0n);
		if (count <= 0) continue;
		const stack = profile.stackOf[sample] ?? 0;
		const set = textLabels.setOf[profile.labelsOf[sample] ?? 0] ?? 0;
		const hash = mixed(stack, set);
		const known = slots.find(hash, (record) => stackOf[record] === stack && setOf[record] === set);
		const record = known === NONE ? undefined : records[known];
		if (record !== undefined) {
			record.count += count;
			continue;
		}
		framesOf[stack] ??= withoutRuntime(profile.stacks.at(stack) ?? []);
		slots.add(hash);
		stackOf.push(stack);
		setOf.push(set);
		const frames = framesOf[stack] ?? [];
		records.push({ count, frames, labels: textLabels.sets[set] ?? {}, offset: 0 });
	}
	return records;
}

/** As printStackRecord in src/runtime/pprof/pprof.go: a goroutine of the runtime itself keeps all its calls. */
function withoutRuntime(frames: readonly ProfileFrame[]): readonly ProfileFrame[] {
	const first = frames.findIndex(
		({ func }) => !func.startsWith("runtime.") && !func.startsWith("internal/runtime/"),
	);
	return first > 0 ? frames.slice(first) : frames;
}

function mixed(stack: number, set: number): number {
	const hash = Math.imul(Math.imul(stack ^ 0x9e3779b9, 0x85ebca6b) ^ set, 0xc2b2ae35);
	return hash ^ (hash >>> 15);
}

/**
 * Distinct sets of text labels, the empty one first, and the set of each set of labels (0: without labels). A million
 * sets may differ: they are hashed as they are, since a key made for each would cost more than all the rest.
 */
function textLabelsOf({ labels }: Profile) {
	const sets: Labels[] = [{}];
	const slots = new Slots();
	slots.add(hashOf({}));
	const setOf = new Uint32Array(labels.length + 1);
	for (let i = 0; i < labels.length; i++) {
		const { strings } = labels.at(i) ?? { strings: {} };
		const hash = hashOf(strings);
		let number = slots.find(hash, (set) => areEqual(sets[set] ?? {}, strings));
		if (number === NONE) {
			number = slots.add(hash);
			sets.push(strings);
		}
		setOf[i + 1] = number;
	}
	return { sets, setOf };
}

function hashOf(labels: Labels): number {
	let hash = 0x811c9dc5;
	for (const name in labels) hash = hashText(hashText(hash, name), labels[name] ?? "");
	return hash ^ (hash >>> 15);
}

function hashText(start: number, text: string): number {
	let hash = start ^ text.length;
	for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
	return hash;
}

/** The order of the labels counts: that of equal ones is the same, as one program wrote them. */
function areEqual(a: Labels, b: Labels): boolean {
	const [ours, theirs] = [Object.entries(a), Object.entries(b)];
	return (
		ours.length === theirs.length &&
		ours.every(([name, value], i) => name === theirs[i]?.[0] && value === theirs[i][1])
	);
}
