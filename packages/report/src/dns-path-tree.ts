/** The way of a lookup as a tree of words, which the text, the Mermaid chart and the picture draw. */
import type { DnsPath, DnsPathStep, DnsPathTry } from "@plumbline/signals/dns-path";

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
		],
	};
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
