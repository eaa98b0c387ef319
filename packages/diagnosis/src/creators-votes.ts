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

/** What speaks for one place. */
interface Vote {
	readonly creator: Creator;
	/** Goroutines by how this place was found for them. */
	readonly hows: Map<string, number>;
	count: number;
	/** Sum of how sure each is. */
	weight: number;
}

export class Votes {
	readonly #votes = new Map<string, Vote>();

	/** Who may have made one of them; of one place told twice, the surer telling counts. */
	add(creators: readonly Creator[]): void {
		const surest = new Map<string, Creator>();
		for (const creator of creators) {
			const { func, file, line } = creator.frame;
			const key = `${func} ${file}:${line}`;
			if (creator.sure > (surest.get(key)?.sure ?? 0)) surest.set(key, creator);
		}
		for (const [key, creator] of surest) this.#addOne(key, creator);
	}

	#addOne(key: string, creator: Creator): void {
		const { how, sure } = creator;
		const vote = this.#votes.get(key) ?? { creator, hows: new Map(), count: 0, weight: 0 };
		vote.hows.set(how, (vote.hows.get(how) ?? 0) + 1);
		vote.count++;
		vote.weight += sure;
		this.#votes.set(key, sure > vote.creator.sure ? { ...vote, creator } : vote);
	}

	/** Undefined when nobody voted. */
	elect(total: number): Attribution | undefined {
		const sorted = [...this.#votes.values()].sort((a, b) => b.weight - a.weight);
		const [first] = sorted;
		if (first === undefined) return undefined;
		const others = (from: number): Holder[] =>
			sorted.slice(from, from + CANDIDATES_MAX).map((vote) => asHolder(vote, total));
		const evidence = [first.creator.evidence];
		const isMost = first.count / total >= NAMED_SHARE_MIN;
		if (isMost && first.weight / first.count >= NAMED_SURE_MIN) {
			return { holder: asHolder(first, total), candidates: others(1), siblings: [], evidence };
		}
		const holderGap = isMost ? CALLER_LEFT : "they were made in several places, or before anybody looked";
		return { candidates: others(0), holderGap, siblings: [], evidence };
	}
}

export const CALLER_LEFT = "the line that made them belongs to a library, and its caller has left the call";

function asHolder({ creator, hows, weight }: Vote, total: number): Holder {
	const told = [...hows].sort((a, b) => b[1] - a[1]).slice(0, HOWS_MAX);
	const how = told.map(([words, n]) => `${words} (${plural(n, "goroutine")} of ${total})`).join("; ");
	return { ...creator.frame, how, confidence: Math.round((100 * weight) / total) / 100 };
}

/** Ways told in which one place was found. */
const HOWS_MAX = 2;
