/**
 * Live siblings: places where the service was seen borrowing a connection during the window.
 *
 * The goroutine that leaked has usually returned, but others of the same code path are caught in the act by
 * the full dumps and, more often, by the cheap grouped profiles taken between them; the borrow ledger, where it
 * was attached, has all of them since then. A sibling shows where
 * the path begins its transaction; it does not prove that this path leaks. With one path only, that is
 * nearly the same; with several, they are candidates and no more.
 */
import type { Frame } from "@plumbline/signals/goroutines";
import type { Signals } from "@plumbline/signals/signals";
import type { IsApplication } from "./application.ts";
import type { DumpView } from "./dump-view.ts";
import type { BorrowApi } from "./functions.ts";
import { handlesIn } from "./handles.ts";
import { distinctStacks } from "./profile-stacks.ts";
import { type StackFacts, stackFacts } from "./stack-facts.ts";

export interface SiblingSite {
	readonly api: BorrowApi;
	/** The application frame that made the call. */
	readonly frame: Frame;
	/** Application functions it was called from, innermost first, without the frame itself. */
	readonly callers: readonly string[];
	readonly insideTx: boolean;
	/** Goroutines seen here, summed over the samples, and borrows the ledger counted. */
	readonly seen: number;
	/** Where it was seen first, for evidence. */
	readonly sighting: { readonly part: string; readonly offset: number; readonly atMs: number };
}

/** Distinct sites kept; a service has a few dozen, generated code perhaps hundreds. */
const SITES_MAX = 1_000;

export function siblingSites(
	signals: Signals,
	dumps: readonly DumpView[],
	isApplication: IsApplication,
): SiblingSite[] {
	const sites = new Map<string, OpenSite>();
	// One for each distinct stack: a million goroutines have a few hundred.
	const siteOf = new Map<StackFacts, OpenSite | undefined>();
	const siteFor = (facts: StackFacts, sighting: SiblingSite["sighting"]): OpenSite | undefined => {
		const { borrow } = facts;
		if (borrow === undefined) return undefined;
		const { api, frame } = borrow;
		const callers = facts.application.filter((f) => f !== frame).map((f) => f.func);
		const key = `${api} ${frame.func} ${frame.file}:${frame.line} ${callers.join(" ")}`;
		const known = sites.get(key);
		if (known !== undefined || sites.size >= SITES_MAX) return known;
		const site = { api, frame, callers, insideTx: facts.insideTx, seen: 0, sighting };
		sites.set(key, site);
		return site;
	};
	const note = (facts: StackFacts, count: number, sighting: SiblingSite["sighting"]): void => {
		let site = siteOf.get(facts);
		if (site === undefined && !siteOf.has(facts)) {
			site = siteFor(facts, sighting);
			siteOf.set(facts, site);
		}
		if (site !== undefined) site.seen += count;
	};
	for (const dump of dumps) {
		const part = dump.sampled.part.name;
		for (let row = 0; row < dump.table.count; row++) {
			note(dump.facts(row), 1, { part, offset: dump.table.offset[row] ?? 0, atMs: dump.atMs });
		}
		noteHolders(dump, note, part);
	}
	const startMs = signals.window.start.monoMs;
	for (const { part, value } of signals.ledgers) {
		const atMs = part.start.monoMs - startMs;
		for (const { frames, acquired, offset } of value.stacks) {
			note(stackFacts(frames, isApplication), acquired, { part: part.name, offset, atMs });
		}
	}
	for (const { part, value } of signals.goroutineProfiles) {
		const atMs = part.start.monoMs - startMs;
		for (const { frames, count, offset } of distinctStacks(value.records)) {
			note(stackFacts(frames, isApplication), count, { part: part.name, offset, atMs });
		}
	}
	return [...sites.values()].sort((a, b) => b.seen - a.seen);
}

/** A site while it is counted. */
interface OpenSite extends SiblingSite {
	seen: number;
}

/** Goroutines with a transaction of their own open right now, whatever they are doing inside it. */
function noteHolders(
	dump: DumpView,
	note: (facts: StackFacts, count: number, sighting: SiblingSite["sighting"]) => void,
	part: string,
): void {
	for (const { kind, owner } of handlesIn(dump)) {
		if (kind !== "tx" || owner.kind !== "busy" || !owner.certain || owner.facts.borrow !== undefined)
			continue;
		const frame = owner.facts.application[0];
		if (frame === undefined) continue;
		const facts: StackFacts = { ...owner.facts, insideTx: true, borrow: { api: "tx-use", frame } };
		note(facts, 1, { part, offset: dump.table.offset[owner.row] ?? 0, atMs: dump.atMs });
	}
}
