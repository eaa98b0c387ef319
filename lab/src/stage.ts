/**
 * Brings the world to the state a scenario's capture is taken in: database up, service running, its
 * fault brought out and seen by an independent look, healthy traffic flowing on the same code path.
 */
import { type BuildVariant, buildService } from "./build-service.ts";
import { startDrip } from "./drip.ts";
import { type Load, type Provoked, provoke, startLoad } from "./load.ts";
import { having, lookCarrierPort, lookGoroutines, lookInUse, lookSessions } from "./look.ts";
import { lookSockets, lookTimeWait } from "./look-sockets.ts";
import { type NameServer, startNameServer } from "./name-server.ts";
import { openPlace, type Place } from "./place.ts";
import { type RunningService, runService } from "./run-service.ts";
import { loadScenario, type Scenario, type Staged } from "./scenario.ts";
import { openServers, type Servers } from "./servers.ts";

export interface StageOptions {
	readonly signal?: AbortSignal;
	/** Default: the first the scenario names. `local` = the installed Go. */
	readonly goToolchain?: string;
	/** Default: normal. */
	readonly variant?: BuildVariant;
	/** Shared servers, left running. Without them the stage starts and stops its own. */
	readonly servers?: Servers;
	/** Told what is being done, for progress. */
	readonly onStep?: (step: string) => void;
}

export interface Stage {
	readonly scenario: Scenario;
	readonly pid: number;
	/** `http://127.0.0.1:port/debug/pprof` */
	readonly pprof: string;
	readonly metrics: string;
	/** Monitoring URL: sees every session, changes nothing. Absent where there is no database. */
	readonly db?: string;
	readonly service: RunningService;
	/** Absent where the service resolves names as this host does. */
	readonly names?: Pick<NameServer, "address" | "trusted">;
	/** Absent where the scenario has no background traffic. */
	readonly load?: Load;
	/** Lets the leak go on, slowly, where the scenario says so. Until then its count stands still. */
	leakOn(): void;
	/** Removes all of it. May be called twice. */
	stop(): Promise<void>;
}

/** The service could not be built: no Go here, or the build failed. */
export class NoServiceError extends Error {
	readonly code: "PLUMBLINE_LAB_NO_GO" | "PLUMBLINE_LAB_BUILD_FAILED";
	constructor(build: { readonly kind: "no-go" | "failed"; readonly why: string }) {
		super(build.why);
		this.code = build.kind === "no-go" ? "PLUMBLINE_LAB_NO_GO" : "PLUMBLINE_LAB_BUILD_FAILED";
	}
}

/** Background answers seen before the stage counts as set (a second's worth if that is fewer). */
const WARM_ANSWERS = 40;
const STAGED_MS_MAX = 30_000;
const POLL_MS = 100;

export async function stageScenario(name: string, options: StageOptions = {}): Promise<Stage> {
	const { signal, onStep = () => {} } = options;
	const scenario = loadScenario(name);
	const undo: (() => Promise<void> | void)[] = [];
	const stop = async () => {
		for (let step = undo.pop(); step; step = undo.pop()) await step();
	};
	try {
		onStep("building the service");
		const { goToolchain: toolchain = scenario.go[0] ?? "local", variant = "normal" } = options;
		const build = await buildService({ toolchain, variant, ...(signal ? { signal } : {}) });
		if (build.kind !== "built") throw new NoServiceError(build);

		if (scenario.database !== "none") onStep("starting the database");
		const servers = options.servers ?? openServers();
		if (!options.servers) undo.push(() => servers.stop());
		const place = await openPlace(scenario, servers);
		undo.push(() => place.close());

		onStep("starting the service");
		const names = scenario.naming && (await startNameServer(scenario.naming));
		if (names) undo.push(() => names.stop());
		const run = { ...(names ? { resolvConf: names.resolvConf } : {}), ...(signal ? { signal } : {}) };
		const service = await runService(build.path, name, place.serviceUrl, run);
		undo.push(() => service.stop());
		if (scenario.outsider) await place.holdOutsider(scenario.outsider);

		onStep("bringing the fault out");
		const load = await bringOut(scenario, service, place, undo, signal);
		return {
			scenario,
			pid: service.pid,
			pprof: service.pprof,
			metrics: service.metrics,
			...(place.monitoringUrl === undefined ? {} : { db: place.monitoringUrl }),
			service,
			...(names ? { names } : {}),
			...(load ? { load } : {}),
			leakOn: () => {
				if (!scenario.drip) return;
				const drip = startDrip(service.base, scenario.drip);
				undo.push(() => drip.stop());
			},
			stop,
		};
	} catch (error) {
		await stop();
		throw error;
	}
}

