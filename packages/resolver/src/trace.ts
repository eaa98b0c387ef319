/**
 * Looks one name up as libc and Go do, and tells the way: each name that the search list makes of it, A and AAAA side
 * by side, the servers of resolv.conf one after another until one answers. What answered is asked once more, to see
 * what the server keeps.
 */
import { DNS_CLASS, DNS_TYPE } from "@plumbline/signals/dns-message";
import type {
	DnsPath,
	DnsPathLookup,
	DnsPathStep,
	DnsPathTry,
	DnsSearchCost,
} from "@plumbline/signals/dns-path";
import { readDnsAnswer } from "@plumbline/signals/dns-verdict-answer";
import type { ResolverFacts } from "@plumbline/signals/process";
import { toldBy } from "./check-told.ts";
import { searchCost, searchNames } from "./search-cost.ts";
import { type Ask, serverLabel, type Transport, type UpstreamServer } from "./upstream.ts";

export interface TraceRequest {
	readonly name: string;
	readonly source: string;
	readonly facts: ResolverFacts;
	readonly servers: readonly UpstreamServer[];
}

export interface TraceContext {
	readonly open: (server: UpstreamServer) => Transport;
	readonly signal: AbortSignal;
	/** Monotonic milliseconds. */
	readonly now?: () => number;
}

/** Of one try; resolv.conf may want less. */
const TRY_MS_MAX = 5_000;
const NAMES_MAX = 34;
const LIBRARIES = ["glibc", "go", "musl"] as const;
/** None of the names that are tried. */
const NOWHERE = "";
const WARM_UP: Ask = { question: { name: ".", type: DNS_TYPE.NS, class: DNS_CLASS.IN } };
const WARM_UP_MS_MAX = 1_000;

/** Rejects only by the signal. */
export async function traceName(request: TraceRequest, context: TraceContext): Promise<DnsPath> {
	const { name, source, facts, servers } = request;
	const { now = () => performance.now(), signal } = context;
	const transports = servers.map((server) => context.open(server));
	const steps: DnsPathStep[] = [];
	let startMs = now();
	try {
		// Connections are made, and our own code is warm, when the times begin.
		await transports[0]?.exchange(WARM_UP, AbortSignal.any([signal, AbortSignal.timeout(WARM_UP_MS_MAX)]));
		startMs = now();
		for (const [candidate, domain] of candidatesOf(name, facts)) {
			signal.throwIfAborted();
			const lookups = await Promise.all(
				(["A", "AAAA"] as const).map((type) => lookUp(candidate, type, transports, facts, signal)),
			);
			steps.push({ name: candidate, ...(domain === undefined ? {} : { domain }), lookups });
			if (lookups.some(({ tries }) => tries.at(-1)?.outcome === "values")) break;
		}
	} finally {
		await Promise.all(transports.map((transport) => transport.close()));
	}
	signal.throwIfAborted();
	const tookMs = now() - startMs;
	const { search, ndots } = facts;
	const searchCosts = costsOf(name, facts, steps);
	return { name, source, search, ndots, servers: servers.map(serverLabel), steps, searchCosts, tookMs };
}

/** By where the name was found here, or that it is nowhere; of a step that nobody answered neither is known. */
function costsOf(name: string, facts: ResolverFacts, steps: readonly DnsPathStep[]): DnsSearchCost[] {
	const outcomes = steps.map(({ lookups }) => lookups.map(({ tries }) => tries.at(-1)?.outcome));
	const found = steps.find((_, at) => outcomes[at]?.includes("values"))?.name;
	const isOpen = outcomes
		.flat()
		.some((last) => last === undefined || last === "failure" || last === "silence");
	if (found === undefined && isOpen) return [];
	return LIBRARIES.map((library) => {
		const { questions, ...cost } = searchCost(name, facts, library, found ?? NOWHERE);
		return { ...cost, questions: questions.length };
	});
}

/** Absolute names in the order in which glibc tries them, and the domain of the search list that each has. */
function candidatesOf(name: string, facts: ResolverFacts): (readonly [string, string | undefined])[] {
	const names = searchNames(name, facts, "glibc").slice(0, NAMES_MAX);
	const given = name.endsWith(".") ? name : `${name}.`;
	return names.map((candidate) => {
		return [candidate, candidate === given ? undefined : candidate.slice(name.length + 1).replace(/\.$/, "")];
	});
}

async function lookUp(
	name: string,
	type: "A" | "AAAA",
	transports: readonly Transport[],
	{ timeoutS }: ResolverFacts,
	signal: AbortSignal,
): Promise<DnsPathLookup> {
	const tries: DnsPathTry[] = [];
	const question = { name, type: DNS_TYPE[type], class: DNS_CLASS.IN };
	const limitMs = Math.min(TRY_MS_MAX, timeoutS * 1_000);
	const ask = async (transport: Transport): Promise<DnsPathTry> => {
		const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
		const exchange = await transport.exchange({ question }, limit);
		const { outcome, chain, values, ttls, said } = readDnsAnswer(toldBy(exchange), question);
		return {
			server: serverLabel(transport.server),
			protocol: exchange.kind === "answered" ? exchange.protocol : transport.server.protocol,
			tookMs: exchange.tookMs,
			...{ outcome, said, chain, values },
			...(ttls.length === 0 ? {} : { ttl: Math.min(...ttls) }),
		};
	};
	for (const transport of transports) {
		const tried = await ask(transport);
		signal.throwIfAborted();
		const isAnswer = tried.outcome !== "failure" && tried.outcome !== "silence";
		if (tried.outcome !== "values") tries.push(tried);
		else {
			const { tookMs, ttl } = await ask(transport);
			tries.push({ ...tried, again: { tookMs, ...(ttl === undefined ? {} : { ttl }) } });
		}
		if (isAnswer) break;
	}
	return { type, tries };
}
