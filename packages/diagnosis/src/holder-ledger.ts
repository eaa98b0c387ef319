/**
 * Who holds it, by the borrow ledger: the places that took a connection in the window and returned without giving
 * it back. Nothing is closer to proof, but it covers only what was taken since the ledger was attached.
 */

import type { HeldBorrow } from "@plumbline/signals/ledger";
import { type Attribution, CANDIDATES_MAX } from "./attribution.ts";
import { isAtWork, sessionOfBorrow } from "./borrow-session.ts";
import { plural, quoteSession, seconds } from "./evidence.ts";
import type { Evidence, Holder } from "./finding.ts";
import type { BorrowApi } from "./functions.ts";
import { type BorrowPlace, doubtOf, type LedgerView } from "./ledger-view.ts";
import { endAlike } from "./path-match.ts";
import type { SessionHistory } from "./session-history.ts";
import type { World } from "./world.ts";

/** One place is named among several that keep connections only when it keeps most of them. */
const NAMED_SHARE_MIN = 2 / 3;
/** What it keeps ends in the statement that the leaked ones ended in. */
const ALIKE = 0.97;
/** The goroutines that took it have gone on. */
const GONE = 0.9;
/** Only the function that took it has returned, or nobody knows. */
const RETURNED = 0.85;

/**
 * Undefined when the ledger was not attached, or saw no borrow of these kinds kept. `leaked`: the sessions of what
 * was found, mostly taken before the ledger was attached; a place that keeps connections which end in other
 * statements is not theirs.
 */
export function attributeByLedger(
	world: World,
	apis: readonly BorrowApi[],
	leaked: readonly SessionHistory[],
): Attribution | undefined {
	const { ledger, sessions } = world;
	if (ledger === undefined) return undefined;
	const ofKind = ledger.places
		.filter(({ api }) => api !== undefined && apis.includes(api))
		.map((place) => withoutWorking(world, ledger, place));
	const likeness = (out: readonly HeldBorrow[]) =>
		endAlike(
			sessions,
			out.flatMap((held) => sessionOfBorrow(sessions, ledger, held) ?? []),
			leaked,
		);
	for (const [which, confidence] of [
		["kept", GONE],
		["returned", RETURNED],
	] as const) {
		const places = ofKind.filter(
			(place) => place[which].length > 0 && likeness(place[which]) !== "different",
		);
		const alike = places.filter((place) => likeness(place[which]) === "alike");
		const named =
			nameOf(world, ledger, alike, (place) => place[which].length, ALIKE) ??
			nameOf(world, ledger, places, (place) => place[which].length, confidence);
		if (named !== undefined) return named;
	}
	return undefined;
}

/** The place that keeps most of what these places keep, if it is clearly the one. */
export function nameOf(
	world: World,
	ledger: LedgerView,
	places: readonly BorrowPlace[],
	count: (place: BorrowPlace) => number,
	confidence: number,
): Attribution | undefined {
	const sorted = places.toSorted((a, b) => count(b) - count(a));
	const [first] = sorted;
	if (first === undefined) return undefined;
	const total = sorted.reduce((sum, place) => sum + count(place), 0);
	const same = sorted.filter((place) => place.frame.func === first.frame.func);
	const share = same.reduce((sum, place) => sum + count(place), 0) / total;
	const asHolder = (place: BorrowPlace, sure: number): Holder => ({
		...place.frame,
		how: howOf(ledger, place, count(place)),
		confidence: sure,
	});
	const evidence = [ledgerEvidence(world, ledger, first)];
	if (share < NAMED_SHARE_MIN) {
		const candidates = sorted
			.slice(0, CANDIDATES_MAX)
			.map((place) => asHolder(place, (confidence * count(place)) / total));
		const holderGap = "the borrow ledger saw several places keep connections";
		return { candidates, holderGap, siblings: [], evidence };
	}
	const candidates = sorted
		.slice(1, CANDIDATES_MAX)
		.map((place) => asHolder(place, (confidence * count(place)) / total));
	return { holder: asHolder(first, confidence), candidates, siblings: [], evidence };
}

