/**
 * What a request through the gateway costs, beside other proxies: CPU time, latency, memory.
 *
 *     node bench/src/gateway/requests.ts [--rounds 5] [--seconds 3] [--parts full,calm,body,tls,h2,grpc,idle]
 *                                        [--proxies nginx,plumbline] [--beside ../checkout]
 *
 *   wrk or h2load (core 1) ──▶ each proxy in turn (core 0) ──▶ nginx, answers of 512 bytes or 1 MiB (core 1)
 *
 * Rounds are interleaved, so that whatever else this machine does hits all alike; ratios are within a round, to nginx.
 * `--beside` measures another checkout of this repository as one more proxy; several, with commas between them.
 */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeLabCertificate } from "@plumbline/lab/dns-servers-certificate";
import { makeScratchFolder, removeScratchFolder } from "@plumbline/lab/tied-process";
import { heldBytes } from "./idle.ts";
import { each, PARTS, type Part } from "./parts.ts";
import { type Contender, ours, PROXIES } from "./proxies.ts";
import { type CpuTime, freePort, type Started, start } from "./started.ts";
import { startUpstream } from "./upstream.ts";

const PROXY_CORE = 0;
const LOAD_CORE = 1;
const IDLE = [0, 1000, 19_000];
/** The first round is for compilers and connections, and so many times as long. */
const WARM_TIMES = 3;

const { values } = parseArgs({
	options: {
		rounds: { type: "string", default: "5" },
		seconds: { type: "string", default: "3" },
		parts: { type: "string", default: [...Object.keys(PARTS), "idle"].join() },
		proxies: { type: "string", default: PROXIES.map(({ name }) => name).join() },
		beside: { type: "string" },
	},
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const wanted = values.proxies.split(",");
const proxies: readonly Contender[] = [
	...PROXIES.filter(({ name }) => wanted.includes(name)),
	...(values.beside === undefined ? [] : [...values.beside.split(",").map((place) => ours(place, place))]),
];

interface Figure extends CpuTime {
	/** CPU of a unit. */
	readonly cost: number;
	readonly answers: number;
	readonly failed: number;
	readonly perSecond: number;
	readonly p50Us: number;
	readonly p99Us: number;
}

interface Running {
	readonly name: string;
	readonly program: Started;
	readonly figures: Figure[];
}

const folder = makeScratchFolder();
chmodSync(folder, 0o755);
const started: Started[] = [];
try {
	writeFileSync(join(folder, "message"), Uint8Array.of(0, 0, 0, 0, 5, 10, 3, 1, 2, 3));
	const certificate = await makeLabCertificate(folder, "bench.example");
	const upstream = await startUpstream(folder, LOAD_CORE);
	started.push(upstream.program);
	for (const name of values.parts.split(",")) {
		const part = PARTS[name];
		const kind = part?.kind ?? "http";
		const running: Running[] = [];
		for (const proxy of proxies) {
			const port = await freePort();
			const own = join(folder, name, proxy.name.replace("/", "-"));
			mkdirSync(own, { recursive: true });
			const to = kind === "grpc" ? upstream.h2cPort : upstream.port;
			const plan = proxy.plan({ kind, port, upstream: to, folder: own, certificate });
			if (plan === undefined) continue;
			const program = await start({ ...plan, port, core: PROXY_CORE });
			started.push(program);
			running.push({ name: proxy.name, program, figures: [] });
		}
		if (part !== undefined) await measure(part, running);
		else if (name === "idle") await weigh(running);
		else throw new Error(`no part is called ${name}`);
		for (const { program } of running) await program.stop();
	}
} finally {
	for (const program of started) await program.stop();
	removeScratchFolder(folder);
}

async function measure(part: Part, running: readonly Running[]): Promise<void> {
	for (let round = 0; round <= rounds; round++)
		for (const { program, figures } of running) {
			const before = program.cpu();
			const answers = await part.load({
				port: program.port,
				core: LOAD_CORE,
				seconds: round === 0 ? seconds * WARM_TIMES : seconds,
				folder,
			});
			const after = program.cpu();
			if (round === 0) continue;
			const userUs = after.userUs - before.userUs;
			const systemUs = after.systemUs - before.systemUs;
			figures.push({ ...answers, userUs, systemUs, cost: each(part, userUs + systemUs, answers.answers) });
		}
	const rows = running.map(({ name, figures }) => {
		const middle = (of: (figure: Figure) => number) => median(figures.map(of));
		const ratios = figures.map(({ cost }, round) => cost / (running[0]?.figures[round]?.cost ?? Number.NaN));
		const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
		const digits = part.unit === "µs a request" ? 1 : 0;
		return [
			name,
			middle(({ cost }) => cost).toFixed(digits),
			middle(({ userUs, answers }) => each(part, userUs, answers)).toFixed(digits),
			middle(({ systemUs, answers }) => each(part, systemUs, answers)).toFixed(digits),
			median(ratios).toFixed(2),
			spread,
			Math.round(middle(({ perSecond }) => perSecond)),
			milliseconds(middle(({ p50Us }) => p50Us)),
			milliseconds(middle(({ p99Us }) => p99Us)),
			figures.reduce((sum, { failed }) => sum + failed, 0),
		];
	});
	const columns = ["proxy", `CPU, ${part.unit}`, "user", "system", `to ${running[0]?.name}`, "spread"];
	print(part.title, [...columns, "answers/s", "p50 ms", "p99 ms", "failed"], rows);
}

async function weigh(running: readonly Running[]): Promise<void> {
	const rows = [];
	for (const { name, program } of running) {
		const held = await heldBytes(program, IDLE);
		const [first, ...rest] = held.map(({ bytes }) => (bytes / 2 ** 20).toFixed(0));
		rows.push([name, first, ...rest, held.at(-1)?.connections]);
	}
	const columns = ["proxy", ...IDLE.map((count) => (count === 0 ? "at start" : `${count} idle`))];
	print("resident memory, MiB, by connections of clients", [...columns, "of those alive at the end"], rows);
}

function print(
	title: string,
	columns: readonly string[],
	rows: readonly (readonly (string | number | undefined)[])[],
) {
	const line = (cells: readonly unknown[]) => `| ${cells.join(" | ")} |`;
	console.log(
		`\n**${title}**\n\n${line(columns)}\n${line(columns.map((_, at) => (at === 0 ? "---" : "---:")))}`,
	);
	for (const row of rows) console.log(line(row));
}

function median(of: readonly number[]): number {
	return of.toSorted((left, right) => left - right)[of.length >> 1] ?? Number.NaN;
}

function milliseconds(us: number): string {
	return us === 0 ? "" : (us / 1000).toFixed(2);
}
