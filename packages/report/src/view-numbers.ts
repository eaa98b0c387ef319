/** Evidence by number: the same number in the story, on the time axis and at the raw text. */
import type { Diagnosis, Evidence } from "@plumbline/diagnosis/finding";
import { type Excerpt, excerptKey } from "./view-excerpts.ts";

export interface Numbered {
	/** In the order of the findings; the number is the place in it, from 1. */
	readonly evidence: readonly Evidence[];
	readonly numberOf: (evidence: Evidence) => number | undefined;
	/** Number of the excerpt that shows it raw. */
	readonly rawOf: (evidence: Evidence) => number | undefined;
}

/** Numbered evidence; a hostile capture could carry any number. */
const EVIDENCE_MAX = 120;

export function numberedEvidence(
	{ findings }: Pick<Diagnosis, "findings">,
	excerpts: ReadonlyMap<string, Excerpt>,
): Numbered {
	const evidence = findings.flatMap((finding) => finding.evidence).slice(0, EVIDENCE_MAX);
	const numbers = new Map(evidence.map((each, at) => [each, at + 1]));
	const raws = new Map([...excerpts.keys()].map((key, at) => [key, at + 1]));
	return {
		evidence,
		numberOf: (each) => numbers.get(each),
		rawOf: (each) => raws.get(excerptKey(each)),
	};
}
