/** The service at work, alone and watched: throughput, latencies, CPU. */
import { printTable, spread } from "./ledger-figures.ts";
import { type Asked, inTurn, type Slice, type Watching } from "./ledger-slice.ts";

const FLAT_SECONDS = 2.5;
const PACED_SECONDS = 5;
const BORROWS_PER_SECOND = 1000;

const KINDS: Readonly<Record<string, Watching | undefined>> = {
	alone: undefined,
	return: { mode: "return" },
	fast: { mode: "fast" },
};

export async function measureFlat(asked: Asked): Promise<void> {
	console.log("As fast as it goes; ratios to the program alone, median (least – largest) of the rounds\n");
	await measure(asked, ["-seconds", String(FLAT_SECONDS * asked.scale)]);
}

export async function measurePaced(asked: Asked): Promise<void> {
	console.log(`At ${BORROWS_PER_SECOND} borrows/s; ratios as above\n`);
	await measure(asked, [
		"-rate",
		String(BORROWS_PER_SECOND),
		"-seconds",
		String(PACED_SECONDS * asked.scale),
	]);
}

async function measure(asked: Asked, pace: readonly string[]): Promise<void> {
	const rows: string[][] = [];
	for (const pool of ["postgres", "memory"] as const) {
		for (const workers of [1, 8]) {
			const args = [...asked[pool], "-workers", String(workers), ...pace];
			const name = `${pool}, ${workers} worker${workers > 1 ? "s" : ""}`;
			rows.push(...rowsOf(name, await inTurn(args, KINDS, asked.rounds)));
		}
	}
	printTable(HEAD, rows);
}

const HEAD = [
	"driver",
	"ledger",
	"borrows/s",
	"ratio",
	"p50, us",
	"ratio",
	"p99, us",
	"ratio",
	"CPU a borrow, us",
	"more than alone",
	"more, % of one processor",
	"`costMs` / measured",
];

function rowsOf(name: string, rounds: ReadonlyMap<string, readonly Slice[]>): string[][] {
	const alone = rounds.get("alone") ?? [];
	return [...rounds].map(([ledger, slices]) => {
		const all = (of: (slice: Slice) => number, digits: number) => spread(slices.map(of), digits, true);
		const pairs = (of: (slice: Slice, alone: Slice) => number, digits: number) =>
			ledger === "alone" ? "" : spread(paired(slices, alone, of), digits);
		const ratio = (of: (slice: Slice) => number) => pairs((slice, other) => of(slice) / of(other), 2);
		const rate = (s: Slice) => s.result.perSecond;
		const p50 = (s: Slice) => s.result.latencyUs.p50;
		const p99 = (s: Slice) => s.result.latencyUs.p99;
		return [
			name,
			ledger,
			all(rate, 0),
			ratio(rate),
			all(p50, 1),
			ratio(p50),
			all(p99, 1),
			ratio(p99),
			all((s) => s.cpuUsEach, 2),
			pairs((s, other) => s.cpuUsEach - other.cpuUsEach, 2),
			pairs((s, other) => ((s.cpuUsEach - other.cpuUsEach) * s.result.perSecond) / 1e4, 2),
			pairs(costRatio, 2),
		];
	});
}

/** What the ledger says it cost, by what the CPU says. */
function costRatio({ ledger, cpuUsEach, result }: Slice, alone: Slice): number {
	return ((ledger?.costMs ?? Number.NaN) * 1000) / ((cpuUsEach - alone.cpuUsEach) * result.borrows);
}

function paired(
	slices: readonly Slice[],
	others: readonly Slice[],
	of: (slice: Slice, other: Slice) => number,
): number[] {
	return slices.flatMap((slice, round) => {
		const other = others[round];
		return other === undefined ? [] : [of(slice, other)];
	});
}
