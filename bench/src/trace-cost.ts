/**
 * What a Go execution trace costs the service: `node bench/src/trace-cost.ts [--rounds 5]`.
 *
 * Two healthy services of the lab, each as busy as a few callers can keep it, in phases of a few seconds: alone, and
 * while it writes a trace that is read as `--trace-seconds` does, in turn. Service, database, callers and reader share
 * this machine. Prints requests per second, CPU of the service a request and the trace's size as Markdown, and how
 * fast the trace is decoded.
 */
import { readFileSync } from "node:fs";
import { Agent, get } from "node:http";
import { availableParallelism, release } from "node:os";
import { parseArgs } from "node:util";
import { buildService } from "@plumbline/lab/build-service";
import { openPlace } from "@plumbline/lab/place";
import { runService } from "@plumbline/lab/run-service";
import { loadScenario } from "@plumbline/lab/scenario";
import { openServers } from "@plumbline/lab/servers";
import { encodeGoTrace } from "@plumbline/signals/go-trace-json";
import { decodeGoTraceV2 } from "@plumbline/signals/go-trace-v2";

const ROUNDS_MAX = 20;
const CALLERS = 16;
const PHASE_S = 4;
/** A phase ends by its time; this bounds it should the service answer impossibly fast. */
const PHASE_REQUESTS_MAX = 500_000;
const TRACE_BYTES_MAX = 1 << 30;
/** USER_HZ on every Linux that Go runs on. */
const TICKS_PER_SECOND = 100;
const UTIME_FIELD = 14;
const FIRST_FIELD = 3;

const SERVICES = ["healthy-busy", "healthy-fanout"];

const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const rounds = Math.min(ROUNDS_MAX, Number(values.rounds));

interface Phase {
	readonly perSecond: number;
	readonly cpuMsEach: number;
}

interface Traced extends Phase {
	readonly bytes: Uint8Array;
}

const servers = openServers();
console.log(
	`${CALLERS} callers, ${rounds} pairs of ${PHASE_S} s; ${availableParallelism()} cores, Linux ${release()}\n`,
);
console.log(
	"| service | requests/s: alone, traced | ratio | CPU of the service, ms a request: alone, traced | ratio | trace, MB/s | decoded, MB/s | kept |",
);
console.log("|---|---|---:|---|---:|---:|---:|---:|");
try {
	for (const name of SERVICES) await measure(name);
} finally {
	await servers.stop();
}

async function measure(name: string): Promise<void> {
	const scenario = loadScenario(name);
	const build = await buildService();
	if (build.kind !== "built") throw new Error(build.why);
	const place = await openPlace(scenario, servers);
	const service = await runService(build.path, name, place.serviceUrl);
	try {
		const url = `${service.base}${scenario.background?.path.replaceAll("{n}", "1")}`;
		await keepBusy(url, service.pid);
		const pairs: (readonly [Phase, Traced])[] = [];
		for (let round = 0; round < rounds; round++) {
			const alone = await keepBusy(url, service.pid);
			const trace = read(`${service.pprof.replace(/\/$/, "")}/trace?seconds=${PHASE_S}`);
			const traced = await keepBusy(url, service.pid);
			pairs.push([alone, { ...traced, bytes: await trace }]);
		}
		report(name, pairs);
	} finally {
		await service.stop();
		await place.close();
	}
}

async function keepBusy(url: string, pid: number): Promise<Phase> {
	const agent = new Agent({ keepAlive: true, maxSockets: CALLERS });
	let answered = 0;
	const cpuBefore = cpuMs(pid);
	const start = performance.now();
	const caller = async (): Promise<void> => {
		while (performance.now() - start < PHASE_S * 1000 && answered < PHASE_REQUESTS_MAX) {
			await read(url, agent);
			answered++;
		}
	};
	await Promise.all(Array.from({ length: CALLERS }, caller));
	const seconds = (performance.now() - start) / 1000;
	agent.destroy();
	return { perSecond: answered / seconds, cpuMsEach: (cpuMs(pid) - cpuBefore) / answered };
}

function read(url: string, agent?: Agent): Promise<Uint8Array> {
	return new Promise((resolve, reject) => {
		get(url, agent ? { agent } : {}, (answer) => {
			const chunks: Uint8Array[] = [];
			let size = 0;
			answer.on("data", (chunk: Uint8Array) => {
				size += chunk.length;
				if (size <= TRACE_BYTES_MAX) chunks.push(chunk);
			});
			answer.on("end", () => resolve(Buffer.concat(chunks)));
			answer.on("error", reject);
			if (answer.statusCode !== 200) reject(new Error(`${url} answered ${answer.statusCode}`));
		}).on("error", reject);
	});
}

/** User and system time of a process. */
function cpuMs(pid: number): number {
	const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	const [user, system] = [fields[UTIME_FIELD - FIRST_FIELD], fields[UTIME_FIELD - FIRST_FIELD + 1]];
	return ((Number(user) + Number(system)) * 1000) / TICKS_PER_SECOND;
}

function report(name: string, pairs: readonly (readonly [Phase, Traced])[]): void {
	const median = (all: readonly number[]): number =>
		all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN;
	const column = (of: (phase: Phase) => number, digits: number): string => {
		const [alone, traced] = [median(pairs.map(([a]) => of(a))), median(pairs.map(([, b]) => of(b)))];
		const ratios = pairs.map(([a, b]) => of(b) / of(a)).sort((a, b) => a - b);
		const shown = [median(ratios), ratios[0], ratios.at(-1)].map((ratio) => (ratio ?? Number.NaN).toFixed(2));
		return `${alone.toFixed(digits)}, ${traced.toFixed(digits)} | ${shown[0]} (${shown[1]} – ${shown[2]})`;
	};
	const decodings = pairs.map(([, { bytes }]) => {
		const start = performance.now();
		const decoded = decodeGoTraceV2(bytes);
		const seconds = (performance.now() - start) / 1000;
		if (decoded.kind !== "decoded" || decoded.flaws.length > 0)
			throw new Error(`a trace of ${name} was not read whole`);
		const kept = encodeGoTrace(decoded.value).length;
		return { perSecond: bytes.length / 1e6 / seconds, kept: kept / 1e6 };
	});
	const written = median(pairs.map(([, { bytes }]) => bytes.length / 1e6 / PHASE_S));
	const decoded = median(decodings.map(({ perSecond }) => perSecond));
	const kept = median(decodings.map(({ kept }) => kept));
	console.log(
		`| \`${name}\` | ${column((p) => p.perSecond, 0)} | ${column((p) => p.cpuMsEach, 2)} | ${written.toFixed(1)} | ${decoded.toFixed(0)} | ${kept.toFixed(2)} MB |`,
	);
}
