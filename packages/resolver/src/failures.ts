/**
 * Questions that no server answered (RFC 9520): they are not asked again at once, and with every further failure later,
 * so that a broken zone or a dead uplink costs a few asks a minute however many want it.
 *
 * What failed while nobody at all was answered failed by the uplink, not by its own fault: when somebody is answered again
 * it has to wait no longer than after a first failure.
 */
import { failureTtlS, type TtlRules } from "@plumbline/policy/ttl-rules";

/** Questions remembered; then the one that failed longest ago is forgotten. */
const FAILURES_MAX = 10_000;
/** Characters of why it failed: names in it are the servers' own words. */
const DETAIL_MAX = 300;
/** In units of its last wait: a question that was left alone so long begins anew. */
const FORGOTTEN_AFTER_WAITS = 2;
/** Longer than an ask with all its tries takes; who was not answered for so long is cut off. */
const OUTAGE_MS = 10_000;

interface Failure {
	readonly inARow: number;
	readonly sinceMs: number;
	readonly untilMs: number;
	readonly detail: string;
	/** Nobody was answered at that time. */
	readonly isInOutage: boolean;
}

export class Failures {
	readonly #rules: TtlRules;
	readonly #byQuestion = new Map<string, Failure>();
	/** When any question was last answered. */
	#answeredAtMs = Number.NEGATIVE_INFINITY;

	constructor(rules: TtlRules) {
		this.#rules = rules;
	}

	/** Why it is not to be asked now; undefined: it may be. */
	holds(question: string, nowMs: number): string | undefined {
		const failure = this.#byQuestion.get(question);
		if (failure === undefined) return undefined;
		const untilMs = this.#untilMs(failure);
		if (nowMs >= untilMs) return undefined;
		const leftS = Math.ceil((untilMs - nowMs) / 1000);
		return `it failed before, and is asked again in ${leftS} s: ${failure.detail}`;
	}

	failed(question: string, detail: string, nowMs: number): void {
		const before = this.#byQuestion.get(question);
		const isInARow = before !== undefined && nowMs < forgottenAtMs(before);
		const inARow = isInARow ? before.inARow + 1 : 1;
		const untilMs = nowMs + failureTtlS(this.#rules, inARow) * 1000;
		this.#byQuestion.delete(question);
		const short = detail.slice(0, DETAIL_MAX);
		const isInOutage = nowMs - this.#answeredAtMs > OUTAGE_MS;
		this.#byQuestion.set(question, { inARow, sinceMs: nowMs, untilMs, detail: short, isInOutage });
		if (this.#byQuestion.size <= FAILURES_MAX) return;
		const oldest = this.#byQuestion.keys().next();
		if (!oldest.done) this.#byQuestion.delete(oldest.value);
	}

	answered(question: string, nowMs: number): void {
		this.#byQuestion.delete(question);
		this.#answeredAtMs = nowMs;
	}

	#untilMs({ sinceMs, untilMs, isInOutage }: Failure): number {
		const isOutageOver = isInOutage && this.#answeredAtMs > sinceMs;
		return isOutageOver ? Math.min(untilMs, sinceMs + failureTtlS(this.#rules, 1) * 1000) : untilMs;
	}
}

function forgottenAtMs({ sinceMs, untilMs }: Failure): number {
	return untilMs + FORGOTTEN_AFTER_WAITS * (untilMs - sinceMs);
}
