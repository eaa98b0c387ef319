/** Who holds a resource, or who might, and what that rests on. */
import type { Evidence, Holder } from "./finding.ts";
import type { SiblingSite } from "./siblings.ts";

export interface Attribution {
	readonly holder?: Holder;
	readonly candidates: readonly Holder[];
	readonly holderGap?: string;
	/** Siblings the answer rests on, for evidence. */
	readonly siblings: readonly SiblingSite[];
	/** Other evidence it rests on. */
	readonly evidence?: readonly Evidence[];
}

/** Candidates shown when no single holder can be named. */
export const CANDIDATES_MAX = 5;
