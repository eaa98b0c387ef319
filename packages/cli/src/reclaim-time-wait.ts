/**
 * The work of `plumbline reclaim time-wait`: dump, plan, say the cure; with --yes also destroy and recount.
 * What the kernel answered is not believed alone: the recount decides whether it was done.
 */

import { placeOfNetworkNamespace } from "@plumbline/kernel/network-namespace";
import { type NetworkSysctls, readNetworkSysctls } from "@plumbline/kernel/network-sysctls";
import { planReclaim } from "@plumbline/kernel/reclaim-plan";
import { readCapabilities } from "@plumbline/kernel/rights-capabilities";
import { destroySockets } from "@plumbline/kernel/sock-destroy";
import { dumpSockets, TIME_WAIT_STATE } from "@plumbline/kernel/sock-diag";
import { type TimeWaitRow, timeWaitRows } from "@plumbline/kernel/time-wait-rows";
import type { CliContext } from "./context.ts";
import { CommandError, EXIT_NOTHING_FOUND, EXIT_UNEXAMINED } from "./exit-code.ts";
import type { ReclaimFlags } from "./reclaim-flags.ts";
import { AuditLog } from "./reclaim-log.ts";
import { type OutcomeReport, planReport } from "./reclaim-report.ts";
import { outcomeText, planText } from "./reclaim-text.ts";

/** More than the ports of several local addresses to one peer. */
const ROWS_MAX = 500_000;

export async function reclaimTimeWait(this: CliContext, flags: ReclaimFlags): Promise<void> {
	const namespaceOf = namespaceToVisit(flags.pid);
	if (flags.yes) mustHaveNetAdmin();
	const log = flags.log === undefined ? undefined : new AuditLog(flags.log);
	try {
		await reclaim(this, flags, namespaceOf, log);
	} finally {
		log?.close();
	}
}

async function reclaim(
	context: CliContext,
	flags: ReclaimFlags,
	namespaceOf: number | undefined,
	log: AuditLog | undefined,
): Promise<void> {
	const { stdout } = context.process;
	const table = await dumpPeer(flags.port, namespaceOf, context.signal);
	const wish = { peerIp: flags.peer, peerPort: flags.port, olderThanMs: flags.olderThan, max: flags.max };
	const plan = planReclaim(table.rows, wish);
	const report = planReport(flags, plan, await settingsOf(namespaceOf), table.notes);
	const { cure: _, ...logged } = report;
	log?.write("planned", logged);
	if (!flags.json) stdout.write(planText(report, context.page));
	const outcome =
		flags.yes && plan.taken.length > 0
			? await destroy(context, flags, namespaceOf, plan.taken, log)
			: undefined;
	if (outcome !== undefined && !flags.json) stdout.write(outcomeText(outcome, context.page));
	if (flags.json) {
		stdout.write(
			`${JSON.stringify(outcome === undefined ? report : { ...report, outcome }, undefined, 2)}\n`,
		);
	}
	// With an outcome, a log that failed is one of its reasons.
	if (outcome === undefined && log?.failure !== undefined)
		throw new CommandError(log.failure, EXIT_UNEXAMINED);
	const undone = outcome !== undefined && outcome.why.length > 0;
	context.process.exitCode = undone ? EXIT_UNEXAMINED : EXIT_NOTHING_FOUND;
}

