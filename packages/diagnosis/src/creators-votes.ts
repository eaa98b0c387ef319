/** Who made a group of goroutines, elected from who made each of them; or the candidates, where nobody made most. */
import type { Frame } from "@plumbline/signals/goroutines";
import { type Attribution, CANDIDATES_MAX } from "./attribution.ts";
import { plural } from "./evidence.ts";
import type { Evidence, Holder } from "./finding.ts";

/** One place that made some of them. */
export interface Creator {
	readonly frame: Frame;
	readonly how: string;
	/** That this place made the goroutine it was found for. */
	readonly sure: number;
	readonly evidence: Evidence;
}

/** One place is named only when it made most of them. */
export const NAMED_SHARE_MIN = 2 / 3;
/** From here on a creator is a holder, below it a candidate. */
const NAMED_SURE_MIN = 0.6;

interface Vote {
	readonly creator: Creator;
	count: number;
}

export class Votes {
	readonly #votes = new Map<string, Vote>();

	add(creator: Creator, count: number): void {
		const { func, file, line } = creator.frame;
		const key = `${func} ${file}:${line} ${creator.how}`;
		const vote = this.#votes.get(key);
		if (vote === undefined) this.#votes.set(key, { creator, count });
		else vote.count += count;
	}

	elect(total: number): Attribution | undefined {
		const weight = ({ creator, count }: Vote): number => creator.sure * count;
		const sorted = [...this.#votes.values()].sort((a, b) => weight(b) - weight(a));
		const [first] = sorted;
		if (first === undefined) return undefined;
		const asHolder = ({ creator, count }: Vote, confidence: number): Holder => ({
			...creator.frame,
			how: `${creator.how}: ${plural(count, "goroutine")} of ${total}`,
			confidence,
		});
		const others = (from: number): Holder[] =>
			sorted.slice(from, from + CANDIDATES_MAX).map((vote) => asHolder(vote, weight(vote) / total));
		const evidence = [first.creator.evidence];
		const share = first.count / total;
		if (share >= NAMED_SHARE_MIN && first.creator.sure >= NAMED_SURE_MIN) {
			const holder = asHolder(first, first.creator.sure * Math.min(1, share));
			return { holder, candidates: others(1), siblings: [], evidence };
		}
		const holderGap =
			share < NAMED_SHARE_MIN
				? "they were made in several places, or before anybody looked"
				: "the line that made them belongs to a library, and its caller has left the call";
		return { candidates: others(0), holderGap, siblings: [], evidence };
	}
}
