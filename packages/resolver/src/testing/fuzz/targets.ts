/** What is fuzzed, by name. */
import type { Target } from "./target.ts";
import { answersTarget } from "./target-answers.ts";
import { configTarget } from "./target-config.ts";
import { queriesTarget } from "./target-queries.ts";
import { snapshotsTarget } from "./target-snapshots.ts";
import { streamsTarget } from "./target-streams.ts";
import { verdictsTarget } from "./target-verdicts.ts";

export const TARGETS: { readonly [name: string]: () => Target | Promise<Target> } = {
	queries: queriesTarget,
	streams: streamsTarget,
	answers: answersTarget,
	snapshots: snapshotsTarget,
	verdicts: verdictsTarget,
	config: configTarget,
};
