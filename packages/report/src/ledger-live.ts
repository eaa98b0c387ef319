/**
 * One frame of the ledger's live view: lines that fit a window, no more of them than it has rows. Everything from
 * outside is made safe to print before it is cut, and colour is put on last.
 */
import type { Ledger, LedgerPool } from "@plumbline/signals/ledger";
import {
	groupsOf,
	holdsLong,
	type LedgerGroup,
	type PoolUse,
	poolUses,
	waitingGroups,
} from "./ledger-groups.ts";
import { costInWords, duration, type LedgerTold, shortFileLine, shortFunc } from "./ledger-words.ts";
import { paint, type Style } from "./page.ts";
import { visibleLine } from "./visible.ts";
import { columnsOf, splitAtColumn } from "./width.ts";

export interface Window {
	readonly columns: number;
	readonly rows: number;
	readonly color: boolean;
}

interface Line {
	readonly text: string;
	readonly style?: Style;
}

const WAITING_SHOWN_MAX = 3;
/** In a narrower window the line that borrowed counts for more than how long others took. */
const ALL_NUMBERS_COLUMNS_MIN = 90;
const NUMBERS_NARROW = 3;
/** Wide enough for `HTTP response`. */
const WHAT_COLUMNS = 13;

export function ledgerFrame(told: LedgerTold, window: Window): readonly string[] {
	const head = headOf(told);
	const foot = footOf(told);
	const groups = groupsOf(told.ledger, told.isApplication);
	const room = window.rows - head.length - foot.length;
	const numbers = window.columns < ALL_NUMBERS_COLUMNS_MIN ? NUMBERS_NARROW : HEADINGS.length;
	const lines = [...head, ...rowsOf(groups, room, numbers), ...foot];
	return lines.slice(0, Math.max(0, window.rows)).map((line) => fit(line, window));
}

function headOf({ ledger, pid, askedMs }: LedgerTold): Line[] {
	const { watchedMs, goVersion } = ledger;
	const of = `${duration(watchedMs)} of ${duration(askedMs)}`;
	const version = goVersion === undefined ? "" : `, ${goVersion}`;
	const pools = ledger.pools.map((pool): Line => poolLine(ledger, pool));
	return [
		{ text: `borrow ledger of process ${pid}${version}: ${of}; q ends it, Ctrl-C too`, style: "strong" },
		...pools,
		{ text: "" },
	];
}

function poolLine(ledger: Ledger, { pool, refused, ...counts }: LedgerPool): Line {
	if (refused !== undefined) return { text: `${pool}: not watched (${refused})`, style: "warning" };
	const { acquired, released, held, replaced, lost } = counts;
	if (acquired === 0) return { text: `${pool}: no borrow yet` };
	const parts = [`${acquired} acquired`, `${released} returned`, `${held} held`];
	if (replaced > 0) parts.push(`${replaced} returns missed`);
	if (lost > 0) parts.push(`${lost} not recorded`);
	const uses = poolUses(ledger).filter(({ owner }) => owner.pool === pool);
	const sum = (of: (use: PoolUse) => number) => uses.reduce((all, use) => all + of(use), 0);
	const unknown = sum((use) => use.unknown);
	if (uses.length > 0) {
		const before = unknown > 0 ? ` (${unknown} unknown)` : "";
		parts.push(`in use ${sum((use) => use.inUse)}${before}`, `idle ${sum((use) => use.owner.idle)}`);
	}
	return { text: `${pool}: ${parts.join(", ")}` };
}

function footOf(told: LedgerTold): Line[] {
	const waiting = waitingGroups(told.ledger, told.isApplication);
	const shown = waiting.slice(0, WAITING_SHOWN_MAX).map(({ pool, count, oldestMs, frame }): Line => {
		const where = frame === undefined ? "" : `, at ${shortFileLine(frame)} ${shortFunc(frame)}`;
		return { text: `${count} waiting for ${pool}, up to ${duration(oldestMs)}${where}` };
	});
	return [{ text: "" }, ...shown, { text: costInWords(told), style: "faint" }];
}

const HEADINGS = ["HELD", "OLDEST", "TAKEN", "MEAN", "LONGEST"] as const;

function rowsOf(groups: readonly LedgerGroup[], room: number, numbers: number): Line[] {
	if (groups.length === 0) return [{ text: "no connection was taken yet" }];
	const shown = groups.slice(0, Math.max(0, groups.length > room - 1 ? room - 2 : groups.length));
	const left = groups.length - shown.length;
	return [
		{ text: cells(HEADINGS.slice(0, numbers), "WHAT", "WHERE"), style: "strong" },
		...shown.map((group) => rowOf(group, numbers)),
		...(left > 0 ? [{ text: `and ${left} stacks more`, style: "faint" } as const] : []),
	];
}

function rowOf(group: LedgerGroup, numbers: number): Line {
	const { stack, borrower, held } = group;
	const frame = borrower.frame ?? stack.frames[0];
	const where = frame === undefined ? "?" : `${shortFileLine(frame)} ${shortFunc(frame)}`;
	const { acquired, oldestMs, heldMsMean, heldMsMax } = stack;
	const optional = (ms: number | undefined) => (ms === undefined ? "-" : duration(ms));
	const all = [
		String(held.length),
		optional(oldestMs),
		String(acquired),
		optional(heldMsMean),
		optional(heldMsMax),
	];
	const text = cells(all.slice(0, numbers), borrower.what, where);
	return holdsLong(group) ? { text, style: "warning" } : { text };
}

/** Numbers flush right in columns of 8, then what and where. */
function cells(numbers: readonly string[], what: string, where: string): string {
	return `${numbers.map((n) => n.padStart(8)).join("")}  ${what.padEnd(WHAT_COLUMNS)}  ${where}`;
}

function fit({ text, style }: Line, { columns, color }: Window): string {
	const safe = visibleLine(text);
	const width = Math.max(1, columns);
	const cut = columnsOf(safe) <= width ? safe : `${splitAtColumn(safe, width - 1)[0]}…`;
	return style === undefined || !color || cut === "" ? cut : paint(style, cut);
}
