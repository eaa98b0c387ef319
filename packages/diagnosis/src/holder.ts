/**
 * Who holds it: by the borrow ledger where it saw the borrow, from the creating goroutine where it is still at
 * work, else from live siblings of the same code path, else nobody, with the reason. A wrong name is worse than
 * none.
 */
import type { Frame } from "@plumbline/signals/goroutines";
import { type Attribution, CANDIDATES_MAX } from "./attribution.ts";
import type { Holder } from "./finding.ts";
import type { BorrowApi } from "./functions.ts";
import type { Handle } from "./handles.ts";
import { attributeByLedger, whatWouldNameIt } from "./holder-ledger.ts";
import { matchPaths, type PathMatch } from "./path-match.ts";
import type { SessionHistory } from "./session-history.ts";
import type { SiblingSite } from "./siblings.ts";
import type { World } from "./world.ts";

/** Who opened these handles (transactions or cursors), which are these sessions of the database. */
export function attributeHandles(
	world: World,
	handles: readonly Handle[],
	api: BorrowApi,
	sessions: readonly SessionHistory[],
): Attribution {
	const byLedger = attributeByLedger(world, [api], sessions);
	if (byLedger !== undefined) return byLedger;
	const match = matchPaths(world.sessions, sessions);
	const bySiblings = weigh(world, onlySibling(world, api), match);
	const busy = handles.flatMap(({ owner }) => (owner.kind === "busy" && owner.certain ? [owner.facts] : []));
	// All owners alive, in one and the same place: they say it themselves.
	if (busy.length > 0 && busy.length === handles.length) {
		const functions = busy.map((facts) => new Set(facts.application.map((f) => f.func)));
		const exact = sitesOf(world, api).filter(({ frame, callers: [caller] }) =>
			functions.every((on) => on.has(frame.func) || (caller !== undefined && on.has(caller))),
		);
		const [site] = exact;
		if (site !== undefined && distinctFunctions(exact) === 1) {
			return named(
				site,
				`live goroutines ${verb(api)} here, called from the function that still holds it`,
				0.85,
				exact,
			);
		}
		// They are in this call, but what it called to borrow has returned. Siblings seen to run the same statements
		// are of that callee; only without such does the call itself stand for it.
		if (bySiblings.holder !== undefined && match === "alive") return bySiblings;
		const common = samePath(busy.map((f) => f.application));
		if (common !== undefined) {
			const how = "the goroutine that opened it is still in this call";
			return { holder: { ...common, how, confidence: 0.9 }, candidates: [], siblings: [] };
		}
	}
	return bySiblings;
}

/** Who takes connections this way, judged by the siblings seen and by what the leaked sessions ran last. */
export function attributeBySiblings(
	world: World,
	api: BorrowApi,
	leaked: readonly SessionHistory[] = [],
): Attribution {
	return (
		attributeByLedger(world, [api], leaked) ??
		weigh(world, onlySibling(world, api), matchPaths(world.sessions, leaked))
	);
}

/** Takes the name away where the statements speak against it, and says how far they bear it out. */
function weigh(world: World, attribution: Attribution, match: PathMatch): Attribution {
	const { holder } = attribution;
	if (holder === undefined) return attribution;
	switch (match) {
		case "alive":
			return {
				...attribution,
				holder: {
					...holder,
					how: `${holder.how}; live sessions run what the leaked ones ran last`,
					confidence: SURE,
				},
			};
		case "unclear":
			// Pasted dumps are two moments, not forty: the busy path is on them, the rare one that leaks is not.
			if (world.signals.target.files === undefined) return attribution;
			return {
				candidates: [{ ...holder, confidence: UNPROVED * holder.confidence }],
				holderGap: `the code that borrowed has returned; one path was seen at work, and nothing ties the leak to it; ${whatWouldNameIt(world)}`,
				siblings: attribution.siblings,
			};
		case "not seen":
			return {
				candidates: [{ ...holder, how: `${holder.how}, but other statements run`, confidence: 0.2 }],
				holderGap: `the code that borrowed has returned, and nothing seen at work runs what the leaked sessions ran last; ${whatWouldNameIt(world)}`,
				siblings: [],
			};
		default:
			return match satisfies never;
	}
}

