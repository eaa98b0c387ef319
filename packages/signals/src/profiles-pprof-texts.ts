/**
 * Distinct sets of text labels, whatever numbers stand beside them. A profile with a sample for each of a million
 * goroutines has a million sets, mostly of one text: they are told apart by the indexes of their strings, and the
 * strings themselves are made when they are asked for.
 */
import type { ByteRuns } from "./byte-runs.ts";
import type { Labels } from "./goroutines.ts";
import { NONE, Slots } from "./goroutines-debug2-slots.ts";
import { GrowingWords } from "./growing-words.ts";
import type { LabelTexts } from "./profiles.ts";
import { eachText } from "./profiles-pprof-labels.ts";
import type { Strings } from "./profiles-pprof-strings.ts";
import { Wire } from "./protobuf-wire.ts";

export function labelTexts(bytes: Uint8Array, runs: ByteRuns, strings: Strings): LabelTexts {
	const wire = new Wire(bytes);
	const slots = new Slots();
	/** Of each distinct set, a run that has it; the first has none. */
	const runOf = new GrowingWords();
	const setOf = new Uint32Array(runs.length + 1);
	const texts: number[] = [];
	const others: number[] = [];
	const read = (run: number, into: number[]): void => {
		into.length = 0;
		eachText(wire, runs.start(run), runs.end(run), (key, text) => into.push(key, text));
	};
	for (let run = 0; run < runs.length; run++) {
		read(run, texts);
		if (texts.length === 0) continue;
		const hash = hashOf(texts);
		let set = slots.find(hash, (known) => {
			read(runOf.at(known), others);
			return others.length === texts.length && others.every((index, i) => index === texts[i]);
		});
		if (set === NONE) {
			set = slots.add(hash);
			runOf.push(run);
		}
		setOf[run + 1] = set + 1;
	}
	const at = (set: number): Labels | undefined => {
		if (set === 0) return {};
		if (set < 0 || set > runOf.length) return undefined;
		const pairs: (readonly [string, string])[] = [];
		const run = runOf.at(set - 1);
		eachText(wire, runs.start(run), runs.end(run), (key, text) =>
			pairs.push([strings.at(key), strings.at(text)]),
		);
		// Not by assignment: a label may be called __proto__.
		return Object.fromEntries(pairs);
	};
	return { setOf, sets: { length: runOf.length + 1, at } };
}

function hashOf(indexes: readonly number[]): number {
	let hash = 0x811c9dc5;
	for (const index of indexes) hash = Math.imul(hash ^ index, 0x85ebca6b) ^ (hash >>> 13);
	return hash ^ (hash >>> 16);
}
