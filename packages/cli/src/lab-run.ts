/** The work of `plumbline lab run`: stages programs with known faults, diagnoses them, compares. */
import type { Diagnosis } from "@plumbline/diagnosis/finding";
import { BUILD_VARIANTS, type BuildVariant } from "@plumbline/lab/build-service";
import { compareVerdict } from "@plumbline/lab/expect";
import { type Expectation, listScenarios, loadScenario, type Scenario } from "@plumbline/lab/scenario";
import { openServers, type Servers } from "@plumbline/lab/servers";
import { NoServiceError } from "@plumbline/lab/stage";
import type { CliContext } from "./context.ts";
import {
	CommandError,
	EXIT_FINDINGS,
	EXIT_NOTHING_FOUND,
	EXIT_UNEXAMINED,
	EXIT_USAGE,
	isAbort,
	usageError,
} from "./exit-code.ts";
import { ledgerFate, type PoolCounts, poolCounts, poolMismatches } from "./lab-ledger.ts";
import { nameMismatches } from "./lab-names.ts";
import { recordTrial } from "./lab-record.ts";
import { renderTrialTable, type TrialRow } from "./lab-table.ts";
import { runTrial } from "./lab-trial.ts";

export interface LabRunFlags {
	readonly all?: boolean;
	readonly json?: boolean;
	readonly record?: boolean;
	readonly runs: number;
	readonly window: number;
	readonly go?: string;
	readonly build: BuildVariant | "all";
	readonly ledger?: boolean;
}

const RUNS_MAX = 1000;

export async function runLab(this: CliContext, flags: LabRunFlags, ...names: string[]): Promise<void> {
	if ((flags.all === true) === names.length > 0) throw usageError("name programs, or say --all", "lab run");
	if (flags.runs > RUNS_MAX) throw usageError(`--runs goes up to ${RUNS_MAX}`, "lab run");
	const scenarios = flags.all ? listScenarios() : names.map(namedScenario);
	const builds = flags.build === "all" ? BUILD_VARIANTS : [flags.build];
	const servers = openServers();
	const rows: TrialRow[] = [];
	try {
		for (let run = 1; run <= flags.runs; run++) {
			for (const scenario of scenarios) {
				for (const go of toolchains(scenario, flags.go)) {
					for (const build of builds)
						rows.push(await tryOnce(this, { scenario, run, go, build, flags, servers }));
				}
			}
		}
	} finally {
		this.progress.step("stopping the databases");
		await servers.stop();
		this.progress.done();
	}
	const good = rows.every(({ mismatches }) => mismatches.length === 0);
	const text = flags.json
		? `${JSON.stringify({ schema: "plumbline.lab-run/1", good, trials: rows }, null, 2)}\n`
		: renderTrialTable(rows);
	this.process.stdout.write(text);
	this.process.exitCode = good ? EXIT_NOTHING_FOUND : EXIT_FINDINGS;
}

function namedScenario(name: string): Scenario {
	try {
		return loadScenario(name);
	} catch (error) {
		throw new CommandError(error instanceof Error ? error.message : String(error), EXIT_USAGE, error);
	}
}

function toolchains({ go }: Scenario, asked: string | undefined): readonly string[] {
	if (asked === "each") return go;
	return [asked ?? go[0] ?? "local"];
}

interface Attempt {
	readonly scenario: Scenario;
	readonly run: number;
	readonly go: string;
	readonly build: BuildVariant;
	readonly flags: LabRunFlags;
	readonly servers: Servers;
}

/** A trial that fails is a row that says so: the others still run. */
async function tryOnce(
	context: CliContext,
	{ scenario, run, go, build, flags, servers }: Attempt,
): Promise<TrialRow> {
	const startedMs = performance.now();
	const label = `${scenario.name} (run ${run} of ${flags.runs}): `;
	const row = (
		expect: Expectation,
		told: Pick<TrialRow, "found" | "ledger" | "noLedger" | "mismatches" | "verdictSeconds"> &
			Partial<PoolCounts>,
	): TrialRow => ({
		scenario: scenario.name,
		run,
		go,
		build,
		expected: expectedText(expect),
		...told,
		seconds: (performance.now() - startedMs) / 1000,
	});
	try {
		const ledger = flags.ledger === undefined ? {} : { ledger: flags.ledger };
		const plan = { name: scenario.name, windowMs: flags.window, go, build, ...ledger, servers, label };
		const { capture, signals, verdict, verdictMs, stage } = await runTrial(context, plan);
		const { diagnosis } = verdict;
		if (flags.record && run === flags.runs) {
			const version = go === scenario.go[0] ? "" : `.${go}`;
			const how = build === "normal" ? "" : `.${build}`;
			await recordTrial(`${scenario.name}${version}${how}`, capture, context.signal);
		}
		const fate = ledgerFate(capture, flags.ledger);
		const excused = fate.kind === "excused" ? scenario.withoutLedger : undefined;
		const expect = excused ?? scenario.expect;
		// A service without a database may leak and yet borrow nothing; so may one whose pool only churns.
		const borrowed =
			(scenario.staged.inUse ?? 0) > 0 || (!("none" in expect) && expect.first.holder !== undefined);
		const needed = !("none" in expect) && borrowed && scenario.database !== "none";
		const isMissed = fate.kind === "missing" || (fate.kind === "needless" && needed);
		const counts = poolCounts(scenario, signals);
		const server = stage.names === undefined ? {} : { server: stage.names.address };
		return row(expect, {
			found: foundText(diagnosis),
			verdictSeconds: verdictMs / 1000,
			ledger: fate.kind === "kept",
			...(fate.kind === "kept" ? {} : { noLedger: fate.why }),
			...counts,
			mismatches: [
				...compareVerdict({ expect, ...server }, diagnosis),
				...(isMissed ? ["expected a borrow ledger, none was kept"] : []),
				...nameMismatches(scenario, signals),
				...poolMismatches(scenario, signals.ledgers.at(-1)?.value, counts),
			],
		});
	} catch (error) {
		if (isAbort(error)) throw error;
		if (error instanceof NoServiceError && go === "local") {
			const why = `the lab's programs cannot be built here: ${error.message}`;
			throw new CommandError(why, EXIT_UNEXAMINED, error);
		}
		const why = error instanceof Error ? error.message : String(error);
		return row(scenario.expect, { found: "", ledger: false, mismatches: [why] });
	}
}

function expectedText(expect: Expectation): string {
	if ("none" in expect) return "nothing";
	const { id, level, count } = expect.first;
	const number = typeof count === "number" ? String(count) : `${count.min}-${count.max}`;
	return `${id} ${level} ${number}`;
}

function foundText({ findings }: Diagnosis): string {
	const first = findings[0];
	if (!first) return "nothing";
	const place = first.holder ? ` ${first.holder.file.split("/").at(-1)}:${first.holder.line}` : "";
	return `${first.id} ${first.level} ${first.count}${place}`;
}
