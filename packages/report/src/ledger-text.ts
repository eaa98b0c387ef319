/**
 * One reading of the borrow ledger as terminal text: what is out, who took it, and how far the counts carry. It is
 * an instrument's reading, not a verdict: whether a long hold is a leak, the reader decides.
 */
import type { Frame } from "@plumbline/signals/goroutines";
import type { LedgerPool } from "@plumbline/signals/ledger";
import { groupsOf, holdsLong, type LedgerGroup, poolUses, waitingGroups } from "./ledger-groups.ts";
import {
	costInWords,
	counted,
	duration,
	fileLine,
	forecastInWords,
	type LedgerTold,
	modeInWords,
	shortFileLine,
} from "./ledger-words.ts";
import { Page, type PageOptions } from "./page.ts";

export type LedgerEnding =
	/** The time asked for was over. */
	| { readonly kind: "time" }
	/** The user had seen enough. */
	| { readonly kind: "stopped" }
	| { readonly kind: "interrupted" }
	/** The process ended first. */
	| { readonly kind: "gone"; readonly why: string };

/** Of the stacks that hold something for long. */
const GROUPS_SHOWN_MAX = 10;
/** Of the others. */
const COMPACT_SHOWN_MAX = 8;
const WAITING_SHOWN_MAX = 8;
const OWNERS_SHOWN_MAX = 8;
const NAMES_SHOWN_MAX = 10;
const FRAMES_SHOWN_MAX = 60;

export function renderLedger(told: LedgerTold, ending: LedgerEnding, options: PageOptions): string {
	const page = new Page(options);
	const { ledger, isApplication } = told;
	const groups = groupsOf(ledger, isApplication);
	const [out, back] = partition(groups, ({ held }) => held.length > 0);
	const [long, usual] = partition(out, holdsLong);
	page.prose(headline(told), { style: "strong" });
	if (out.length > 0) page.prose(longInWords(long));
	const early = endedEarly(told, ending);
	if (early !== undefined) page.prose(early, { style: "warning" });
	page.blank();
	page.prose("POOLS", { style: "strong" });
	for (const pool of ledger.pools) writePool(page, pool, told);
	writeLong(page, long);
	writeCompact(page, "OUT, AND NO LONGER THAN USUAL", usual);
	writeCompact(page, "ALL CAME BACK", back);
	writeWaiting(page, told);
	page.blank();
	page.prose("HOW TO READ IT", { style: "strong" });
	writeLimits(page, told);
	return page.text();
}

function headline({ ledger: { held, pools, watchedMs } }: LedgerTold): string {
	const acquired = pools.reduce((sum, pool) => sum + pool.acquired, 0);
	const seen = `seen in ${duration(watchedMs)}`;
	if (acquired === 0) return `no borrow was ${seen}`;
	const borrows = `the ${acquired} borrow${acquired === 1 ? "" : "s"} ${seen}`;
	if (held.length === 0) return `none of ${borrows} is still out`;
	const oldestMs = held.reduce((max, { ageMs }) => Math.max(max, ageMs), 0);
	const are = held.length === 1 ? "is" : "are";
	return `${held.length} of ${borrows} ${are} still out, the oldest for ${duration(oldestMs)}`;
}

function longInWords(long: readonly LedgerGroup[]): string {
	const count = long.reduce((sum, { held, overdue }) => sum + (overdue ?? held.length), 0);
	const whom = "for longer than any that came back to the same line";
	return count === 0 ? `none of them ${whom}` : `${count} of them ${whom}`;
}

/** Undefined when it was watched for as long as it was to be. */
export function endedEarly(
	{ ledger: { watchedMs }, askedMs }: LedgerTold,
	ending: LedgerEnding,
): string | undefined {
	const [until, asked] = [duration(watchedMs), duration(askedMs)];
	switch (ending.kind) {
		case "time":
			return undefined;
		case "stopped":
			return `stopped by you after ${until} of ${asked}`;
		case "interrupted":
			return `interrupted after ${until} of ${asked}: this is what was seen until then`;
		case "gone":
			return `not watched any more after ${until} of ${asked}: ${ending.why}. What follows is how it stood then, without its sockets and its pools' own counters`;
		default:
			return ending satisfies never;
	}
}