async function bringOut(
	scenario: Scenario,
	service: RunningService,
	place: Place,
	undo: (() => void)[],
	signal: AbortSignal | undefined,
): Promise<Load | undefined> {
	const startBackground = async () => {
		if (!scenario.background) return undefined;
		const load = startLoad(service.base, scenario.background);
		undo.push(() => load.stop());
		const warm = Math.min(WARM_ANSWERS, scenario.background.perSecond);
		const rareMin = scenario.background.rare?.min ?? 0;
		await poll(signal, "background traffic", async () => {
			const { statuses, rare } = load.counts();
			return (statuses[200] ?? 0) >= warm && rare >= rareMin ? undefined : JSON.stringify(statuses);
		});
		return load;
	};
	// Where the fault comes out of the traffic itself, the traffic comes first.
	const early = scenario.background?.rare ? await startBackground() : undefined;
	const exact = early === undefined;
	const provoked: Provoked[] = [];
	for (const provocation of scenario.provoke) {
		const one = provoke(service.base, provocation);
		provoked.push(one);
		undo.push(() => one.stop());
		if (provocation.until === "answered") await one.answered;
		const { settled } = provocation;
		if (settled) await poll(signal, provocation.path, () => unlike(settled, service, place, exact));
	}
	await poll(signal, scenario.name, () => unlike(scenario.staged, service, place, exact));
	return early ?? startBackground();
}

/** What the world lacks to be as staged; undefined when nothing. */
async function unlike(
	staged: Staged,
	service: RunningService,
	place: Place,
	exact: boolean,
): Promise<string | undefined> {
	const wrong: string[] = [];
	const compare = (what: string, found: number, wanted: number) => {
		if (exact ? found !== wanted : found < wanted) wrong.push(`${what} ${found}, wanted ${wanted}`);
	};
	if (staged.goroutines) {
		const goroutines = await lookGoroutines(service.pprof);
		for (const [func, wanted] of Object.entries(staged.goroutines))
			compare(func, having(goroutines, func).size, wanted);
	}
	if (staged.sessions && place.monitoringUrl !== undefined) {
		const sessions = await lookSessions(place.monitoringUrl);
		for (const [state, wanted] of Object.entries(staged.sessions))
			compare(state, sessions[state] ?? 0, wanted);
	}
	if (staged.inUse !== undefined)
		compare("in use", (await lookInUse(service.metrics)) ?? Number.NaN, staged.inUse);
	if (staged.sockets) {
		const sockets = lookSockets(service.pid);
		for (const [state, wanted] of Object.entries(staged.sockets)) compare(state, sockets[state] ?? 0, wanted);
	}
	if (staged.timeWait) {
		const found = lookTimeWait(service.pid, await lookCarrierPort(service.base));
		const { min, max } = staged.timeWait;
		if (found < min || found > max) wrong.push(`TIME_WAIT ${found}, wanted ${min} to ${max}`);
	}
	return wrong.length === 0 ? undefined : wrong.join("; ");
}

async function poll(
	signal: AbortSignal | undefined,
	what: string,
	check: () => Promise<string | undefined>,
): Promise<void> {
	const until = performance.now() + STAGED_MS_MAX;
	for (;;) {
		signal?.throwIfAborted();
		const missing = await check();
		if (missing === undefined) return;
		if (performance.now() > until)
			throw new Error(`${what}: not staged after ${STAGED_MS_MAX} ms: ${missing}`);
		await new Promise((resolve) => setTimeout(resolve, POLL_MS));
	}
}
