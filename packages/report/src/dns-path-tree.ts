/** The way of a lookup as a tree of words, which the text, the Mermaid chart and the picture draw. */
import type {
	DnsPath,
	DnsPathStep,
	DnsPathTry,
	DnsSearchAdvice,
	DnsSearchCost,
} from "@plumbline/signals/dns-path";

export interface PathNode {
	readonly text: string;
	/** `good`: here the name was found. `bad`: nobody could answer. `spent`: asked for nothing. */
	readonly mood: "plain" | "good" | "bad" | "spent";
	readonly children: readonly PathNode[];
}

const VALUES_MAX = 6;
const CHAIN_MAX = 16;
/** An answer that comes again so much quicker was kept by the server in between. */
const CACHED_FACTOR = 3;
const CACHED_MS_MIN = 2;

export function pathTree(path: DnsPath): PathNode {
	const { name, source, search, ndots, servers, steps, tookMs } = path;
	const questions = steps.flatMap(({ lookups }) => lookups.flatMap(({ tries }) => tries)).length;
	const facts = [
		`servers ${servers.join(", ")}`,
		search.length === 0 ? "no search list" : `search ${search.join(" ")}`,
		`ndots ${ndots}`,
	];
	return {
		text: `${name}: ${questions} questions in ${time(tookMs)}`,
		mood: "plain",
		children: [
			{ text: source, mood: "plain", children: facts.map((text) => ({ text, mood: "plain", children: [] })) },
			...steps.map(stepNode),
			...searchNode(path.searchCosts),
		],
	};
}

const LIBRARY_NAMES = { glibc: "glibc", go: "Go", musl: "musl" };
/** A and AAAA of the right name. */
const QUESTIONS_MIN = 2;

/** Nothing where the first name that is tried is the right one, or the only one. */
function searchNode(costs: DnsPath["searchCosts"]): PathNode[] {
	if (!costs.some(({ wasted, questions }) => wasted > 0 && questions > QUESTIONS_MIN)) return [];
	const advice = costs.find((cost) => cost.advice.length > 0)?.advice ?? [];
	const children = [...costs.map(costWords), ...advice.map(adviceWords)].map((text) => leaf(text));
	return [
		{ text: "what the search list costs, where nothing on the way keeps answers", mood: "plain", children },
	];
}

function costWords({ library, questions, wasted, packets }: DnsSearchCost): string {
	const each = packets > questions ? `; ${packets} packets, each question to every server` : "";
	const lost = wasted === questions ? "; it does not find the name" : "";
	return `${LIBRARY_NAMES[library]}: ${wasted} of ${questions} questions wasted${each}${lost}`;
}

function adviceWords(advice: DnsSearchAdvice): string {
	const { kind, questions } = advice;
	if (kind === "ndots")
		return `or options ndots:${advice.ndots}: ${questions} questions; names with a dot are then asked as they are first, by musl only so`;
	return `better with a dot at its end, ${advice.name}: ${questions} questions; not in URLs, where certificates and Host headers are compared`;
}

function stepNode({ name, domain, lookups }: DnsPathStep): PathNode {
	const tries = lookups.flatMap((lookup) => lookup.tries);
	const found = tries.some(({ outcome }) => outcome === "values");
	const failed = tries.every(({ outcome }) => outcome === "failure" || outcome === "silence");
	return {
		text: domain === undefined ? name : `${name} (search domain ${domain})`,
		mood: found ? "good" : failed ? "bad" : "spent",
		children: lookups.flatMap(({ type, tries: each }) => each.map((one) => tryNode(type, one))),
	};
}

function tryNode(type: string, { server, protocol, tookMs, outcome, said, ...answer }: DnsPathTry): PathNode {
	const over = server.startsWith(protocol) ? "" : ` over ${protocol}`;
	const { chain, values, ttl, again } = answer;
	const links = chain.slice(0, CHAIN_MAX).map((target): PathNode => leaf(`CNAME ${target}`));
	const more = values.length > VALUES_MAX ? ` and ${values.length - VALUES_MAX} more` : "";
	const end =
		outcome === "values"
			? leaf(
					`${values.slice(0, VALUES_MAX).join(", ")}${more}${ttl === undefined ? "" : `, TTL ${ttl} s`}`,
					"good",
				)
			: undefined;
	return {
		text: `${type} ${server}${over}: ${said === "" ? "" : `${said}, `}${time(tookMs)}`,
		mood: outcome === "failure" || outcome === "silence" ? "bad" : outcome === "values" ? "good" : "spent",
		children: [
			...links,
			...(end === undefined ? [] : [end]),
			...(again === undefined ? [] : [leaf(cache(tookMs, again))]),
		],
	};
}

function cache(tookMs: number, again: NonNullable<DnsPathTry["again"]>): string {
	const quicker = tookMs >= CACHED_MS_MIN && again.tookMs * CACHED_FACTOR <= tookMs;
	const left = again.ttl === undefined ? "" : `, TTL ${again.ttl} s`;
	return `asked again: ${time(again.tookMs)}${left}${quicker ? "; the server keeps it by now" : ""}`;
}

function leaf(text: string, mood: PathNode["mood"] = "plain"): PathNode {
	return { text, mood, children: [] };
}

function time(ms: number): string {
	return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}