function writePool(page: Page, pool: LedgerPool, told: LedgerTold): void {
	page.prose(`${pool.pool}${pool.mode === undefined ? "" : `, ${modeInWords(pool.mode)}`}`, {
		indent: 2,
		style: "strong",
	});
	if (pool.refused !== undefined) {
		page.labelled("not seen", pool.refused, "warning");
		return;
	}
	const counts = `${pool.acquired} acquired, ${pool.released} returned, ${pool.held} held`;
	page.labelled("seen", pool.acquired === 0 ? "no borrow" : counts);
	// Of net/http every idle connection that is closed counts as one, which tells nothing.
	if (pool.strangers > 0 && pool.kind !== "http")
		page.labelled(
			"before",
			`${pool.strangers} returned that had been borrowed before the ledger was attached${pool.lost > 0 ? ", or whose borrow was not recorded" : ""}: not in the counts above`,
		);
	if (pool.replaced > 0)
		page.labelled(
			"missed",
			`${pool.replaced} acquired again though no return was seen: so many returns were missed, and some of what is shown as held here may have come back`,
			"warning",
		);
	if (pool.lost > 0)
		page.labelled(
			"lost",
			`${pool.lost} acquired but not recorded, because the table was full: more may be held than is shown here`,
			"warning",
		);
	const uses = poolUses(told.ledger).filter(({ owner }) => owner.pool === pool.pool);
	for (const { owner, inUse, seen, unknown } of uses.slice(0, OWNERS_SHOWN_MAX)) {
		const limit = owner.maxOpen === 0 ? "no limit" : `${owner.maxOpen} at most`;
		page.labelled("pool", `${owner.owner}: ${inUse} in use, ${owner.idle} idle, ${limit}`);
		if (unknown > 0)
			page.labelled(
				"unknown",
				`${inUse} in use - ${seen} held = ${unknown} unknown: borrowed before the ledger was attached, or being dialled, or not recorded`,
				"warning",
			);
	}
	writeRest(page, uses.length - OWNERS_SHOWN_MAX, "pools");
}

function writeLong(page: Page, groups: readonly LedgerGroup[]): void {
	if (groups.length === 0) return;
	page.blank();
	page.prose("OUT FOR LONG, BY WHO TOOK IT", { style: "strong" });
	groups.slice(0, GROUPS_SHOWN_MAX).forEach((group, at) => {
		if (at > 0) page.blank();
		writeGroup(page, group);
	});
	writeRest(page, groups.length - GROUPS_SHOWN_MAX, "stacks");
}

function writeGroup(page: Page, group: LedgerGroup): void {
	const { stack, borrower, application, held } = group;
	page.prose(
		`${counted(held.length, borrower.what)} of ${stack.pool}, the oldest out for ${duration(held[0]?.ageMs ?? 0)}`,
		{ indent: 2, style: "strong" },
	);
	writeWhere(page, borrower.frame);
	const others = application.filter((frame) => frame !== borrower.frame);
	others.slice(0, NAMES_SHOWN_MAX).forEach((frame, at) => {
		page.labelled(at === 0 ? "within" : "", frame.func);
		page.labelled("", fileLine(frame));
	});
	writeRest(page, others.length - NAMES_SHOWN_MAX, "lines of the service");
	page.labelled("seen", `${stack.acquired} acquired here, ${returnedInWords(group)}`);
	page.labelled("usual", usualInWords(group), "warning");
	const goids = [...new Set(held.map(({ goid }) => goid))];
	page.labelled("taken by", `goroutine${goids.length === 1 ? "" : "s"} ${listed(goids)}`);
	const sockets = held.flatMap(({ socket }) => socket ?? []);
	for (const [port, towards] of Map.groupBy(sockets, ({ remotePort }) => remotePort)) {
		const local = towards.map(({ localPort }) => localPort);
		page.labelled("sockets", `to port ${port}, from local ${listed(local)}`);
	}
	stack.frames.slice(0, FRAMES_SHOWN_MAX).forEach((frame, at) => {
		page.labelled(at === 0 ? "stack" : "", `${frame.func} ${shortFileLine(frame)}`, "faint");
	});
	writeRest(page, stack.frames.length - FRAMES_SHOWN_MAX, "frames");
}

