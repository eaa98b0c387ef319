/** Runs of wrk and h2load against one port: how many requests were answered, how long they took. */
import { execFile } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const RUN_MS_MAX = 120_000;
const OUTPUT_BYTES_MAX = 1 << 22;

export interface Answers {
	readonly answers: number;
	readonly failed: number;
	readonly perSecond: number;
	readonly p50Us: number;
	readonly p99Us: number;
}

export interface Load {
	readonly url: string;
	readonly core: number;
	readonly seconds: number;
	readonly connections: number;
}

/** With Host, which the programs add, six fields of some 250 bytes: a browser's are more, a service's are fewer. */
const FIELDS = [
	"accept: application/json, text/plain, */*",
	"user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:130.0) bench/1.0",
	"accept-encoding: gzip, deflate, br",
	"accept-language: en-GB,en;q=0.7",
	"cookie: session=0123456789abcdef0123456789abcdef; theme=dark",
].flatMap((field) => ["-H", field]);
const GRPC_FIELDS = ["content-type: application/grpc", "te: trailers", "user-agent: bench/1.0"].flatMap(
	(field) => ["-H", field],
);

/** As fast as answers come. */
export async function wrk({ url, core, seconds, connections }: Load): Promise<Answers> {
	const args = ["-t1", `-c${connections}`, `-d${seconds}`, "--latency", "--timeout", "10", ...FIELDS, url];
	const text = await output(core, "wrk", args);
	const number = (what: RegExp) => Number(what.exec(text)?.[1] ?? 0);
	const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
	const broken = (errors?.slice(1) ?? []).reduce((sum, count) => sum + Number(count), 0);
	return {
		answers: number(/(\d+) requests in/),
		failed: broken + number(/Non-2xx or 3xx responses: (\d+)/),
		perSecond: number(/Requests\/sec:\s+([\d.]+)/),
		p50Us: microseconds(/50%\s+([\d.]+[a-z]+)/.exec(text)?.[1]),
		p99Us: microseconds(/99%\s+([\d.]+[a-z]+)/.exec(text)?.[1]),
	};
}

export interface H2Load extends Load {
	readonly protocol: "h1" | "h2";
	readonly streams: number;
	readonly grpc?: boolean;
	/** Requests a second of all connections together, whether answers come or not; as fast as they come without. */
	readonly rate?: number;
	/** For a file of every answer's time. */
	readonly folder: string;
}

export async function h2load(load: H2Load): Promise<Answers> {
	const { url, core, seconds, connections, protocol, streams, grpc, rate, folder } = load;
	const log = join(folder, "h2load.log");
	rmSync(log, { force: true });
	const args = ["-D", String(seconds), "-c", String(connections), "-m", String(streams)];
	if (protocol === "h1") args.push("--h1");
	if (rate !== undefined) args.push("--rps", String(rate / connections), `--log-file=${log}`);
	// A message of gRPC: not compressed, 5 bytes long.
	if (grpc) args.push("-d", join(folder, "message"), ...GRPC_FIELDS);
	else args.push(...FIELDS);
	const text = await output(core, "h2load", [...args, url]);
	const number = (what: RegExp) => Number(what.exec(text)?.[1] ?? 0);
	const times = rate === undefined ? [] : timesOf(log);
	const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
	const answers = number(/(\d+) succeeded/);
	return {
		answers,
		// Those under way when the time is over are told as failed by nobody.
		failed: number(/(\d+) failed/) + number(/(\d+) errored/) + number(/(\d+) 4xx/) + number(/(\d+) 5xx/),
		perSecond: answers / seconds,
		p50Us: at(0.5),
		p99Us: at(0.99),
	};
}

/** Lines of the file: when it was sent, status, microseconds. */
function timesOf(log: string): readonly number[] {
	const lines = readFileSync(log, "latin1").trimEnd().split("\n");
	return Float64Array.from(lines, (line) => Number(line.split("\t")[2])).sort() as unknown as number[];
}

async function output(core: number, program: string, args: readonly string[]): Promise<string> {
	const all = ["-c", String(core), program, ...args];
	const { stdout } = await run("taskset", all, { timeout: RUN_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX });
	return stdout;
}

/** As wrk writes it: `812.00us`, `1.20ms`, `2.00s`. */
function microseconds(text: string | undefined): number {
	const [, number, unit] = /^([\d.]+)(us|ms|s)$/.exec(text ?? "") ?? [];
	return Number(number ?? 0) * (unit === "s" ? 1e6 : unit === "ms" ? 1e3 : 1);
}
