/** What the ledger decides by itself when it meets a program at work: which mode, or not to attach. */
import { setTimeout as pause } from "node:timers/promises";
import { openLedger } from "@plumbline/kernel/ledger-session";
import { startBorrows } from "@plumbline/lab/borrows-program";
import { printTable } from "./ledger-figures.ts";

const SECONDS = 4;
const WARM_MS = 700;
/** Borrows a second; 0 is as fast as it goes. */
const PACES = [1000, 2000, 4000, 8000, 16_000, 0];

export async function measureAuto(): Promise<void> {
	const rows: string[][] = [];
	for (const rate of PACES) {
		const args = ["-workers", "8", "-seconds", String(SECONDS), "-rate", String(rate)];
		const program = await startBorrows({ args });
		try {
			program.go();
			await pause(WARM_MS);
			rows.push([rate === 0 ? "as fast as it goes" : `${rate}/s`, ...(await askAuto(program.pid))]);
		} finally {
			await program.stop();
		}
	}
	console.log("What it decides by itself, 8 workers, driver in memory\n");
	printTable(["pace", "mode", "returns/s seen", "forecast, % of a processor"], rows);
}

async function askAuto(pid: number): Promise<string[]> {
	const session = await openLedger({ pid });
	if (session.kind === "refused") return [`refused: ${session.why}`, "", ""];
	try {
		const ledger = await session.value.read();
		const pool = ledger.kind === "read" ? ledger.value.pools.find((p) => p.kind === "sql") : undefined;
		const { returnsPerSecond, share } = session.value.forecast;
		if (pool?.refused !== undefined) return [`refused: ${pool.refused}`, returnsPerSecond.toFixed(0), ""];
		return [pool?.mode ?? "none", returnsPerSecond.toFixed(0), (share * 100).toFixed(1)];
	} finally {
		await session.value.close();
	}
}
