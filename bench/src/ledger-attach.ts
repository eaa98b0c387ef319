/** Coming and going of the ledger: how long it takes, what the service feels of it, and memory. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { LedgerSession } from "@plumbline/kernel/ledger-session";
import { type BorrowsProgram, startBorrows } from "@plumbline/lab/borrows-program";
import { printTable, spread } from "./ledger-figures.ts";
import { type Asked, attach, inTurn, type Watching } from "./ledger-slice.ts";

const SECONDS = 4;
const PACE = ["-workers", "8", "-rate", "1000"];
/** Of the program's own time: it warms up, is watched, and goes on alone. */
const ATTACH_AFTER_MS = 700;
const WATCHED_MS = 500;
/** Readings while it is watched; the table has their mean. */
const READS = 5;

interface Visit {
	readonly attachMs: number;
	readonly detachMs: number;
	readonly readMs: number;
	readonly attachCpuMs: number;
	readonly readCpuMs: number;
	readonly detachCpuMs: number;
	readonly tablesBytes: number;
	readonly targetKbWatched: number;
	readonly targetKbAfter: number;
	/** The longest borrow of the whole run. */
	readonly longestMs: number;
}

export async function measureAttaching(asked: Asked): Promise<void> {
	for (const [name, flags] of [
		["1000 borrows/s on PostgreSQL", [...asked.postgres, ...PACE]],
		["1000 borrows/s in memory", [...asked.memory, ...PACE]],
	] as const) {
		const args = [...flags, "-seconds", String(SECONDS)];
		const alone = await inTurn(args, { alone: undefined }, asked.rounds);
		const longest = (alone.get("alone") ?? []).map(({ result }) => result.latencyUs.max / 1000);
		console.log(`8 workers, ${name}; longest borrow of ${SECONDS} s alone: ${spread(longest, 1)} ms\n`);
		const rows = [await visitsRow("return", { mode: "return" }, args, asked.rounds)];
		rows.push(await visitsRow("fast", { mode: "fast" }, args, asked.rounds));
		rows.push(await visitsRow("return, by perf", { mode: "return", route: "perf" }, args, 1));
		printTable(["mode", "visits", ...VISIT_COLUMNS.map(([head]) => head)], rows);
	}
}

const VISIT_COLUMNS: readonly (readonly [string, (visit: Visit) => number, number])[] = [
	["attach, ms", (v) => v.attachMs, 0],
	["detach, ms", (v) => v.detachMs, 0],
	["longest borrow, ms", (v) => v.longestMs, 1],
	["own CPU: attach, ms", (v) => v.attachCpuMs, 0],
	["a reading, ms", (v) => v.readMs, 1],
	["own CPU of it, ms", (v) => v.readCpuMs, 1],
	["own CPU: detach, ms", (v) => v.detachCpuMs, 0],
	["kernel tables, MB", (v) => v.tablesBytes / 1e6, 2],
	["pages of the service, kB", (v) => v.targetKbWatched, 0],
	["after, kB", (v) => v.targetKbAfter, 0],
];

async function visitsRow(
	name: string,
	watching: Watching,
	args: readonly string[],
	rounds: number,
): Promise<string[]> {
	const visits: Visit[] = [];
	for (let round = 0; round < rounds; round++) visits.push(await visit(args, watching));
	return [name, String(rounds), ...VISIT_COLUMNS.map(([, of, digits]) => spread(visits.map(of), digits))];
}

/** Attaches to a program at work, reads some times, detaches; the program works on. */
async function visit(args: readonly string[], watching: Watching): Promise<Visit> {
	const program = await startBorrows({ args: [...args, "-hold"] });
	try {
		program.go();
		await pause(ATTACH_AFTER_MS);
		const tablesBefore = tablesBytes();
		const pagesBefore = ownPagesKb(program);
		const attaching = await timed(() => attach(program.pid, watching));
		try {
			await pause(WATCHED_MS);
			const reading = await timed(() => readAgain(attaching.value));
			const [tables, pages] = [tablesBytes() - tablesBefore, ownPagesKb(program) - pagesBefore];
			const detaching = await timed(() => attaching.value.close());
			const result = await program.result;
			if (result.errors > 0) throw new Error(`${result.errors} borrows failed`);
			return {
				attachMs: attaching.ms,
				detachMs: detaching.ms,
				readMs: reading.ms / READS,
				attachCpuMs: attaching.cpuMs,
				readCpuMs: reading.cpuMs / READS,
				detachCpuMs: detaching.cpuMs,
				tablesBytes: tables,
				targetKbWatched: pages,
				targetKbAfter: ownPagesKb(program) - pagesBefore,
				longestMs: result.latencyUs.max / 1000,
			};
		} finally {
			await attaching.value.close();
		}
	} finally {
		await program.stop();
	}
}

async function readAgain(session: LedgerSession): Promise<void> {
	for (let i = 0; i < READS; i++) await session.read();
}

async function timed<T>(work: () => Promise<T>) {
	const [start, cpu] = [performance.now(), process.cpuUsage()];
	const value = await work();
	const used = process.cpuUsage(cpu);
	return { value, ms: performance.now() - start, cpuMs: (used.user + used.system) / 1000 };
}

/** What the kernel charges this process's BPF tables with. */
function tablesBytes(): number {
	let sum = 0;
	for (const fd of readdirSync("/proc/self/fdinfo")) {
		let text: string;
		try {
			text = readFileSync(`/proc/self/fdinfo/${fd}`, "utf8");
		} catch {
			// The descriptor by which the folder was read.
			continue;
		}
		if (text.includes("map_type:")) sum += Number(/^memlock:\s+(\d+)/m.exec(text)?.[1] ?? 0);
	}
	return sum;
}

/** Pages of the program's code that are its own and no longer the file's, and the kernel's page for uprobes. */
function ownPagesKb({ pid, path }: BorrowsProgram): number {
	let sum = 0;
	for (const mapping of readFileSync(`/proc/${pid}/smaps`, "utf8").split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
		const head = mapping.slice(0, mapping.indexOf("\n"));
		const isCode = head.includes(" r-xp ") && head.endsWith(path);
		if (!isCode && !head.endsWith("[uprobes]")) continue;
		sum += Number(/^Anonymous:\s+(\d+)/m.exec(mapping)?.[1] ?? 0);
	}
	return sum;
}
