/**
 * Asks until the answer is whole. A server may tell an alias and leave its end to us; then the end is asked for, a
 * bounded number of times, and what came is put together as if one server had said it all.
 */
import type { DnsMessage, DnsRecord } from "@plumbline/signals/dns-message";
import { canonicalDnsName } from "@plumbline/signals/dns-name";
import { narrower, type Scope, scopeOfAnswer } from "./cache-scope.ts";
import { CNAME_CHAIN_MAX, relevantAnswer } from "./relevant-answer.ts";
import type { WholeAnswer } from "./stored-answer.ts";
import type { Ask, Asked, Try, UpstreamServer, Upstreams } from "./upstream.ts";

export type Outcome =
	| {
			readonly kind: "answered";
			readonly answer: WholeAnswer;
			/** Undefined: not known, so it is not to be kept. */
			readonly scope: Scope | undefined;
			readonly authenticated: boolean;
			readonly server: UpstreamServer | undefined;
			readonly tries: readonly Try[];
	  }
	| {
			readonly kind: "failed";
			/** `not-asked`: the question went to no server, so nothing is known of it. */
			readonly why: "no-server-answered" | "not-asked" | "given-up" | "refused-forged";
			readonly detail: string;
			readonly tries: readonly Try[];
	  };

/** An end of an alias that is known already. */
export interface Known {
	readonly message: DnsMessage;
	readonly authenticated: boolean;
}

type Part =
	| {
			readonly kind: "part";
			readonly message: DnsMessage;
			readonly authenticated: boolean;
			readonly server?: UpstreamServer;
	  }
	/** `forged`: what shows it of the answer that was refused. */
	| ({ readonly kind: "none" } & Omit<Extract<Asked, { kind: "failed" }>, "kind">);

export async function askForWhole(
	upstreams: Upstreams,
	ask: Ask,
	known: (ask: Ask) => Known | undefined,
	signal: AbortSignal,
): Promise<Outcome> {
	const tries: Try[] = [];
	const answers: DnsRecord[] = [];
	const failed = (detail: string): Outcome => ({ kind: "failed", why: "no-server-answered", detail, tries });
	const partOf = async (each: Ask): Promise<Part> => {
		// What is known holds for everybody; with a network told, the end may be another one.
		const before = each === ask || ask.clientSubnet !== undefined ? undefined : known(each);
		if (before !== undefined) return { kind: "part", ...before };
		const asked: Asked = await upstreams.ask(each, signal);
		tries.push(...asked.tries);
		return asked.kind === "failed" ? { ...asked, kind: "none" } : { ...asked, kind: "part" };
	};
	const asked = new Set<string>();
	let each = ask;
	let aliases = 0;
	let authenticated = true;
	let authenticData = true;
	let scope: Scope | undefined = { kind: "everybody" };
	for (;;) {
		asked.add(canonicalDnsName(each.question.name));
		const part = await partOf(each);
		if (part.kind === "none" && part.forged !== undefined)
			return { kind: "failed", why: "refused-forged", detail: part.forged, tries };
		if (part.kind === "none" && part.tries.every(isOfOurDoing))
			return { kind: "failed", why: "not-asked", detail: part.unasked ?? lastFailure(tries), tries };
		if (part.kind === "none") return failed(lastFailure(tries));
		const answer = relevantAnswer(each.question, part.message, ask.dnssecOk ?? false);
		if (answer.kind === "failure" || answer.kind === "chain-refused") return failed(answer.why);
		aliases += answer.aliases;
		answers.push(...answer.answers);
		authenticated &&= part.authenticated;
		authenticData &&= answer.authenticData;
		scope = narrower(scope, scopeOfAnswer(ask.clientSubnet, part.message));
		if (aliases > CNAME_CHAIN_MAX)
			return failed(`more than ${CNAME_CHAIN_MAX} aliases, asked for one after another`);
		if (answer.kind !== "unfinished") {
			const whole = { ...answer, answers, aliases, authenticData };
			return { kind: "answered", answer: whole, scope, authenticated, server: part.server, tries };
		}
		if (asked.has(answer.target))
			return failed(`the aliases go round: ${[...asked, answer.target].join(" → ")}`);
		each = { ...ask, question: { ...ask.question, name: answer.target } };
	}
}

/** It never went out. */
function isOfOurDoing({ exchange }: Try): boolean {
	return exchange.kind === "failed" && exchange.why === "too-many-waiting";
}

function lastFailure(tries: readonly Try[]): string {
	const exchange = tries.at(-1)?.exchange;
	if (exchange?.kind !== "failed") return "no server answered";
	return `no server answered; the last one: ${exchange.why}, ${exchange.detail}`;
}
