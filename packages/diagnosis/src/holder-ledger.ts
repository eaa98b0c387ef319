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
import type { BorrowPlace, LedgerView } from "./ledger-view.ts";
import type { World } from "./world.ts";

/** One place is named among several that keep connections only when it keeps most of them. */
const NAMED_SHARE_MIN = 2 / 3;
const GONE = 0.97;
const RETURNED = 0.9;

/** Undefined when the ledger was not attached, or saw no borrow of these kinds kept. */
export function attributeByLedger(world: World, apis: readonly BorrowApi[]): Attribution | undefined {
	const { ledger } = world;
	if (ledger === undefined) return undefined;
	const ofKind = ledger.places
		.filter(({ api }) => api !== undefined && apis.includes(api))
		.map((place) => withoutWorking(world, ledger, place));
	const kept = ofKind.filter((place) => place.kept.length > 0);
	return kept.length > 0
		? nameOf(world, ledger, kept, (place) => place.kept.length, GONE)
		: nameOf(
				world,
				ledger,
				ofKind.filter((place) => place.returned.length > 0),
				(place) => place.returned.length,
				RETURNED,
			);
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
	return "the borrow ledger saw no such borrow kept since it was attached: watch longer with plumbline ledger --pid N --for 10m";
}
