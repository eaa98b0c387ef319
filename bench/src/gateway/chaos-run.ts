/**
 * One scenario from its start to its verdict.
 *
 *   upstreams, gateway ─▶ warm up ─▶ at rest: heap, sockets ─▶ load, sessions, play ─▶ at rest again: compared, diagnosed
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ChaosGateway } from "@plumbline/gateway/testing/chaos-gateway";
import { ChaosLoad, type LoadRecord } from "@plumbline/gateway/testing/chaos-load";
import {
	type ChaosUpstream,
	startChaosUpstreams,
	startChaosUpstreamsOn,
} from "@plumbline/gateway/testing/chaos-upstream";
import { type Scenario, Sessions, type Stage, wait } from "./chaos-stage.ts";

export interface Verdict {
	readonly name: string;
	readonly seconds: number;
	readonly sent: number;
	readonly answered: number;
	/** Failed, and the scenario's rules let them. */
	readonly allowed: number;
	readonly sessionsBroken: number;
	readonly p50Ms: number;
	readonly p99Ms: number;
	readonly heapMoreBytes: number | undefined;
	readonly violations: readonly string[];
	readonly told: readonly string[];
}

const PER_SECOND = 200;
const WARM_UP_REQUESTS = 2_000;
const WARM_UP_PER_SECOND = 500;
const SESSIONS = 20;
const REST_MS_MAX = 20_000;
const REST_STEP_MS = 250;
/** Caches of code and of metrics still grow a little after the warm-up. */
const HEAP_MORE_BYTES_MAX = 4 * 1024 * 1024;
const DIAGNOSE_WINDOW = "6s";
const SHOWN_MAX = 5;
const MAIN = fileURLToPath(new URL("../../../packages/cli/src/main.ts", import.meta.url));

export async function runScenario(scenario: Scenario, seconds: number): Promise<Verdict> {
	const upstreams =
		typeof scenario.upstreams === "number"
			? await startChaosUpstreams(scenario.upstreams)
			: await startChaosUpstreamsOn(scenario.upstreams);
	const gateway = new ChaosGateway();
	try {
		const env = (await scenario.prepare?.(upstreams)) ?? {};
		await gateway.start(scenario.config(upstreams), { env, inspect: scenario.workers !== 2 });
		return await judge(scenario, seconds, upstreams, gateway);
	} finally {
		await gateway.stop();
		for (const upstream of upstreams) await upstream.kill();
		await scenario.clear?.();
	}
}

async function judge(
	scenario: Scenario,
	seconds: number,
	upstreams: readonly ChaosUpstream[],
	gateway: ChaosGateway,
): Promise<Verdict> {
	const { perSecond = PER_SECOND, posts = 2, sessions: count = SESSIONS } = scenario;
	const { port } = gateway;
	const isOne = scenario.workers !== 2;
	const warmUp = new ChaosLoad({ port, perSecond: Math.min(perSecond, WARM_UP_PER_SECOND), posts });
	await warmUp.more(Math.min(WARM_UP_REQUESTS, perSecond * 10));
	await warmUp.stop();
	await scenario.warm?.(gateway);
	const violations: string[] = [];
	if (isOne) await atRest(gateway, violations);
	const heapBefore = isOne ? await gateway.heapBytes() : 0;
	const socketsBefore = gateway.sockets();
	const load = new ChaosLoad({ port, perSecond, posts });
	const sessions = new Sessions(() => gateway.port, "/session", count);
	const stage: Stage = { upstreams, gateway, load, sessions, violations, outages: [], told: [] };
	for (const failure of warmUp.failures)
		if (!scenario.allows(failure, stage)) violations.push(`warm-up: ${words(failure, 0)}`);
	await sessions.opened();
	const beganMs = performance.now();
	await scenario.play(stage, beganMs + seconds * 1_000);
	await load.stop();
	sessions.end();
	await scenario.check?.(stage);
	const bad = load.failures.filter((failure) => !scenario.allows(failure, stage));
	for (const failure of bad.slice(0, SHOWN_MAX)) violations.push(words(failure, beganMs));
	if (bad.length > SHOWN_MAX) violations.push(`and ${bad.length - SHOWN_MAX} more failed requests`);
	const broken = sessions.ends.filter((end) => scenario.allowsEnd?.(end, stage) !== true);
	for (const { kind, server, why, endedMs } of broken.slice(0, SHOWN_MAX))
		violations.push(`${kind} on ${server} broken at ${seconds2(endedMs - beganMs)}: ${why}`);
	if (broken.length > SHOWN_MAX) violations.push(`and ${broken.length - SHOWN_MAX} more broken sessions`);
	violations.push(...workedOnTwice(upstreams));
	if (load.skipped > 0) stage.told.push(`the load left out ${load.skipped} (this machine was late)`);
	let heapMoreBytes: number | undefined;
	if (scenario.ends !== true && isOne) {
		await atRest(gateway, violations);
		heapMoreBytes = (await gateway.heapBytes()) - heapBefore;
		if (heapMoreBytes > HEAP_MORE_BYTES_MAX)
			violations.push(`${heapMoreBytes} bytes more in use than before`);
		let sockets = gateway.sockets();
		// The inspector's and the admin server's own connections take a moment to go.
		for (let ms = 0; sockets > socketsBefore && ms < REST_MS_MAX; ms += REST_STEP_MS) {
			await wait(REST_STEP_MS);
			sockets = gateway.sockets();
		}
		if (sockets > socketsBefore) violations.push(`${sockets} sockets, ${socketsBefore} before`);
		violations.push(...(await findings(gateway)));
	}
	for (const line of gateway.lines) if (/trouble|ended:|crash/i.test(line)) stage.told.push(line);
	return {
		name: scenario.name,
		seconds: Math.round((performance.now() - beganMs) / 1_000),
		sent: load.sent,
		answered: load.answered,
		allowed: load.failures.length - bad.length,
		sessionsBroken: sessions.ends.length,
		p50Ms: load.percentile(0.5),
		p99Ms: load.percentile(0.99),
		heapMoreBytes,
		violations,
		told: stage.told,
	};
}

