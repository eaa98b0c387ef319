/**
 * One run of the lab's program `borrows`, with the borrow ledger or without, and what it cost the program.
 *
 *   start ─▶ ready ─▶ attach ─▶ CPU read ─▶ go … result ─▶ CPU read ─▶ ledger read ─▶ detach ─▶ stop
 *
 * Attaching and detaching lie outside what is measured; ledger-attach.ts measures them.
 */
import { readdirSync, readFileSync } from "node:fs";
import { type LedgerRequest, openLedger } from "@plumbline/kernel/ledger-session";
import { type BorrowsResult, startBorrows } from "@plumbline/lab/borrows-program";
import type { Ledger } from "@plumbline/signals/ledger";

/** How the ledger is asked for; without it, the program is alone. */
export type Watching = Omit<LedgerRequest, "pid" | "force">;

/** What the parts of the bench are told. */
export interface Asked {
	readonly rounds: number;
	/** Of the length of a slice. */
	readonly scale: number;
	/** Flags of the program: which driver. */
	readonly memory: readonly string[];
	readonly postgres: readonly string[];
}

export interface Slice {
	readonly result: BorrowsResult;
	/** Of all the program's threads, while it worked. */
	readonly cpuMs: number;
	readonly cpuUsEach: number;
	/** Absent when it was alone. */
	readonly ledger?: Ledger;
}

/** Slices by name, one a round; each round begins with another of them. */
export async function inTurn(
	args: readonly string[],
	kinds: Readonly<Record<string, Watching | undefined>>,
	rounds: number,
): Promise<ReadonlyMap<string, readonly Slice[]>> {
	const names = Object.keys(kinds);
	const slices = new Map<string, Slice[]>(names.map((name) => [name, []]));
	for (let round = 0; round < rounds; round++) {
		for (let i = 0; i < names.length; i++) {
			const name = names[(i + round) % names.length] ?? "";
			slices.get(name)?.push(await runSlice(args, kinds[name]));
		}
	}
	return slices;
}

async function runSlice(args: readonly string[], watching: Watching | undefined): Promise<Slice> {
	const program = await startBorrows({ args: [...args, "-hold"] });
	try {
		const session = watching === undefined ? undefined : await attach(program.pid, watching);
		try {
			const before = cpuMsOf(program.pid);
			program.go();
			const result = await program.result;
			const cpuMs = cpuMsOf(program.pid) - before;
			if (result.errors > 0 || result.borrows === 0) throw new Error(JSON.stringify(result));
			const cost = { result, cpuMs, cpuUsEach: (cpuMs * 1000) / result.borrows };
			if (session === undefined) return cost;
			const ledger = await session.read();
			if (ledger.kind === "refused") throw new Error(ledger.why);
			checkComplete(result, ledger.value);
			return { ...cost, ledger: ledger.value };
		} finally {
			await session?.close();
		}
	} finally {
		await program.stop();
	}
}

/** Throws where the ledger cannot be had: then there is nothing to measure. */
export async function attach(pid: number, watching: Watching) {
	const session = await openLedger({ ...watching, pid, force: true });
	if (session.kind === "refused") throw new Error(`no ledger on process ${pid}: ${session.why}`);
	return session.value;
}

/** Every borrow was seen, and every return: a faster ledger that misses some would not be one. */
function checkComplete(result: BorrowsResult, ledger: Ledger): void {
	const sql = ledger.pools.find(({ pool }) => pool === "database/sql");
	if (sql?.acquired !== result.borrows || sql.released !== sql.acquired || sql.held !== 0) {
		throw new Error(`${result.borrows} borrows, the ledger saw ${JSON.stringify(sql)}`);
	}
}

/**
 * User and system time in ns steps: the sum of utime and stime of /proc/PID/stat, without its 10 ms steps. A Go
 * program ends hardly any of its threads, so their times can be added up.
 */
function cpuMsOf(pid: number): number {
	const threads = readdirSync(`/proc/${pid}/task`);
	const ns = threads.map((id) =>
		Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, "utf8").split(" ")[0]),
	);
	return ns.reduce((sum, one) => sum + one, 0) / 1e6;
}
