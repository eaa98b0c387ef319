/** What a rule is, and the judgements that every rule makes the same way. */

import type { Attribution } from "./attribution.ts";
import { siblingEvidence } from "./evidence.ts";
import type { Evidence, Finding, FindingId, Level, Severity } from "./finding.ts";
import { isExhausted } from "./pool-view.ts";
import type { World } from "./world.ts";

/** The text of a rule that does not depend on the case: its page in the docs is made of this. */
export interface About {
	/** What it sees, in one sentence. */
	readonly sees: string;
	/** Why it hurts. */
	readonly hurts: string;
	/** What else would look like it. */
	readonly otherwise: readonly string[];
	readonly fix: readonly string[];
	readonly stop: readonly string[];
	readonly verify: readonly string[];
}

export interface Rule {
	readonly id: FindingId;
	readonly about: About;
	/**
	 * Looks at the joined lines and at what rules before it found; answers undefined to stay silent.
	 * Pure; never throws on any world.
	 */
	readonly examine: (world: World, found: readonly Finding[]) => Finding | undefined;
}

/** The parts of a finding that a case decides; the rest comes from the rule's About. */
export type Case = Pick<Finding, "severity" | "confidence" | "count" | "title" | "story" | "evidence"> &
	Partial<Pick<Finding, "stop" | "fix" | "causes" | "level">> & {
		/** Who holds it; its siblings are added to the evidence. */
		readonly attribution?: Attribution;
	};

export function finding(id: FindingId, about: About, made: Case): Finding {
	const { attribution, ...rest } = made;
	const { siblings = [], candidates = [], evidence: told = [], ...who } = attribution ?? {};
	const evidence = [...made.evidence, ...told, ...siblings.map(siblingEvidence)];
	return {
		id,
		level: levelOf(evidence),
		candidates,
		...who,
		otherwise: about.otherwise,
		fix: about.fix,
		stop: about.stop,
		verify: about.verify,
		causes: [],
		joins: [],
		...rest,
		evidence,
	};
}

/** Confirmed needs two independent lines. */
function levelOf(evidence: readonly Evidence[]): Level {
	return new Set(evidence.map((e) => e.line)).size >= 2 ? "confirmed" : "suspected";
}

/** Connections lost to a leak are critical from this share of the pool on: the rest no longer carries peaks. */
const CRITICAL_SHARE = 0.5;

/** How bad it is that `count` connections are gone for good. */
export function severityOfLoss(world: World, count: number): Severity {
	const limit = world.pools.reduce((sum, p) => sum + (p.last.counters.maxOpen ?? 0), 0);
	if (world.pools.some(isExhausted)) return "critical";
	if (limit > 0 && count / limit >= CRITICAL_SHARE) return "critical";
	const serverLimit = world.sessions?.connectionsMax ?? 0;
	if (limit === 0 && serverLimit > 0 && count / serverLimit >= CRITICAL_SHARE) return "critical";
	return "warning";
}

/** Drops the absent, keeps the order. */
export function present<T>(items: readonly (T | undefined)[]): T[] {
	return items.filter((item) => item !== undefined);
}
