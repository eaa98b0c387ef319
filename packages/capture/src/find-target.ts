/** What can be found about a target before the window opens: from a pid its ports, from a port its pid. */
import type { GapLine, Target } from "@plumbline/signals/capture";
import { type EndpointQuery, type EndpointSearch, findMetrics, findPprof } from "./listeners.ts";
import type { Reach } from "./reach.ts";
import type { Recorder } from "./recorder.ts";
import { pidBehind, whyNotRunning } from "./target.ts";
import { within } from "./within.ts";

/** There is nothing to examine. The message says so for people. */
class TargetError extends Error {
	override readonly name = "TargetError";
}

type Given = Pick<Target, "pid" | "pprof" | "metrics" | "db">;

export interface FoundTarget extends Given {
	/** How endpoints that were found, not given, are reached. */
	readonly reach: { readonly pprof?: Reach; readonly metrics?: Reach };
}

interface Limits {
	readonly ms: number;
	readonly signal: AbortSignal;
}

export async function findTarget(recorder: Recorder, given: Given, limits: Limits): Promise<FoundTarget> {
	const gone = given.pid === undefined ? undefined : whyNotRunning(given.pid);
	if (gone !== undefined) throw new TargetError(gone);
	const { db } = given;
	const pid = given.pid ?? (await findPid(recorder, given.pprof ?? given.metrics, limits));
	const [pprof, metrics] = await Promise.all([
		given.pprof === undefined ? endpoint(recorder, PPROF, pid, limits) : { url: given.pprof, reach: {} },
		given.metrics === undefined
			? endpoint(recorder, METRICS, pid, limits)
			: { url: given.metrics, reach: {} },
	]);
	if (db === undefined) recorder.gap(NO_DATABASE);
	return {
		...(pid === undefined ? {} : { pid }),
		...(pprof === undefined ? {} : { pprof: pprof.url }),
		...(metrics === undefined ? {} : { metrics: metrics.url }),
		...(db === undefined ? {} : { db }),
		reach: {
			...(pprof === undefined ? {} : { pprof: pprof.reach }),
			...(metrics === undefined ? {} : { metrics: metrics.reach }),
		},
	};
}

const NO_DATABASE = {
	line: "pool",
	what: "database sessions",
	why: "no database was given; --db postgres://… or mysql://… reads its sessions",
	weight: "note",
} as const;

/** One kind of endpoint a service may have. */
interface Endpoint {
	readonly line: GapLine;
	readonly what: string;
	readonly flag: string;
	readonly find: (query: EndpointQuery) => Promise<EndpointSearch>;
}

const PPROF: Endpoint = { line: "runtime", what: "goroutines", flag: "--pprof", find: findPprof };
const METRICS: Endpoint = { line: "pool", what: "metrics", flag: "--metrics", find: findMetrics };

async function endpoint(
	recorder: Recorder,
	{ line, what, flag, find }: Endpoint,
	pid: number | undefined,
	limits: Limits,
): Promise<EndpointSearch["found"]> {
	const hint = `give ${flag} URL if the service has it`;
	if (pid === undefined) {
		recorder.gap({ line, what, why: `no address is known; ${hint}`, weight: "loss" });
		return undefined;
	}
	const search = await within(recorder, { line, what, ...limits }, (signal) => find({ pid, signal }));
	if (search?.why !== undefined) recorder.gap({ line, what, why: `${search.why}; ${hint}`, weight: "loss" });
	return search?.found;
}

async function findPid(
	recorder: Recorder,
	url: string | undefined,
	limits: Limits,
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