/** Nothing under way, nobody connected, and idle connections to upstreams have gone by their time limit. */
async function atRest(gateway: ChaosGateway, violations: string[]): Promise<void> {
	let rest: string[] = [];
	for (let ms = 0; ms < REST_MS_MAX; ms += REST_STEP_MS) {
		rest = [];
		for (const { exchanges, listeners } of await gateway.processes()) {
			if (exchanges > 0) rest.push(`${exchanges} exchanges`);
			for (const { connections } of listeners) if (connections > 0) rest.push(`${connections} clients`);
		}
		for (const { id, inFlight, pool } of await gateway.endpoints()) {
			const { open, connecting, inUse, waiting } = pool;
			if (open + connecting + waiting + inFlight > 0)
				rest.push(
					`${id}: ${inFlight} in flight, ${open} open (${inUse} in use), ${connecting} connecting, ${waiting} waiting`,
				);
		}
		if (rest.length === 0) return;
		await wait(REST_STEP_MS);
	}
	violations.push(...rest.map((what) => `left over after ${REST_MS_MAX / 1_000} s: ${what}`));
}

/** What our own diagnosis has to say of the gateway at rest. */
async function findings(gateway: ChaosGateway): Promise<string[]> {
	const where = ["--pid", String(gateway.pid), "--metrics", gateway.metrics];
	const args = [MAIN, "diagnose", "--json", "--no-ledger", "--window", DIAGNOSE_WINDOW, ...where];
	const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
	let stdout = "";
	let stderr = "";
	child.stdout.on("data", (bytes) => {
		stdout += bytes;
	});
	child.stderr.on("data", (bytes) => {
		stderr += bytes;
	});
	await new Promise((resolve) => child.once("close", resolve));
	try {
		const report = JSON.parse(stdout) as { readonly findings: readonly { id: string; title: string }[] };
		return report.findings.map(({ id, title }) => `diagnose: ${id}: ${title}`);
	} catch {
		return [`diagnose said nothing: ${stderr.slice(0, 200)}`];
	}
}

function workedOnTwice(upstreams: readonly ChaosUpstream[]): string[] {
	const seen = new Set<string>();
	const twice: string[] = [];
	for (const { id, posts } of upstreams)
		for (const body of posts) {
			if (seen.has(body)) twice.push(`POST ${body} was worked on twice, the second time by ${id}`);
			seen.add(body);
		}
	return twice.slice(0, SHOWN_MAX);
}

function words({ method, kind, status, reused, detail, ...at }: LoadRecord, beganMs: number): string {
	const when = `${seconds2(at.beganMs - beganMs)} to ${seconds2(at.endedMs - beganMs)}`;
	return `${method} ${when}: ${kind} ${status}${reused ? ", reused" : ""}: ${detail.split("\n")[0]}`;
}

function seconds2(ms: number): string {
	return `${(ms / 1_000).toFixed(2)} s`;
}