/** Of the confidence that stays where no statement can be compared. */
const UNPROVED = 0.6;

/** The only function seen, with its statements borne out: short of certain, as another may share them. */
const SURE = 0.85;

function onlySibling(world: World, api: BorrowApi): Attribution {
	const sites = sitesOf(world, api);
	const [first] = sites;
	if (first === undefined) {
		const marked = api === "begin" ? markedFunctions(world) : [];
		const [site] = marked;
		if (site !== undefined && distinctPaths(marked) === 1) {
			return named(
				site,
				"the only function seen working in a transaction begun by hand; the line is where it was seen",
				0.6,
				marked,
			);
		}
		return nobody(world, marked);
	}
	if (distinctFunctions(sites) === 1) {
		return named(
			first,
			`the only function seen that ${verb(api)} by hand, caught by live siblings`,
			0.7,
			sites,
		);
	}
	return nobody(world, sites);
}

function sitesOf(world: World, api: BorrowApi): SiblingSite[] {
	return world.siblings.filter((s) => s.api === api);
}

/** Functions seen ending a transaction by hand, or holding an open one. */
function markedFunctions(world: World): SiblingSite[] {
	const ends = sitesOf(world, "tx-end");
	return ends.length > 0 ? ends : sitesOf(world, "tx-use").filter((s) => s.insideTx);
}

function distinctFunctions(sites: readonly SiblingSite[]): number {
	return new Set(sites.map((s) => s.frame.func)).size;
}

/** Seen inside its transaction, a function may be a helper that many call: the way there counts too. */
function distinctPaths(sites: readonly SiblingSite[]): number {
	return new Set(
		sites.map(({ api, frame, callers }) =>
			(api === "tx-use" ? [frame.func, ...callers] : [frame.func]).join(),
		),
	).size;
}

function verb(api: BorrowApi): string {
	switch (api) {
		case "begin":
		case "tx-end":
		case "tx-use":
			return "begins a transaction";
		case "rows":
			return "opens a cursor";
		case "row":
			return "asks for a row";
		case "conn":
		case "acquire":
			return "takes a connection";
		case "conn-use":
			return "works on a connection taken whole";
		case "open":
			return "opens a pool";
		case "self-contained":
			return "runs a statement";
		default:
			return api satisfies never;
	}
}

function named(
	site: SiblingSite,
	how: string,
	confidence: number,
	siblings: readonly SiblingSite[],
): Attribution {
	return { holder: { ...site.frame, how, confidence }, candidates: [], siblings: siblings.slice(0, 1) };
}

function nobody(world: World, sites: readonly SiblingSite[]): Attribution {
	const seen = new Set<string>();
	const candidates: Holder[] = [];
	const total = sites.reduce((sum, s) => sum + s.seen, 0);
	for (const { frame, seen: times } of sites) {
		if (seen.has(frame.func) || candidates.length === CANDIDATES_MAX) continue;
		seen.add(frame.func);
		candidates.push({ ...frame, how: `seen ${times} times on this path`, confidence: 0.5 * (times / total) });
	}
	return {
		candidates,
		holderGap: `${whyNobody(world, candidates.length)}; ${whatWouldNameIt(world)}`,
		siblings: [],
	};
}

function whyNobody(world: World, candidates: number): string {
	if (candidates > 1)
		return "the code that borrowed has returned, and more than one code path borrows this way";
	if (world.lastDump === undefined && world.signals.goroutineProfiles.length === 0) {
		return "no goroutine dump was read";
	}
	return "the code that borrowed has returned, and none of its kind was seen at work in the window";
}

/**
 * The innermost application frame, if all of these stacks came there by the same functions. What they merely
 * share may be a middleware or a helper, which holds nothing.
 */
function samePath(stacks: readonly (readonly Frame[])[]): Frame | undefined {
	const paths = new Set(stacks.map((stack) => stack.map((f) => f.func).join("\n")));
	return paths.size === 1 ? stacks[0]?.[0] : undefined;
}
