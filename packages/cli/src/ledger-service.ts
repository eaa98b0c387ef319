/** The work of `plumbline ledger`: attach, watch until the time is over or something ends it, print what was seen. */
import { setTimeout as pause } from "node:timers/promises";
import { applicationTest } from "@plumbline/diagnosis/application";
import { readGoBuildinfo } from "@plumbline/kernel/go-buildinfo";
import { type LedgerReadOptions, type LedgerSession, openLedger } from "@plumbline/kernel/ledger-session";
import type { Refusal } from "@plumbline/kernel/reading";
import { ledgerFrame } from "@plumbline/report/ledger-live";
import { endedEarly, type LedgerEnding, renderLedger } from "@plumbline/report/ledger-text";
import { forecastInWords, type LedgerTold } from "@plumbline/report/ledger-words";
import { visibleLine } from "@plumbline/report/visible";
import { decodeGoBuildinfo } from "@plumbline/signals/go-binary-buildinfo";
import type { Ledger } from "@plumbline/signals/ledger";
import { encodeLedger } from "@plumbline/signals/ledger-json";
import type { CliContext } from "./context.ts";
import { CommandError, EXIT_NOTHING_FOUND, EXIT_UNEXAMINED, isAbort } from "./exit-code.ts";
import { canDrawLive, type LedgerScreen, openLedgerScreen } from "./ledger-screen.ts";

export interface LedgerFlags {
	readonly pid: number;
	readonly for: number;
	readonly mode: "fast" | "return";
	readonly force?: boolean;
	readonly json?: boolean;
	readonly color?: boolean;
}

/** How often the live view is drawn, and the target looked after. */
const TICK_MS = 1000;

type Tell = (ledger: Ledger) => LedgerTold;

export async function ledgerService(this: CliContext, flags: LedgerFlags): Promise<void> {
	const { signal, progress } = this;
	const { pid, mode, force = false } = flags;
	progress.step(`attaching to process ${pid}`);
	const opened = await openLedger({ pid, mode, force, signal });
	if (opened.kind === "refused") throw unexamined(opened);
	const session = opened.value;
	const tell = teller(flags, session);
	let ending: LedgerEnding;
	let told: LedgerTold;
	try {
		progress.note(`process ${pid}: ${visibleLine(forecastInWords(tell(await readNow(session))))}`);
		progress.done();
		ending = await watch(this, flags, session, tell);
		told = tell(await readNow(session));
	} finally {
		progress.step("taking the probes out");
		await session.close();
		progress.done();
	}
	print(this, flags, told, ending);
	this.process.exitCode = EXIT_NOTHING_FOUND;
}

function print(context: CliContext, flags: LedgerFlags, told: LedgerTold, ending: LedgerEnding): void {
	const { process: streams, page, progress } = context;
	if (!flags.json) {
		streams.stdout.write(renderLedger(told, ending, { ...page, color: hasColor(context, flags) }));
		return;
	}
	const early = endedEarly(told, ending);
	if (early !== undefined) progress.note(visibleLine(early));
	streams.stdout.write(new TextDecoder().decode(encodeLedger(told.ledger)));
}

function hasColor({ page }: CliContext, { color }: LedgerFlags): boolean {
	return page.color && color !== false;
}

/** Everything but the reading itself is known from the start. */
function teller({ pid, for: askedMs }: LedgerFlags, { forecast, memoryGap }: LedgerSession): Tell {
	const info = readGoBuildinfo(pid);
	const decoded = info.kind === "read" ? decodeGoBuildinfo(info.value) : undefined;
	const isApplication = applicationTest(decoded?.kind === "decoded" ? decoded.value : undefined);
	const known = { isApplication, pid, askedMs, forecast };
	return (ledger) => ({ ...known, ledger, ...(memoryGap === undefined ? {} : { memoryGap }) });
}

/** Not stopped by Ctrl-C: what was seen until then is what the user waits for. */
async function readNow(session: LedgerSession, options?: LedgerReadOptions): Promise<Ledger> {
	const reading = await session.read(options);
	if (reading.kind === "refused") throw unexamined(reading);
	return reading.value;
}

function unexamined({ why }: Refusal): CommandError {
	return new CommandError(why, EXIT_UNEXAMINED);
}

async function watch(
	context: CliContext,
	flags: LedgerFlags,
	session: LedgerSession,
	tell: Tell,
): Promise<LedgerEnding> {
	const quit = new AbortController();
	const live = !flags.json && canDrawLive(process.stdout, process.stderr, context.process.env.TERM);
	const screen = live ? openLedgerScreen(process.stderr, process.stdin, () => quit.abort()) : undefined;
	const color = hasColor(context, flags);
	const readLive = liveReader(session);
	try {
		return await untilEnded(context, flags, session, quit.signal, async (leftMs) => {
			const over = session.overBudget();
			if (screen !== undefined) return draw(screen, tell(await readLive()), color);
			if (over !== undefined) context.progress.note(visibleLine(over));
			context.progress.step(stepInWords(flags, leftMs));
		});
	} finally {
		screen?.close();
	}
}

/** Share of the time that the target's memory and all its sockets may be looked at for the live view. */
const MEMORY_SHARE = 1 / 20;

function liveReader(session: LedgerSession): () => Promise<Ledger> {
	let dueMs = 0;
	return async () => {
		const beganMs = performance.now();
		const memory = beganMs >= dueMs;
		const ledger = await readNow(session, { memory });
		const endedMs = performance.now();
		if (memory) dueMs = endedMs + (endedMs - beganMs) / MEMORY_SHARE;
		return ledger;
	};
}

function draw(screen: LedgerScreen, told: LedgerTold, color: boolean): void {
	screen.draw(ledgerFrame(told, { ...screen.window(), color }));
}

function stepInWords({ pid }: LedgerFlags, leftMs: number): string {
	return `watching who borrows in process ${pid}, ${Math.ceil(leftMs / 1000)} s left; Ctrl-C ends it and prints`;
}

async function untilEnded(
	{ signal }: CliContext,
	{ for: forMs }: LedgerFlags,
	session: LedgerSession,
	quit: AbortSignal,
	show: (leftMs: number) => Promise<void>,
): Promise<LedgerEnding> {
	const stop = AbortSignal.any([signal, quit]);
	const until = performance.now() + forMs;
	for (;;) {
		const leftMs = until - performance.now();
		const why = session.whyGone();
		if (why !== undefined) return { kind: "gone", why };
		if (signal.aborted) return { kind: "interrupted" };
		if (quit.aborted) return { kind: "stopped" };
		if (leftMs <= 0) return { kind: "time" };
		await show(leftMs);
		try {
			const restMs = Math.max(0, until - performance.now());
			await pause(Math.min(TICK_MS, restMs), undefined, { signal: stop });
		} catch (error) {
			if (!isAbort(error)) throw error;
		}
	}
}
