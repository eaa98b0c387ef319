/** Something that is fuzzed: made once, then it stands one input after another. */
import type { Chance } from "@plumbline/resolver/testing/fuzz/chance";

export interface Target {
	/** Throws, or rejects, where something does not hold; the message has the input. */
	run(chance: Chance): void | Promise<void>;
}