async function destroy(
	context: CliContext,
	flags: ReclaimFlags,
	namespaceOf: number | undefined,
	rows: readonly TimeWaitRow[],
	log: AuditLog | undefined,
): Promise<OutcomeReport> {
	const { signal, progress } = context;
	progress.note(
		`destroying ${rows.length} sockets in TIME_WAIT, ${flags.rate} a second at most; Ctrl-C stops`,
	);
	const asked: TimeWaitRow[] = [];
	const reading = await destroySockets(rows, {
		...(namespaceOf === undefined ? {} : { namespaceOf }),
		ratePerSecond: flags.rate,
		signal: log === undefined ? signal : AbortSignal.any([signal, log.broken]),
		onAsk: (batch) => log?.asked(batch),
		onAnswer: (answers) => {
			log?.answered(answers);
			for (const { row } of answers) asked.push(row);
			progress.step(`${asked.length} of ${rows.length}`);
		},
	});
	progress.done();
	if (reading.kind === "refused") throw new CommandError(reading.why, EXIT_UNEXAMINED);
	const { stopped, ...counts } = reading.value;
	const remaining = await recount(flags, namespaceOf, asked);
	const why = [
		...(stopped === undefined ? [] : [stopped.why]),
		...(log?.failure === undefined ? [] : [log.failure]),
		...(remaining === undefined ? ["the recount failed: whether they are gone is not known"] : []),
		...(stopped === undefined && (remaining ?? 0) > 0
			? [`${remaining} of ${asked.length} are still in the kernel's table, though it was asked`]
			: []),
	];
	const outcome = { ...counts, ...(remaining === undefined ? {} : { remaining }), why };
	log?.write("recounted", outcome);
	// Without a log this is all the record there is.
	if (log === undefined) {
		const summary = { time: new Date().toISOString(), peer: flags.peer, port: flags.port, ...outcome };
		progress.note(JSON.stringify(summary));
	}
	return outcome;
}

interface PeerTable {
	readonly rows: readonly TimeWaitRow[];
	readonly notes: readonly string[];
}

async function dumpPeer(
	peerPort: number,
	namespaceOf: number | undefined,
	signal: AbortSignal | undefined,
): Promise<PeerTable> {
	const dump = await dumpSockets({
		...(namespaceOf === undefined ? {} : { namespaceOf }),
		states: TIME_WAIT_STATE,
		peerPort,
		rowsMax: ROWS_MAX,
		...(signal === undefined ? {} : { signal }),
	});
	if (dump.kind === "refused") {
		throw new CommandError(`the sockets cannot be listed: ${dump.why}`, EXIT_UNEXAMINED);
	}
	const { rows, flaws } = timeWaitRows(dump.value.bytes);
	const { truncated, note } = dump.value;
	// A dump that stops at our bound lacks its end: one fault, told once.
	const notes = [truncated, note, ...(truncated === undefined ? flaws : [])];
	return { rows, notes: notes.filter((text) => text !== undefined) };
}

/** How many of the very same sockets are there still. Ctrl-C does not stop this. */
async function recount(
	{ port }: ReclaimFlags,
	namespaceOf: number | undefined,
	asked: readonly TimeWaitRow[],
): Promise<number | undefined> {
	try {
		const { rows } = await dumpPeer(port, namespaceOf, undefined);
		const left = new Set(rows.map(({ cookie }) => cookie));
		return asked.filter(({ cookie }) => left.has(cookie)).length;
	} catch (error) {
		if (error instanceof CommandError) return undefined;
		throw error;
	}
}

async function settingsOf(namespaceOf: number | undefined): Promise<Partial<NetworkSysctls>> {
	const settings = await readNetworkSysctls(namespaceOf);
	return settings.kind === "read" ? settings.value : {};
}

/** Undefined when the process is in our own namespace: then no right is needed to look. */
function namespaceToVisit(pid: number | undefined): number | undefined {
	if (pid === undefined) return undefined;
	const place = placeOfNetworkNamespace(pid);
	if (place.kind === "refused") {
		throw new CommandError(`the network namespace of process ${pid}: ${place.why}`, EXIT_UNEXAMINED);
	}
	return place.value === "ours" ? undefined : pid;
}

function mustHaveNetAdmin(): void {
	const capabilities = readCapabilities();
	if (capabilities.kind === "refused" || capabilities.value.effective.has("CAP_NET_ADMIN")) return;
	throw new CommandError(
		"--yes needs CAP_NET_ADMIN, which this process has not: run it with sudo (see plumbline doctor). Without --yes no right is needed",
		EXIT_UNEXAMINED,
	);
}