function howOf({ ledger }: LedgerView, place: BorrowPlace, kept: number): string {
	const back = place.released === 0 ? "none came back" : `${place.released} came back`;
	const taken = plural(place.acquired, ...nounsOf(place.api));
	return `the borrow ledger saw it take ${taken} in ${seconds(ledger.watchedMs)} and keep ${kept} of them; ${back}`;
}

/** What the connection was taken for, by the call that took it. */
function nounsOf(api: BorrowApi | undefined): [one: string, many: string] {
	switch (api) {
		case "begin":
		case "tx-end":
		case "tx-use":
			return ["transaction", "transactions"];
		case "rows":
			return ["cursor (Query)", "cursors (Query)"];
		case "row":
			return ["row (QueryRow)", "rows (QueryRow)"];
		case "conn":
		case "acquire":
		case "conn-use":
			return ["whole connection", "whole connections"];
		case "open":
			return ["connection of a new pool", "connections of new pools"];
		case "self-contained":
			return ["statement's connection", "statements' connections"];
		case undefined:
			return ["HTTP connection", "HTTP connections"];
		default:
			return api satisfies never;
	}
}

/** What its session is at work with, somebody uses: handed on to another goroutine. */
function withoutWorking({ sessions }: World, ledger: LedgerView, place: BorrowPlace): BorrowPlace {
	const idle = (held: HeldBorrow) => {
		const session = sessionOfBorrow(sessions, ledger, held);
		return session === undefined || !isAtWork(session);
	};
	return { ...place, kept: place.kept.filter(idle), returned: place.returned.filter(idle) };
}

function ledgerEvidence({ sessions }: World, ledger: LedgerView, place: BorrowPlace): Evidence {
	const { part, atMs } = ledger;
	const { stack, acquired, released, kept, returned, frame } = place;
	const out = kept.length > 0 ? kept : returned;
	const oldest = out[0];
	const backends = out.flatMap((held) => sessionOfBorrow(sessions, ledger, held) ?? []);
	const goroutines = out.slice(0, GOROUTINES_QUOTED_MAX).map(({ goid }) => goid);
	return {
		line: "runtime",
		says: `${plural(out.length, "borrow")} from this line ${out.length === 1 ? "was" : "were"} not returned, by the borrow ledger`,
		quote: [
			`${stack.pool}: acquired ${acquired}, released ${released}, kept ${out.length}${oldest === undefined ? "" : `, oldest ${seconds(oldest.ageMs)}`}, goroutine ${goroutines.join(" ")}`,
			`${frame.func}`,
			`\t${frame.file}:${frame.line}`,
			...backends.slice(0, BACKENDS_QUOTED_MAX).map(({ last }) => quoteSession(last.session)),
		].join("\n"),
		part,
		offset: stack.offset,
		atMs,
	};
}

const GOROUTINES_QUOTED_MAX = 5;
const BACKENDS_QUOTED_MAX = 2;

/** What could still name a holder that no line named, for the end of a sentence. */
export function whatWouldNameIt({ ledger }: World): string {
	if (ledger === undefined)
		return "the borrow ledger would name it while the leak goes on: run as root with --pid";
	const doubts = ledgerDoubts(ledger);
	if (doubts.length > 0) return `the borrow ledger does not tell: ${doubts.join("; ")}`;
	return "the borrow ledger saw no such borrow kept since it was attached: watch longer with plumbline ledger --pid N --for 10m";
}

/** `database/sql: 2 of its returns were missed`, for each pool that names nobody because of it. */
export function ledgerDoubts({ ledger }: LedgerView): string[] {
	return ledger.pools.flatMap(({ pool, refused }) => {
		const doubt = doubtOf(ledger, pool);
		return doubt === undefined || refused !== undefined ? [] : `${pool}: ${doubt}`;
	});
}
