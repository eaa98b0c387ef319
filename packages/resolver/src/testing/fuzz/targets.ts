/** What is fuzzed, by name. Each makes what it needs once, and then stands one input after another. */
import type { Chance } from "./chance.ts";
import { answersTarget } from "./target-answers.ts";
import { configTarget } from "./target-config.ts";
import { queriesTarget } from "./target-queries.ts";
import { snapshotsTarget } from "./target-snapshots.ts";
import { streamsTarget } from "./target-streams.ts";
import { verdictsTarget } from "./target-verdicts.ts";

export interface Target {
	/** Throws where something does not hold. */
	readonly run: (chance: Chance) => void | Promise<void>;
	readonly close?: () => void | Promise<void>;
}

export const TARGETS: { readonly [name: string]: () => Target | Promise<Target> } = {
	queries: queriesTarget,
	streams: streamsTarget,
	answers: answersTarget,
	snapshots: snapshotsTarget,
	verdicts: verdictsTarget,
	config: configTarget,
};
