/** Something that is fuzzed: made once, then it stands one input after another. */
import type { Chance } from "./chance.ts";

export interface Target {
	/** Throws where something does not hold. */
	readonly run: (chance: Chance) => void | Promise<void>;
	readonly close?: () => void | Promise<void>;
}