function writeWhere(page: Page, frame: Frame | undefined): void {
	if (frame === undefined) {
		page.labelled("where", "no line of the service is on the stack");
		return;
	}
	page.labelled("where", frame.func, "strong");
	page.labelled("", fileLine(frame), "strong");
}

function returnedInWords({ stack: { released, heldMsMean, heldMsMax } }: LedgerGroup): string {
	if (heldMsMean === undefined || heldMsMax === undefined) return "none returned";
	return `${released} returned after ${duration(heldMsMean)} in the mean, ${duration(heldMsMax)} at most`;
}

function usualInWords({ stack, held, overdue }: LedgerGroup): string {
	if (overdue === undefined) return "not known: nothing taken here came back while it was watched";
	const most = duration(stack.heldMsMax ?? 0);
	return `${overdue} of ${held.length} ${overdue === 1 ? "is" : "are"} out for longer than any that came back (${most})`;
}

function writeCompact(page: Page, heading: string, groups: readonly LedgerGroup[]): void {
	if (groups.length === 0) return;
	page.blank();
	page.prose(heading, { style: "strong" });
	for (const group of groups.slice(0, COMPACT_SHOWN_MAX)) {
		const { stack, borrower, held } = group;
		const frame = borrower.frame ?? stack.frames[0];
		const where = frame === undefined ? "a stack without frames" : `${frame.func} ${shortFileLine(frame)}`;
		const out = held.length === 0 ? "" : `${held.length} out for ${duration(held[0]?.ageMs ?? 0)} at most, `;
		page.prose(`${counted(stack.acquired, borrower.what)}, ${out}${returnedInWords(group)}: ${where}`, {
			indent: 2,
			lead: "- ",
		});
	}
	writeRest(page, groups.length - COMPACT_SHOWN_MAX, "stacks");
}

function writeWaiting(page: Page, { ledger, isApplication }: LedgerTold): void {
	const groups = waitingGroups(ledger, isApplication);
	if (groups.length === 0) return;
	page.blank();
	page.prose("INSIDE THE POOL'S ACQUIRE WHEN IT WAS READ", { style: "strong" });
	for (const { pool, count, oldestMs, frame } of groups.slice(0, WAITING_SHOWN_MAX)) {
		const where = frame === undefined ? "a stack that could not be read" : `${frame.func} ${fileLine(frame)}`;
		const longest = `${count === 1 ? "for" : "the longest for"} ${duration(oldestMs)}`;
		page.prose(`${count} at ${pool}, ${longest}: ${where}`, { indent: 2, lead: "- " });
	}
	writeRest(page, groups.length - WAITING_SHOWN_MAX, "places");
}

function writeLimits(page: Page, told: LedgerTold): void {
	if (told.ledger.held.length > 0)
		page.prose(
			"A long hold is not always a leak: LISTEN, a pinned sql.Conn or a long export hold on purpose. Look at the age, at whether the count grows, and at what usually comes back to the same line.",
			{ indent: 2, lead: "- " },
		);
	page.prose(
		"What was borrowed before the ledger was attached is unknown to it: a pool's use beyond what is held here is that, but for what is being dialled or was not recorded.",
		{ indent: 2, lead: "- " },
	);
	if (told.memoryGap !== undefined)
		page.prose(
			`Sockets, the pools' own counters and the stacks of the waiting are missing: ${told.memoryGap}`,
			{ indent: 2, lead: "- ", style: "warning" },
		);
	page.prose(`Cost: ${costInWords(told)}. Forecast: ${forecastInWords(told)}.`, { indent: 2, lead: "- " });
}

function listed(numbers: readonly number[]): string {
	const shown = numbers.slice(0, NAMES_SHOWN_MAX).join(", ");
	const left = numbers.length - NAMES_SHOWN_MAX;
	return left > 0 ? `${shown} and ${left} more` : shown;
}

function writeRest(page: Page, count: number, what: string): void {
	if (count > 0) page.labelled("", `(${count} more ${what}: see --json)`);
}

function partition<T>(list: readonly T[], test: (item: T) => boolean): readonly [yes: T[], no: T[]] {
	return [list.filter(test), list.filter((item) => !test(item))];
}
