/**
 * Cached answers over UDP: what an answer costs in CPU and how many there are a second, beside other caching servers.
 *
 *     node bench/src/dns/cached.ts [--rounds 5] [--seconds 2] [--memory]
 *
 *   dnsperf (core 1) ── 10,000 names ──▶ each server in turn (core 0) ── once, to fill it ──▶ knotd, 1 zone
 *
 * Rounds are interleaved, so that whatever else this machine does hits all alike; ratios are within a round.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { freeDnsPorts } from "@plumbline/lab/dns-servers";
import { startDnsAuthority } from "@plumbline/lab/dns-servers-authority";
import { untilAnswers } from "@plumbline/lab/dns-servers-ready";
import {
	makeScratchFolder,
	removeScratchFolder,
	startTied,
	type TiedProcess,
} from "@plumbline/lab/tied-process";
import { load, median, type Run, residentBytes } from "./run.ts";
import { type CachedServer, SERVERS } from "./servers.ts";

const { values } = parseArgs({
	options: {
		rounds: { type: "string", default: "5" },
		seconds: { type: "string", default: "2" },
		memory: { type: "boolean", default: false },
	},
});
const SERVER_CORE = "0";
const LOAD_CORE = 1;
const CALM_PER_SECOND = 20_000;
/** Servers that lose questions when many are new at a time are filled gently. */
const FILL_OUTSTANDING = 50;
const names = values.memory ? 100_000 : 10_000;

interface Running {
	readonly server: CachedServer;
	readonly process: TiedProcess;
	readonly port: number;
	readonly runs: Run[];
	readonly calm: Run[];
}

const folder = makeScratchFolder();
const records = Array.from(
	{ length: names },
	(_, at) => `h${at} 86400 A 10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`,
);
const authority = await startDnsAuthority([{ origin: "bench.test", records: records.join("\n") }]);
const questions = join(folder, "questions");
writeFileSync(questions, Array.from({ length: names }, (_, at) => `h${at}.bench.test A\n`).join(""));
const running: Running[] = [];
/** From then on they are meant to end. */
let isOver = false;
try {
	if (values.memory) await memory();
	else await speed();
} finally {
	isOver = true;
	for (const { process } of running) await process.stop();
	await authority.stop();
	removeScratchFolder(folder);
}

async function start(server: CachedServer): Promise<Running | undefined> {
	const place = join(folder, server.name.replaceAll(" ", "-"));
	mkdirSync(place);
	const { port } = await freeDnsPorts(["port"]);
	const plan = server.plan(port, authority.ports.udp, place);
	if (plan === undefined) return undefined;
	const args = ["-c", SERVER_CORE, plan.program, ...plan.args];
	const process = await startTied("taskset", args, { cwd: place, env: plan.env ?? {} });
	const one = { server, process, port, runs: [], calm: [] };
	running.push(one);
	void process.ended.then(({ code, signal }) => {
		if (!isOver) console.error(`${server.name} ended (${code ?? signal}):\n${process.tail()}`);
	});
	const ready = { name: "h0.bench.test", type: "A" } as const;
	const isUp = await untilAnswers({ ports: { udp: port }, tcpPorts: [], ready });
	if (!isUp) throw new Error(`${server.name} does not answer:\n${process.tail()}`);
	return one;
}

async function fill({ port, process: { pid } }: Running): Promise<void> {
	for (let times = 0; times < 3; times++) {
		await load({ port, pid, questions, once: true, core: LOAD_CORE, outstanding: FILL_OUTSTANDING });
	}
}

async function speed(): Promise<void> {
	for (const server of SERVERS) {
		const one = await start(server);
		if (one !== undefined) await fill(one);
	}
	for (let round = 0; round < Number(values.rounds); round++) {
		for (const { process, port, runs, calm } of running) {
			const common = { port, pid: process.pid, questions, seconds: Number(values.seconds), core: LOAD_CORE };
			runs.push(await load(common));
			calm.push(await load({ ...common, rate: CALM_PER_SECOND }));
		}
	}
	const reference = running.find(({ server }) => server.name === "unbound");
	const perAnswer = ({ cpuUs, answers }: Run) => cpuUs / answers;
	/** Each round beside unbound's of the same round. */
	const ratio = (own: readonly Run[], other: readonly Run[] | undefined) =>
		median(own.map((run, at) => perAnswer(run) / perAnswer(other?.[at] ?? run)));
	console.log(`${names} names, ${values.rounds} rounds of ${values.seconds} s\n`);
	console.log(
		"| server | answers/s | CPU µs an answer | to unbound | answers per CPU-second | at 20,000/s: CPU µs | to unbound |",
	);
	console.log("|---|---:|---:|---:|---:|---:|---:|");
	for (const { server, runs, calm } of running) {
		const cpu = median(runs.map(perAnswer));
		console.log(
			`| ${server.name} | ${Math.round(median(runs.map(({ perSecond }) => perSecond)))} | ${cpu.toFixed(2)} | ${ratio(runs, reference?.runs).toFixed(2)} | ${Math.round(1e6 / cpu)} | ${median(calm.map(perAnswer)).toFixed(1)} | ${ratio(calm, reference?.calm).toFixed(2)} |`,
		);
	}
	for (const { server, runs, calm } of running) {
		const all = [...runs, ...calm];
		const lost = all.reduce((sum, run) => sum + run.lost, 0);
		if (lost > 0) console.log(`\n${server.name}: ${lost} questions without an answer`);
		if (!all.every(({ noError }) => noError)) console.log(`\n${server.name}: not all answers NOERROR`);
	}
}

async function memory(): Promise<void> {
	console.log("| server | RSS before, MB | with 100,000 names, MB | bytes a name |");
	console.log("|---|---:|---:|---:|");
	for (const server of SERVERS) {
		const one = await start(server);
		if (one === undefined) continue;
		const { pid } = one.process;
		const before = residentBytes(pid);
		await fill(one);
		const after = residentBytes(pid);
		const mega = (bytes: number) => (bytes / 1e6).toFixed(0);
		console.log(
			`| ${server.name} | ${mega(before)} | ${mega(after)} | ${Math.round((after - before) / names)} |`,
		);
		isOver = true;
		await one.process.stop();
		running.pop();
		isOver = false;
	}
}
