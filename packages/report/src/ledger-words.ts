/** What the ledger's text and its live view say in the same words. */
import type { IsApplication } from "@plumbline/diagnosis/application";
import type { Frame } from "@plumbline/signals/goroutines";
import type { Ledger } from "@plumbline/signals/ledger";
import type { Borrowed } from "./ledger-groups.ts";

/** One reading, and what is known around it. */
export interface LedgerTold {
	readonly ledger: Ledger;
	readonly isApplication: IsApplication;
	readonly pid: number;
	/** How long it was to be watched. */
	readonly askedMs: number;
	/** What it was predicted to cost: share of one processor, at so many returns a second. */
	readonly forecast: { readonly returnsPerSecond: number; readonly share: number };
	/** Why sockets, pools' own counters and waiters' stacks could not be read. */
	readonly memoryGap?: string;
}

const PLURALS: Readonly<Record<Borrowed, string>> = {
	transaction: "transactions",
	cursor: "cursors",
	row: "rows",
	connection: "connections",
	statement: "statements",
	"HTTP response": "HTTP responses",
};

/** `1 transaction`, `3 transactions`. */
export function counted(count: number, what: Borrowed): string {
	return `${count} ${count === 1 ? what : PLURALS[what]}`;
}

/** `0.4 ms`, `26 ms`, `2.8 s`, `14 min`, `3.2 h`. */
export function duration(ms: number): string {
	if (ms < 10) return `${ms.toFixed(1).replace(/\.0$/, "")} ms`;
	if (ms < 1000) return `${Math.round(ms)} ms`;
	if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
	if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
	return `${(ms / 3_600_000).toFixed(1)} h`;
}

/** Small shares matter here: `0.11 %`, `2.3 %`, `14 %`. */
function smallShare(share: number): string {
	const percent = share * 100;
	if (percent < 0.005) return "under 0.01 %";
	if (percent < 1) return `${percent.toFixed(2)} %`;
	return `${percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`;
}

function forecastShare(share: number): string {
	const words = smallShare(share);
	return words.startsWith("under") ? words : `about ${words}`;
}

/** `orders/create.go:42`, without its folders `create.go:42`. */
export function fileLine({ file, line }: Frame): string {
	return line > 0 ? `${file}:${line}` : file;
}

export function shortFileLine(frame: Frame): string {
	const file = frame.file.slice(frame.file.lastIndexOf("/") + 1);
	return fileLine({ ...frame, file });
}

/** `orders.(*OrderService).Reserve`: the function without the folders of its package. */
export function shortFunc({ func }: Frame): string {
	// A slash inside type arguments or a receiver belongs to no folder of the package.
	const path = /^[^([]*\//.exec(func)?.[0] ?? "";
	return func.slice(path.length);
}

/** `watched at returns, 160 returns/s: about 0.11 % of one processor`. */
export function forecastInWords({ forecast, ledger }: LedgerTold): string {
	const modes = [...new Set(ledger.pools.flatMap(({ mode }) => mode ?? []))].toSorted();
	const rate = forecast.returnsPerSecond < 10 ? 1 : 0;
	return `${modes.map(modeInWords).join(" and ") || "nothing watched"}; at ${forecast.returnsPerSecond.toFixed(rate)} returns/s the probes take ${forecastShare(forecast.share)} of one processor`;
}

export function modeInWords(mode: "return" | "fast"): string {
	return mode === "return" ? "watched at returns" : "watched in fast mode";
}

/** What it came to. An estimate: hits counted, times what one of each kind costs. */
export function costInWords({ ledger: { costMs, watchedMs } }: LedgerTold): string {
	const share = watchedMs > 0 ? `, ${smallShare(costMs / watchedMs)} of one processor` : "";
	return `the probes took about ${duration(costMs)} of the process's time in ${duration(watchedMs)}${share}`;
}
