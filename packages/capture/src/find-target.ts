/** What can be found about a target before the window opens: from a pid its ports, from a port its pid. */
import type { Target } from "@plumbline/signals/capture";
import type { Recorder } from "./recorder.ts";
import { pidBehind, processRuns } from "./target.ts";
import { within } from "./within.ts";

/** There is nothing to examine. The message says so for people. */
export class TargetError extends Error {
	override readonly name = "TargetError";
}

type Given = Pick<Target, "pid" | "pprof" | "metrics" | "db">;

export async function findTarget(
	recorder: Recorder,
	{ pid, pprof, metrics, db }: Given,
	limits: { readonly ms: number; readonly signal: AbortSignal },
): Promise<Given> {
	if (pid !== undefined && !(await processRuns(pid))) {
		throw new TargetError(`no process with id ${pid} runs on this host`);
	}
	const given = { pid, pprof, metrics, db };
	const owner = pid ?? (await findPid(recorder, pprof ?? metrics, limits));
	return Object.fromEntries(
		Object.entries({ ...given, pid: owner }).filter(([, value]) => value !== undefined),
	);
}

async function findPid(
	recorder: Recorder,
	url: string | undefined,
	limits: { readonly ms: number; readonly signal: AbortSignal },
): Promise<number | undefined> {
	const names = { line: "sockets", what: "sockets" } as const;
	if (url === undefined) {
		recorder.gap({ ...names, why: "no process is known; give --pid", weight: "loss" });
		return undefined;
	}
	const found = await within(recorder, { ...names, ...limits }, (signal) => pidBehind(url, signal));
	if (typeof found === "object") recorder.gap({ ...names, why: found.why, weight: "loss" });
	return typeof found === "number" ? found : undefined;
}
