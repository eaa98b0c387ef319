/**
 * What a diagnosis costs the service: `node bench/src/overhead.ts [--rounds 5]`.
 *
 * Starts the lab's healthy service on a real PostgreSQL and keeps it as busy as a few callers can, in phases
 * of one window: alone, and beside `plumbline diagnose --pid --db`, in turn. Service, database, callers and
 * Plumbline share this machine, so Plumbline's own CPU is in the figure as it would be on a production host.
 * Prints requests per second and the 99th percentile as Markdown, with their ratios pair by pair.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, get } from "node:http";
import { availableParallelism, release } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildService } from "@plumbline/lab/build-service";
import { openPlace } from "@plumbline/lab/place";
import { runService } from "@plumbline/lab/run-service";
import { loadScenario } from "@plumbline/lab/scenario";
import { openServers } from "@plumbline/lab/servers";

const ROUNDS_MAX = 20;
const CALLERS = 16;
const PHASE_MS = 11_000;
/** A phase ends by its time; this bounds it should the service answer impossibly fast. */
const PHASE_REQUESTS_MAX = 500_000;
const LAUNCHER = join(import.meta.dirname, "..", "..", "packages", "cli", "bin", "plumbline");

const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const rounds = Math.min(ROUNDS_MAX, Number(values.rounds));

interface Phase {
	readonly perSecond: number;
	readonly p99Ms: number;
	/** Answers other than 200, and requests that broke off. */
	readonly failed: number;
}

const servers = openServers();
try {
	const scenario = loadScenario("healthy-busy");
	const build = await buildService();
	if (build.kind !== "built") throw new Error(build.why);
	const place = await openPlace(scenario, servers);
	const { monitoringUrl } = place;
	if (monitoringUrl === undefined) throw new Error(`${scenario.name} has no database`);
	const service = await runService(build.path, scenario.name, place.serviceUrl);
	try {
		const url = `${service.base}/carts/checkout?sku=sku-1`;
		await keepBusy(url);
		const pairs: (readonly [Phase, Phase])[] = [];
		for (let round = 0; round < rounds; round++) {
			const alone = await keepBusy(url);
			const ended = diagnose(service.pid, monitoringUrl);
			const beside = await keepBusy(url);
			await ended;
			pairs.push([alone, beside]);
		}
		report(pairs);
	} finally {
		await service.stop();
		await place.close();
	}
} finally {
	await servers.stop();
}

async function diagnose(pid: number, db: string): Promise<void> {
	const args = ["diagnose", "--pid", String(pid), "--db", db];
	const [code] = await once(spawn(LAUNCHER, args, { stdio: "ignore" }), "exit");
	if (code !== 0) throw new Error(`the healthy service was not found to be so: exit ${code}`);
}

/** Calls one URL from CALLERS callers, each waiting for its answer before it asks again. */
async function keepBusy(url: string): Promise<Phase> {
	const agent = new Agent({ keepAlive: true, maxSockets: CALLERS });
	const tookMs: number[] = [];
	let failed = 0;
	const start = performance.now();
	const caller = async (): Promise<void> => {
		while (performance.now() - start < PHASE_MS && tookMs.length < PHASE_REQUESTS_MAX) {
			const asked = performance.now();
			if (!(await call(url, agent))) failed++;
			tookMs.push(performance.now() - asked);
		}
	};
	await Promise.all(Array.from({ length: CALLERS }, caller));
	const seconds = (performance.now() - start) / 1000;
	agent.destroy();
	tookMs.sort((a, b) => a - b);
	return {
		perSecond: tookMs.length / seconds,
		p99Ms: tookMs[Math.floor(tookMs.length * 0.99)] ?? Number.NaN,
		failed,
	};
}

function call(url: string, agent: Agent): Promise<boolean> {
	return new Promise((resolve) => {
		get(url, { agent }, (answer) => {
			answer.resume().on("end", () => resolve(answer.statusCode === 200));
			answer.on("error", () => resolve(false));
		}).on("error", () => resolve(false));
	});
}

function report(pairs: readonly (readonly [Phase, Phase])[]): void {
	const median = (all: readonly number[]): number =>
		all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN;
	const row = (name: string, of: (phase: Phase) => number): string => {
		const [alone, beside] = [median(pairs.map(([a]) => of(a))), median(pairs.map(([, b]) => of(b)))];
		const ratios = pairs.map(([a, b]) => of(b) / of(a)).sort((a, b) => a - b);
		const shown = [median(ratios), ratios[0], ratios.at(-1)].map((r) => (r ?? Number.NaN).toFixed(2));
		return `| ${name} | ${alone.toFixed(1)} | ${beside.toFixed(1)} | ${shown[0]} (${shown[1]} – ${shown[2]}) |`;
	};
	const machine = `${availableParallelism()} cores, Linux ${release()}`;
	console.log(`${CALLERS} callers; ${pairs.length} pairs of ${PHASE_MS / 1000} s; ${machine}\n`);
	console.log("| | alone | beside a diagnosis | ratio, median (min – max) |");
	console.log("|---|---:|---:|---:|");
	console.log(row("requests/s", (p) => p.perSecond));
	console.log(row("p99, ms", (p) => p.p99Ms));
	console.log(`\nFailed requests: ${pairs.flat().reduce((sum, p) => sum + p.failed, 0)}`);
}
