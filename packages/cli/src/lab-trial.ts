/** One scenario of the lab, from staging to a verdict: what `lab run` and `demo` both do. */
import { setTimeout } from "node:timers/promises";
import type { BuildVariant } from "@plumbline/lab/build-service";
import type { Servers } from "@plumbline/lab/servers";
import { NoServiceError, type Stage, stageScenario } from "@plumbline/lab/stage";
import type { Capture } from "@plumbline/signals/capture";
import { decodeCapture } from "@plumbline/signals/decode";
import type { Signals } from "@plumbline/signals/signals";
import type { CliContext } from "./context.ts";
import { CommandError, EXIT_UNEXAMINED } from "./exit-code.ts";
import { dnsComparison } from "./lab-names.ts";
import { captureLive } from "./live-capture.ts";
import { type Verdict, verdictOf } from "./verdict.ts";

interface TrialPlan {
	readonly name: string;
	readonly windowMs: number;
	/** `local` or `go1.22.12`; the scenario's first where absent. */
	readonly go?: string;
	/** How it is built; as `go build` does by itself where absent. */
	readonly build?: BuildVariant;
	/** As of diagnose: false leaves the ledger out. */
	readonly ledger?: boolean;
	/** Shared over several trials. */
	readonly servers?: Servers;
	/** What the status line says before each step. */
	readonly label: string;
	/** Called while the stage stands, before the capture. */
	readonly onStaged?: (stage: Stage) => void;
}

export interface Trial {
	readonly capture: Capture;
	readonly signals: Signals;
	readonly verdict: Verdict;
	/** From the start of the diagnosis to its verdict. */
	readonly verdictMs: number;
	readonly stage: Pick<Stage, "scenario" | "pid" | "names">;
}

/** Whatever happens, the service and what the trial started are gone when this settles. */
export async function runTrial(context: CliContext, plan: TrialPlan): Promise<Trial> {
	const { signal, progress } = context;
	const step = (text: string) => progress.step(`${plan.label}${text}`);
	const stage = await staged(signal, () =>
		stageScenario(plan.name, {
			signal,
			onStep: step,
			...(plan.go === undefined ? {} : { goToolchain: plan.go }),
			...(plan.build === undefined ? {} : { variant: plan.build }),
			...(plan.servers === undefined ? {} : { servers: plan.servers }),
		}),
	);
	try {
		plan.onStaged?.(stage);
		stage.leakOn();
		const { pid, db, scenario } = stage;
		const told = { ...context, progress: { ...progress, step } };
		const database = db === undefined ? {} : { db };
		const ledger = plan.ledger === undefined ? {} : { ledger: plan.ledger };
		const { profileSeconds } = scenario;
		const profile = profileSeconds === undefined ? {} : { profileSeconds };
		const startedMs = performance.now();
		const capture = await captureLive(told, {
			pid,
			...database,
			windowMs: plan.windowMs,
			...ledger,
			...profile,
			...dnsComparison(stage),
		});
		const signals = decodeCapture(capture);
		const verdict = verdictOf(signals, {});
		const verdictMs = performance.now() - startedMs;
		return { capture, signals, verdict, verdictMs, stage };
	} finally {
		step("cleaning up");
		await stage.stop();
		progress.done();
	}
}

/** Long enough for a signal that is on its way. */
const SIGNAL_MS = 50;

/**
 * Ctrl-C on a terminal reaches the database and the compiler too, and their end may be noticed before
 * our own signal is: an error right beside an interrupt is the interrupt. Any other is this machine's.
 */
async function staged(signal: AbortSignal, stage: () => Promise<Stage>): Promise<Stage> {
	try {
		return await stage();
	} catch (error) {
		await setTimeout(SIGNAL_MS);
		signal.throwIfAborted();
		if (error instanceof NoServiceError) throw error;
		const why = error instanceof Error ? error.message : String(error);
		throw new CommandError(`the lab cannot be set up here: ${why}`, EXIT_UNEXAMINED, error);
	}
}
