/**
 * The lab's own proof: every scenario is staged for real, and sources that share no code with
 * Plumbline's decoders (the pool's counters, pg_stat_activity, a plain reading of the dump) must find
 * exactly what its file says is leaked, and nothing in the healthy ones.
 */
import assert from "node:assert/strict";
import { after, type TestContext, test } from "node:test";
import { MissingProgramError } from "./debian-program.ts";
import { having, lookGoroutines, lookInUse, lookSessions } from "./look.ts";
import { NoNameServerError } from "./name-server.ts";
import { listScenarios, type Scenario } from "./scenario.ts";
import { openServers } from "./servers.ts";
import { NoServiceError, type Stage, type StageOptions, stageScenario } from "./stage.ts";

const TX_OPEN = "database/sql.(*Tx).awaitDone";
const HEALED_MS_MAX = 30_000;

const servers = openServers();
after(() => servers.stop());

for (const scenario of listScenarios()) {
	for (const goToolchain of toolchains(scenario)) {
		test(`${scenario.name} on ${goToolchain} is staged as its file says`, async (t) => {
			await onStage(t, scenario.name, { goToolchain, servers }, (stage) => proveStaged(scenario, stage));
		});
	}
}

test("what ctx-timeout-outside leaves open is gone when its deadline has passed", async (t) => {
	await onStage(t, "ctx-timeout-outside", { servers }, async (stage) => {
		await stage.load?.pause();
		const until = performance.now() + HEALED_MS_MAX;
		let found = { open: Number.NaN, inUse: await lookInUse(stage.metrics) };
		assert.equal(found.inUse, 13);
		while ((found.open !== 0 || found.inUse !== 0) && performance.now() < until) {
			const open = having(await lookGoroutines(stage.pprof), TX_OPEN).size;
			found = { open, inUse: await lookInUse(stage.metrics) };
		}
		assert.deepEqual(found, { open: 0, inUse: 0 });
		assert.ok(stage.db);
		assert.equal((await lookSessions(stage.db))["idle in transaction"] ?? 0, 0);
	});
});

test("an aborted staging leaves no service behind", async (t) => {
	const gate = new AbortController();
	let service: number | undefined;
	try {
		const stage = await stageScenario("tx-panic", {
			servers,
			signal: gate.signal,
			onStep: (step) => {
				if (step === "bringing the fault out") gate.abort(new Error("enough"));
			},
		});
		service = stage.pid;
		await stage.stop();
		assert.fail("was staged although aborted");
	} catch (error) {
		if (skippedFor(t, error)) return;
		assert.match(String(error), /enough/);
		assert.equal(service, undefined);
	}
});

/** The first of each by default; all of them where asked for, since each costs a build. */
function toolchains({ go }: Scenario): readonly string[] {
	return process.env.LAB_TOOLCHAINS === "each" ? go : go.slice(0, 1);
}

async function onStage(
	t: TestContext,
	name: string,
	options: StageOptions,
	prove: (stage: Stage) => Promise<void>,
): Promise<void> {
	let stage: Stage;
	try {
		stage = await stageScenario(name, options);
	} catch (error) {
		if (skippedFor(t, error)) return;
		throw error;
	}
	try {
		await prove(stage);
	} finally {
		await stage.stop();
	}
	assert.throws(() => process.kill(stage.pid, 0), { code: "ESRCH" }, "the service is still there");
}

/**
 * True, and the test skipped, where the machine lacks Go or a database, which in CI fails the whole run, or a right,
 * which does not.
 */
function skippedFor(t: TestContext, error: unknown): boolean {
	if (error instanceof NoNameServerError) {
		t.skip(`not possible here: ${error.message}`);
		return true;
	}
	const noGo = error instanceof NoServiceError && error.code === "PLUMBLINE_LAB_NO_GO";
	if (!noGo && !(error instanceof MissingProgramError)) return false;
	t.skip(`missing tool: ${noGo ? "go" : error.message}`);
	return true;
}

async function proveStaged(scenario: Scenario, stage: Stage): Promise<void> {
	await proveLasting(scenario, stage);
	const { background, staged } = scenario;
	// Where the traffic itself leaks, numbers rise: the exact ones were seen before it began.
	if (background?.rare || background?.requestsMax) return;
	await stage.load?.pause();
	for (const status of Object.keys(stage.load?.counts().statuses ?? {})) assert.equal(status, "200");
	if (stage.db === undefined) return;
	const sessions = await lookSessions(stage.db);
	for (const [state, count] of Object.entries({ "idle in transaction": 0, ...staged.sessions })) {
		if (scenario.database !== "pgbouncer") assert.equal(sessions[state] ?? 0, count, state);
	}
	const inUse = await lookInUse(stage.metrics);
	// The gorm plugin's counters are up to 15 s old: exact at staging, not a moment after.
	if (scenario.name !== "rows-unclosed-gorm") assert.equal(inUse, staged.inUse);
}

/** What is leaked outlives the requests that were under way: the same goroutines are there after. */
async function proveLasting({ staged, background, database }: Scenario, stage: Stage): Promise<void> {
	if (!stage.load) return;
	const before = await lookGoroutines(stage.pprof);
	await stage.load.turnover();
	const later = await lookGoroutines(stage.pprof);
	for (const [func, count] of Object.entries({ [TX_OPEN]: 0, ...staged.goroutines })) {
		const after = having(later, func);
		const lasting = [...having(before, func)].filter((id) => after.has(id)).length;
		// Sound goroutines of the same function may live as long as a turnover; transactions may not.
		const mayRise = background?.rare || background?.requestsMax || database === "none";
		if (mayRise) assert.ok(lasting >= count, `${func}: ${lasting}`);
		else assert.equal(lasting, count, func);
	}
}
